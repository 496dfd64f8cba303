"""What every request passes: counted, its host and origin checked, its response given headers.

The host, because a web page may let its own name point to 127.0.0.1 and then ask whatever runs
there (DNS rebinding); the origin, because any web page can send a form anywhere.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fittingroom.serving.server.refusals import refusal

if TYPE_CHECKING:
    from fittingroom.serving.server.service import Service

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS = SAFE | {"POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT"}
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Rules:
    """Whose requests are answered.

    Parameters
    ----------
    hosts
        Names that a request may call this server by, without the port; None for any.
    origins
        Other sites whose pages may ask, "https://example.org".
    """

    hosts: frozenset[str] | None = frozenset(LOOPBACK)
    origins: frozenset[str] = frozenset()

    def refuse(self, method: str, headers: Headers) -> str | None:
        """Return why a request is refused; None if it is not."""
        named = headers.getlist("host")
        host = named[0].lower() if len(named) == 1 else ""
        if self.hosts is not None and re.sub(r":\d{1,5}$", "", host) not in self.hosts:
            return (
                f"the request is for host {host[:100]!r}, but this server answers to "
                f"{', '.join(sorted(self.hosts))} only; start it with --host to serve others"
            )
        origin = headers.get("origin")
        if method in SAFE or origin is None or origin in self.origins or is_same(origin, host):
            return None
        return (
            f"the request comes from a page of {origin[:100]!r}; to let it ask, start the server "
            "with --allow-origin and that origin"
        )


def is_same(origin: str, host: str) -> bool:
    """Tell whether a page lies on this server: whatever stands before it may speak https."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == host != ""


class Guarded:
    """An application, guarded.

    Parameters
    ----------
    app
        What answers.
    service
        Whose rules hold, and where requests are counted.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand on what is none."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        metrics, started, status = self.service.metrics, time.perf_counter(), 500
        # HEAD is answered as GET; whoever writes to the connection leaves the body out.
        method = scope["method"] if scope["method"] in METHODS else "other"
        scope = {**scope, "method": "GET"} if method == "HEAD" else scope

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self.service.stopping:
                    headers["connection"] = "close"
            await send(message)

        with metrics.in_flight.track_inprogress():
            try:
                await self._answer(scope, receive, send_with_headers)
            finally:
                metrics.request(route_of(scope), method, status, time.perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = self.service.rules.refuse(scope["method"], Headers(scope=scope))
        if reason is None:
            await self.app(scope, receive, send)
        else:
            await refusal(403, reason)(scope, receive, send)


def route_of(scope: Scope) -> str:
    """Return the pattern of the route that answered, so that strangers do not make up labels."""
    return str(getattr(scope.get("route"), "path", "none"))


def check_origins(origins: Iterable[str]) -> frozenset[str]:
    """Return origins as browsers write them.

    Raises
    ------
    ValueError
        For what is none.
    """
    found = {origin.rstrip("/").lower() for origin in origins}
    for origin in found:
        if not re.fullmatch(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:\d{1,5})?", origin):
            message = (
                f"{origin!r} is no origin; expected is a scheme, a host and, if need be, a port: "
                "https://example.org"
            )
            raise ValueError(message)
    return frozenset(found)
