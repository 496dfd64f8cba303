"""A form is taken apart as others put it together."""

from __future__ import annotations

import contextlib

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fittingroom.serving.server.multipart import (
    BrokenFormError,
    TooManyPartsError,
    boundary_of,
    parameters,
    parse_form,
)

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@given(st.lists(st.tuples(NAMES, st.binary(max_size=100)), min_size=1, max_size=5))
def test_a_form_of_httpx_is_read_as_it_was_meant(files: list[tuple[str, bytes]]) -> None:
    request = httpx.Request("POST", "http://x/", files=[("files", file) for file in files])
    parts = parse_form(request.read(), boundary_of(request.headers["content-type"]), 5)
    assert [part.content for part in parts] == [content for _, content in files]
    assert {part.field for part in parts} == {"files"}
    for part, (name, _) in zip(parts, files, strict=True):
        # httpx escapes as HTML's standard says: a quotation mark is %22
        assert part.filename is not None
        assert part.filename.replace("%22", '"') == name.replace("%22", '"').replace("\\\\", "\\")


def test_what_stands_before_and_after_the_parts_is_left_out() -> None:
    body = b"before\r\n--x \t\r\nContent-Disposition: form-data; NAME=files\r\n\r\n1\r\n--x--after"
    (part,) = parse_form(body, b"x", 1)
    assert part == ("files", None, b"1")


def test_a_boundary_inside_a_line_is_content() -> None:
    body = b'--x\r\ncontent-disposition: form-data; name="files"\r\n\r\n1--x2\n--x\r\n--x--'
    assert parse_form(body, b"x", 1)[0].content == b"1--x2\n--x"


@given(st.binary(max_size=400))
def test_any_bytes_are_a_form_or_are_refused(body: bytes) -> None:
    with contextlib.suppress(BrokenFormError, TooManyPartsError):
        parse_form(body, b"x", 3)


@given(st.lists(st.sampled_from([b"--x", b"\r\n", b"--", b"a", b": ", b";", b'name="'])))
def test_any_mixture_of_what_forms_are_made_of_is_a_form_or_refused(pieces: list[bytes]) -> None:
    with contextlib.suppress(BrokenFormError, TooManyPartsError):
        parse_form(b"".join(pieces), b"x", 3)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('multipart/form-data; charset=utf-8; boundary="a b;c"', b"a b;c"),
        ("multipart/form-data;boundary=abc", b"abc"),
    ],
)
def test_the_boundary_is_found(value: str, expected: bytes) -> None:
    assert boundary_of(value) == expected


def test_parameters_are_unescaped() -> None:
    assert parameters(rb'form-data; name="files"; filename="a\"b\\c;d=e.png"') == {
        "name": "files",
        "filename": 'a"b\\c;d=e.png',
    }
