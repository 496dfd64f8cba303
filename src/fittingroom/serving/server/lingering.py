"""A response is read even where the request's body is not: the rest of it is taken and dropped.

A connection that is closed while bytes arrive is reset, and with it what was sent last: who sends
too much would never read that it is too much. So the response goes out whole, the rest is dropped
for a while, and then the connection is closed (nginx calls it lingering_close).
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = 2.0
MOST_BYTES = 64 * 2**20


class Lingering:
    """An application whose responses do not wait for bodies, and are not lost for them.

    Parameters
    ----------
    app
        What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or not has_body(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        unread = True
        # Who waits for "100 Continue" and is told something else sends nothing.
        coming = Headers(scope=scope).get("expect", "").lower() != "100-continue"

        async def read() -> Message:
            nonlocal unread, coming
            coming = True
            message = await receive()
            unread = unread and bool(message.get("more_body", False))
            return message

        async def write(message: Message) -> None:
            if message["type"] == "http.response.start":
                if unread:
                    MutableHeaders(scope=message)["connection"] = "close"
            elif unread and coming and not message.get("more_body", False):
                await send({**message, "more_body": True})
                await drop(read)
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        await self.app(scope, read, write)


def has_body(headers: Headers) -> bool:
    """Tell whether a request has a body: RFC 9112, section 6."""
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


async def drop(read: Receive) -> None:
    """Read what comes and forget it, for a while."""
    dropped, more = 0, True
    try:
        async with asyncio.timeout(SECONDS):
            while more and dropped < MOST_BYTES:
                message = await read()
                dropped += len(message.get("body", b""))
                more = bool(message.get("more_body", False))
    except TimeoutError:
        pass
