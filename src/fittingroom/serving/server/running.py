"""Sockets, signals and connections: how the server begins, and how it ends without losing anything.

On SIGTERM or Ctrl-C nobody new is let in. What is under way is answered, and so is what still
arrives on open connections, each of which is then closed; the server ends when they are quiet. A
second Ctrl-C ends it at once.
"""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fittingroom.errors import FittingroomError
from fittingroom.serving.server.guarding import HEADERS, Guarded

HEAD_SECONDS = 10.0  # until a request's headers must have arrived
HEAD_BYTES = 65_536
IDLE_SECONDS = 5  # until a connection is closed on which nothing is asked
MOST_CONNECTIONS = 800  # a process may have 1024 files open, most often
QUIET_SECONDS = 0.25  # without a request, until open connections are closed at the end
LAST_SECONDS = 30  # for what is under way at the end; after twice as long it is given up
BACKLOG = 2048


class Connection(HttpToolsProtocol):
    """A connection that does not wait for ever for a request's headers, nor for ever more of them.

    uvicorn has no limit for either.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self.refuse(503, "there are too many connections; try again in a moment")
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._head_arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self._expect_head()
        if self._head_timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES + len(data):
                self.refuse(431, f"at most {HEAD_BYTES:,} bytes of headers are read")
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._head_arrived()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Say that it is no HTTP."""
        self.refuse(400, f"{msg.rstrip('.')}: HTTP/1.1 is expected")

    def refuse(self, status: int, sentence: str) -> None:
        """Answer without asking the application, and close."""
        self._head_arrived()
        body = b'{"error":"%s"}' % sentence.encode()
        head = [
            b"HTTP/1.1 %d " % status,
            *(b"\r\n%s: %s" % (name.encode(), value.encode()) for name, value in HEADERS.items()),
            b"\r\nretry-after: 1" if status == 503 else b"",
            b"\r\ncontent-type: application/json\r\nconnection: close",
            b"\r\ncontent-length: %d\r\n\r\n" % len(body),
        ]
        self.transport.write(b"".join(head) + body)
        self.transport.close()

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_bytes = 0
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_late)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_late(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.refuse(408, f"headers are expected within {HEAD_SECONDS:g} seconds")


class Server(uvicorn.Server):
    """The server.

    Parameters
    ----------
    app
        What answers.
    on_start
        Called once it listens.
    """

    def __init__(self, app: Guarded, on_start: Callable[[], object] = lambda: None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="error",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=LAST_SECONDS,
                backlog=BACKLOG,
            )
        )
        self._app = app
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody in, answer what is there, then end."""
        self._app.service.stopping = True
        for server in self.servers:
            server.close()
        await self._until_quiet()
        await super().shutdown(sockets)

    async def _until_quiet(self) -> None:
        """Wait until the open connections ask nothing any more."""
        state, begun = self.server_state, time.monotonic()
        last, asked = begun, state.total_requests
        while state.connections and not self.force_exit and last - begun < LAST_SECONDS:
            await asyncio.sleep(0.02)
            if state.tasks or state.total_requests != asked:
                last, asked = time.monotonic(), state.total_requests
            if time.monotonic() - last > QUIET_SECONDS:
                return

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal; unlike uvicorn's own, it is not raised again after the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handled = (signal.SIGINT, signal.SIGTERM)
        before = {one: signal.signal(one, self.handle_exit) for one in handled}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; at once where Ctrl-C is pressed again."""
        super().handle_exit(sig, frame)


def serve(
    app: Guarded, sockets: list[socket.socket], on_start: Callable[[], object] = lambda: None
) -> bool:
    """Serve until a signal ends it; return whether all that was asked is answered.

    Raises
    ------
    FittingroomError
        If it cannot begin.
    """

    def begun() -> None:
        # What is there by now stays: the collector would look at all of torch's objects again and
        # again, 230 ms each time. With 32 clients 99% were answered within 290 ms, so within 70.
        gc.collect()
        gc.freeze()
        on_start()

    server = Server(app, begun)
    try:
        server.run(sockets)
    except SystemExit as error:
        raise FittingroomError("the server could not begin; see above") from error
    return not server.force_exit


def listen(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen at a host's addresses, all at one port; 0 for any free one.

    Raises
    ------
    FittingroomError
        If the host is unknown or not this machine, or the port is taken or not allowed.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise FittingroomError(f"host {host!r} is unknown: {error}; try 127.0.0.1") from error
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            chosen = sockets[0].getsockname()[1] if sockets else port
            sockets.append(socket.socket(family, kind, protocol))
            bind(sockets[-1], (str(address[0]), chosen, *address[2:]))
    except OSError as error:
        for one in sockets:
            one.close()
        raise FittingroomError(
            f"cannot listen at {host}, port {port}: {error.strerror or error}; choose another with "
            "--port, 0 for any that is free"
        ) from error
    return sockets


def bind(one: socket.socket, address: tuple[Any, ...]) -> None:
    """Bind a socket, also where one that was closed a moment ago had the port."""
    if hasattr(socket, "SO_REUSEPORT"):  # not on Windows, where the option means something else
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if one.family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind(address)
    one.listen(BACKLOG)
    one.setblocking(False)


def is_loopback(sockets: list[socket.socket]) -> bool:
    """Tell whether only this machine can reach the sockets."""
    return all(ipaddress.ip_address(one.getsockname()[0]).is_loopback for one in sockets)


def url_of(host: str, sockets: list[socket.socket]) -> str:
    """Return where a browser finds the sockets."""
    address, port = sockets[0].getsockname()[:2]
    if ipaddress.ip_address(address).is_unspecified:
        host = "127.0.0.1" if "." in address else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
