"""The server begins, bears rude connections, and ends without losing anything."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.serving.conftest import Photograph, png
from tests.serving.server.conftest import Running

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import FittingroomError
from fittingroom.serving.predictor import RunPredictor
from fittingroom.serving.server import running
from fittingroom.serving.server.running import is_loopback, listen, url_of

HEAD = b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(FittingroomError, match=f"port {port}: .*--port") as error:
            listen("127.0.0.1", port)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("host", ["no such host", "x" * 300, "192.0.2.1", "."])
def test_a_host_that_is_not_here_is_one_line(host: str) -> None:
    with pytest.raises(FittingroomError, match=r"127\.0\.0\.1|--port"):
        listen(host, 0)


@pytest.mark.parametrize(
    ("host", "loopback", "url"),
    [
        ("127.0.0.1", True, "http://127.0.0.1:"),
        ("localhost", True, "http://localhost:"),
        ("0.0.0.0", False, "http://127.0.0.1:"),  # noqa: S104 - what is tested
    ],
)
def test_it_is_known_who_can_reach_a_host_and_where_it_is(
    host: str, loopback: bool, url: str
) -> None:
    sockets = listen(host, 0)
    try:
        assert is_loopback(sockets) is loopback
        assert url_of(host, sockets).startswith(url)
        assert len({one.getsockname()[1] for one in sockets}) == 1
    finally:
        for one in sockets:
            one.close()


def test_headers_that_do_not_come_are_given_up(
    shop: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "HEAD_SECONDS", 0.3)
    for begun in (b"", b"GET / HTTP/1.1\r\nHost: local", b"\r\n\r\n"):
        assert shop.raw(begun).startswith(b"HTTP/1.1 408 ")


def test_headers_without_an_end_are_given_up(shop: Running) -> None:
    filler = b"X-Filler: " + b"x" * 8000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", shop.port)) as connection:
        connection.settimeout(10)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        sent = 0
        try:
            while sent < 5000:
                connection.sendall(filler)
                sent += 1
        except OSError:
            pass  # it hung up
    assert sent < 5000


@pytest.mark.parametrize(
    "request_",
    [
        b"nothing of the kind\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nBad Header: x\r\n\r\n",
        b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n\tb\x00c\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50),  # TLS
        b"GET / HTTP/1.1\r\nConnection: close\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET http://a.example/ HTTP/1.1\r\nConnection: close\r\nHost: a.example\r\n\r\n",
    ],
)
def test_what_is_no_request_to_this_server_is_refused_with_all_headers(
    shop: Running, request_: bytes
) -> None:
    reply = shop.raw(request_, b"\r\n" * 4).lower()
    assert reply.startswith((b"http/1.1 400 ", b"http/1.1 403 "))
    assert b"x-content-type-options: nosniff" in reply
    assert b'{"error":"' in reply


def test_headers_of_proxies_are_not_believed(shop: Running) -> None:
    headers = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "forwarded": "x"}
    assert shop.client.get("/healthz", headers=headers).status_code == 200


def test_the_refusal_of_too_much_is_read_though_the_rest_is_still_sent(shop: Running) -> None:
    reply = shop.raw(HEAD + b"Content-Length: 12000000\r\n\r\n", *[bytes(100_000)] * 120)
    assert reply.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in reply.lower()


def test_who_asks_before_sending_is_told_at_once(shop: Running, photograph: Photograph) -> None:
    expect = HEAD + b"Expect: 100-continue\r\nConnection: close\r\n"
    reply = shop.raw(expect + b"Content-Length: 12000000\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 413 ")
    body = photograph(0)
    with socket.create_connection(("127.0.0.1", shop.port), timeout=30) as connection:
        connection.sendall(expect + b"Content-Length: %d\r\n\r\n" % len(body))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


def test_many_slow_connections_stall_nobody(shop: Running, photograph: Photograph) -> None:
    slow = [socket.create_connection(("127.0.0.1", shop.port)) for _ in range(200)]
    try:
        for number, one in enumerate(slow):
            one.sendall(HEAD if number % 2 else HEAD + b"Content-Length: 1000\r\n\r\n\x89")
        headers = {"content-type": "image/png"}
        reply = shop.client.post("/api/predict", content=photograph(0), headers=headers, timeout=10)
        assert reply.status_code == 200
    finally:
        for one in slow:
            one.close()


def test_too_many_connections_are_refused_and_come_again_later(
    start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "MOST_CONNECTIONS", 5)
    with start() as shop:
        idle = [socket.create_connection(("127.0.0.1", shop.port)) for _ in range(5)]
        time.sleep(0.2)
        assert shop.raw().startswith(b"HTTP/1.1 503 ")
        for one in idle:
            one.close()
        time.sleep(0.2)
        assert shop.client.get("/healthz").status_code == 200


async def ask_on(
    url: str, content: bytes, statuses: list[int]
) -> tuple[list[int], list[Exception]]:
    """Post one picture after the other on a connection until the server lets nobody in."""
    headers = {"content-type": "image/png"}
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        while True:
            try:
                reply = await client.post("/api/predict", content=content, headers=headers)
            except httpx.ConnectError:
                return statuses, []  # closed: nothing was sent
            except httpx.TransportError as error:
                return statuses, [error]
            statuses.append(reply.status_code)


@pytest.fixture
def process(
    garments_run: fr.Run, predictor: RunPredictor, tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The real command, and where it listens."""
    found = subprocess.Popen(
        [sys.executable, "-m", "fittingroom", "serve", str(garments_run.folder), "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert found.stdout is not None
    try:
        lines = iter(found.stdout.readline, "")
        url = next(line.split()[0] for line in lines if line.startswith("http://"))
        yield found, url
    finally:
        found.kill()
        found.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_stopping_under_load_loses_nothing(
    process: tuple[subprocess.Popen[str], str], garments: DataSplits, how: signal.Signals
) -> None:
    server, url = process
    pictures = [png(one[0]) for one in garments.test.images[:16]]

    async def load() -> list[tuple[list[int], list[Exception]]]:
        answered: list[list[int]] = [[] for _ in pictures]
        clients = [
            asyncio.create_task(ask_on(url, picture, statuses))
            for picture, statuses in zip(pictures, answered, strict=True)
        ]
        # However busy the machine is; a client that is done by now says below what went wrong.
        while min(map(len, answered)) < 2 and not any(client.done() for client in clients):
            await asyncio.sleep(0.1)
        server.send_signal(how)
        return await asyncio.gather(*clients)

    found = asyncio.run(load())
    assert [errors for _, errors in found if errors] == []
    statuses = [status for each, _ in found for status in each]
    assert set(statuses) == {200}
    assert len(statuses) > 16
    out, err = server.communicate(timeout=60)
    assert server.returncode == 0, err
    assert "stopped: everything that was asked is answered" in out
    assert err == ""


@pytest.mark.slow
def test_a_request_that_takes_long_is_answered_before_the_end(
    process: tuple[subprocess.Popen[str], str], photograph: Photograph
) -> None:
    server, url = process
    body = photograph(0)
    head = HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port or 0), timeout=30) as connection:
        connection.sendall(head + body[:100])
        time.sleep(0.3)
        server.send_signal(signal.SIGTERM)
        time.sleep(1)
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
        connection.sendall(body[100:])
        reply = b"".join(iter(lambda: connection.recv(65536), b""))
    assert reply.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in reply
    server.communicate(timeout=60)
    assert server.returncode == 0
