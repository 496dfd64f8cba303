"""Whose requests are answered."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from fittingroom.serving.server.guarding import Rules, check_origins

HOME = Rules()


def refusal(rules: Rules, method: str = "GET", **headers: str) -> str | None:
    return rules.refuse(method, Headers(headers))


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:65535"]
)
def test_this_machine_has_these_names(host: str) -> None:
    assert refusal(HOME, host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "evil.example#localhost",
        "localhost@evil.example",
        "localhost:8000:8000",
        "localhost:",
        "127.0.0.1:80 evil",
        "::1",
        "0.0.0.0",  # noqa: S104 - a name, nothing is bound
        "127.1",
    ],
)
def test_other_names_are_those_of_somebody_else(host: str) -> None:
    assert "answers to" in (refusal(HOME, host=host) or "")


def test_one_host_is_expected() -> None:
    twice = Headers(raw=[(b"host", b"localhost"), (b"host", b"localhost")])
    assert HOME.refuse("GET", twice) is not None
    assert HOME.refuse("GET", Headers({})) is not None


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:8000", True),
        ("https://localhost:8000", True),
        ("http://localhost", False),
        ("http://localhost:8001", False),
        ("http://evil.example", False),
        ("null", False),
        ("", False),
        ("http://localhost:8000@evil.example", False),
        ("http://evil.example/?localhost:8000", False),
        ("chrome-extension://localhost:8000", False),
        ("http://[localhost:8000", False),
        ("https://friend.example", True),
        ("https://friend.example.evil.example", False),
    ],
)
def test_only_pages_of_this_server_and_of_those_named_may_post(origin: str, allowed: bool) -> None:
    rules = Rules(origins=frozenset({"https://friend.example"}))
    told = {"host": "localhost:8000", "origin": origin}
    assert (refusal(rules, "POST", **told) is None) is allowed
    assert refusal(rules, "GET", **told) is None


def test_who_is_no_browser_has_no_origin() -> None:
    assert refusal(HOME, "POST", host="localhost") is None


def test_a_server_for_others_has_any_name_but_pages_of_others_may_still_not_post() -> None:
    rules = Rules(hosts=None)
    assert refusal(rules, host="shop.example") is None
    assert refusal(rules, "POST", host="shop.example", origin="http://shop.example") is None
    assert refusal(rules, "POST", host="shop.example", origin="http://evil.example") is not None


def test_origins_are_written_as_browsers_write_them() -> None:
    assert check_origins(["HTTPS://Example.org/", "http://[::1]:80"]) == {
        "https://example.org",
        "http://[::1]:80",
    }
    for wrong in ("*", "example.org", "https://example.org/path", "ftp://example.org", "null"):
        with pytest.raises(ValueError, match=r"https://example\.org"):
            check_origins([wrong])
