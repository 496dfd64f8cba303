"""The files of a form (multipart/form-data: RFC 7578, RFC 2046), taken apart in memory.

Starlette's own way writes files to disk. Here nothing is, and the work is that of `bytes.split`:
10 MB of the worst that can be sent take as long as 10 MB of a picture.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST_BOUNDARY = 70  # RFC 2046, section 5.1.1
LONGEST_HEAD = 8192  # bytes of the headers of one part
_PARAMETER = re.compile(
    rb";[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=" + rb'(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))', re.DOTALL
)


class Part(NamedTuple):
    """One part of a form: the field's name, the file's name (None if it is none), the content."""

    field: str
    filename: str | None
    content: bytes


class BrokenFormError(Exception):
    """A form that is none; the text says why."""


class TooManyPartsError(Exception):
    """A form with more parts than are read."""


def boundary_of(content_type: str) -> bytes:
    """Return what stands between the parts, from a form's content type.

    Raises
    ------
    BrokenFormError
        If there is none, or one that RFC 2046 does not allow.
    """
    boundary = parameters(content_type.encode("latin-1", "replace")).get("boundary", "")
    if not 0 < len(boundary) <= LONGEST_BOUNDARY or not boundary.isascii():
        raise BrokenFormError("its content type names no boundary of 1 to 70 characters")
    return boundary.encode()


def parse_form(body: bytes, boundary: bytes, most: int) -> list[Part]:
    """Take a form apart.

    Raises
    ------
    TooManyPartsError
        If it has more than `most` parts.
    BrokenFormError
        If it is none, or its end is missing.
    """
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary, most + 2)[1:]
    ends = [place for place, piece in enumerate(pieces) if piece.startswith(b"--")]
    if len(pieces if not ends else pieces[: ends[0]]) > most:
        raise TooManyPartsError
    if not ends:
        raise BrokenFormError("its last boundary is missing" if pieces else "it has no parts")
    return [part_of(piece) for piece in pieces[: ends[0]]]


def part_of(piece: bytes) -> Part:
    """Take apart what stands between two boundaries."""
    lead, _, rest = piece.partition(b"\r\n")
    head, found, content = rest.partition(b"\r\n\r\n")
    if lead.strip(b" \t") or not found:
        raise BrokenFormError("a part has no headers")
    if len(head) > LONGEST_HEAD:
        raise BrokenFormError(f"a part has headers of more than {LONGEST_HEAD} bytes")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-disposition":
            told = parameters(value)
            if "name" in told:
                return Part(told["name"], told.get("filename"), content)
    raise BrokenFormError("a part does not say which field it is")


def parameters(value: bytes) -> dict[str, str]:
    """Return the parameters of a header's value, `form-data; name="files"`; names in lower case."""
    return {
        name.decode().lower(): re.sub(rb'\\(["\\])', rb"\1", quoted or plain).decode(
            "utf-8", "replace"
        )
        for name, quoted, plain in _PARAMETER.findall(value)
    }
