"""Where a cluster may be, and what answers there instead."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fittingroom.errors import StudyError
from fittingroom.studies.cluster import address
from fittingroom.studies.cluster.address import knock, read_address

pytest.importorskip("grpc", reason="comes with Ray: pip install 'fittingroom[cluster]'")


@pytest.mark.parametrize(
    ("text", "host", "port", "by_client"),
    [
        ("local", None, None, False),
        ("ray", None, None, False),
        ("auto", None, None, False),
        ("head.example:6379", "head.example", 6379, False),
        ("ray://head:10001", "head", 10001, True),
        ("ray://head", "head", 10001, True),
        ("192.0.2.7:1", "192.0.2.7", 1, False),
        ("ray://[2001:db8::1]", "2001:db8::1", 10001, True),
        ("[2001:db8::1]:6379", "2001:db8::1", 6379, False),
    ],
)
def test_an_address_says_where_and_how(
    text: str, host: str | None, port: int | None, by_client: bool
) -> None:
    found = read_address(text)
    assert (found.host, found.port, found.by_client) == (host, port, by_client)


@pytest.mark.parametrize(
    "text", ["", "head", "head:", "head:0", "head:65536", "ray://", "http://head:1", "a b:1", "::1"]
)
def test_what_is_no_address_is_refused_with_what_one_may_be(text: str) -> None:
    expected = "--on must be local, ray, auto, HOST:PORT or ray://HOST:PORT, found"
    with pytest.raises(StudyError, match=f"{expected} {text!r}"):
        read_address(text)


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_cluster_of_this_machine_that_is_no_more_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with listening() as server:
        place = f"127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setenv("RAY_ADDRESS", place)  # goes before what Ray remembers of earlier clusters
    expected = (
        f"auto: [0-9.]+:{place.partition(':')[2]}: no Ray cluster answers: Connection refused"
    )
    with pytest.raises(StudyError, match=expected):
        knock(read_address("auto"))


def test_a_machine_that_is_no_node_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "no place at all")
    with pytest.raises(StudyError, match="auto: this machine is a node of no running Ray cluster"):
        knock(read_address("auto"))


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_a_closed_port_is_one_line(scheme: str) -> None:
    with listening() as server:
        port = server.getsockname()[1]
    expected = f"{scheme}127.0.0.1:{port}: no Ray cluster answers: Connection refused; see that it"
    with pytest.raises(StudyError, match=expected):
        knock(read_address(f"{scheme}127.0.0.1:{port}"))


def test_an_unknown_host_is_one_line() -> None:
    with pytest.raises(StudyError, match=r"no\.such\.invalid:1: no Ray cluster answers: "):
        knock(read_address("no.such.invalid:1"))


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_a_web_server_is_no_cluster(scheme: str) -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(StudyError, match="something else than Ray answers there"):
            knock(read_address(f"{scheme}127.0.0.1:{server.server_port}"))
        server.shutdown()


def test_a_port_at_which_nobody_speaks_is_left_when_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(address, "KNOCK_SECONDS", 0.5)
    with listening() as server, pytest.raises(StudyError, match="something else than Ray answers"):
        knock(read_address(f"127.0.0.1:{server.getsockname()[1]}"))


def test_where_ray_is_started_nothing_is_asked() -> None:
    for text in ("ray", "local"):
        knock(read_address(text))
