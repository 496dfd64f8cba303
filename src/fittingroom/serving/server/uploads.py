"""The pictures that a request brings: read within limits of bytes, files and time, in memory."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from starlette.requests import ClientDisconnect, Request

from fittingroom.serving.server.multipart import (
    BrokenFormError,
    TooManyPartsError,
    boundary_of,
    parse_form,
)
from fittingroom.serving.server.refusals import RefusedError, busy

FIELD = "files"
LONGEST_NAME = 200
FORM = "multipart/form-data"
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # Unicode's categories of what controls or cannot be seen


@dataclass(frozen=True)
class Limits:
    """What a request may bring.

    Parameters
    ----------
    most_bytes
        Of a body.
    most_files
        In a form.
    seconds
        Until a body must have arrived.
    most_held
        Bytes of all bodies at a time.
    """

    most_bytes: int = 10 * 2**20
    most_files: int = 64
    seconds: float = 20
    most_held: int = 256 * 2**20


class Upload(NamedTuple):
    """A picture as it arrived: what people call it, and its bytes."""

    name: str
    content: bytes


class Intake:
    """Reads the bodies of requests.

    Parameters
    ----------
    limits
        What they may bring.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.held = 0

    @asynccontextmanager
    async def uploads(self, request: Request) -> AsyncIterator[list[Upload]]:
        """Read the pictures of a request, and count their bytes as held until the end.

        Raises
        ------
        RefusedError
            If it is not as it must be: see `Limits`.
        """
        before_body(request, self.limits)
        body = bytearray()
        try:
            await self._read(request, body)
            yield uploads_of(bytes(body), request.headers["content-type"], self.limits)
        finally:
            self.held -= len(body)

    async def _read(self, request: Request, body: bytearray) -> None:
        try:
            async with asyncio.timeout(self.limits.seconds):
                async for chunk in request.stream():
                    body += chunk
                    self.held += len(chunk)
                    if len(body) > self.limits.most_bytes:
                        raise too_large(f"more than {self.limits.most_bytes:,}", self.limits)
                    if self.held > self.limits.most_held:
                        raise busy()
        except TimeoutError:
            raise RefusedError(
                408,
                f"the body is expected within {self.limits.seconds:g} seconds, {len(body):,} bytes "
                "arrived; send smaller pictures",
            ) from None
        except ClientDisconnect:
            raise RefusedError(400, "the connection ended before the body did") from None


def before_body(request: Request, limits: Limits) -> None:
    """Refuse what the headers alone show to be wrong.

    Raises
    ------
    RefusedError
        For a content type that is not read, or too many bytes.
    """
    kind = media_type(request.headers.get("content-type", ""))
    if kind != FORM and not kind.startswith("image/") and kind != "application/octet-stream":
        found = repr(clean(kind)) if kind else "none"
        raise RefusedError(
            415,
            f"a form ({FORM}) with pictures in the field {FIELD!r}, or one picture as the whole "
            f"body (image/* or application/octet-stream) is expected, the content type is {found}",
        )
    promised = request.headers.get("content-length", "0")
    if promised.isdecimal() and (len(promised) > 15 or int(promised) > limits.most_bytes):
        raise too_large(promised[:20], limits)


def uploads_of(body: bytes, content_type: str, limits: Limits) -> list[Upload]:
    """Return the pictures of a body.

    Raises
    ------
    RefusedError
        For a form that is broken, or has too many files, none, or another field.
    """
    if media_type(content_type) != FORM:
        return [Upload("picture", body)]
    try:
        parts = parse_form(body, boundary_of(content_type), limits.most_files)
    except TooManyPartsError:
        sentence = f"at most {limits.most_files} pictures are answered for at once; send fewer"
        raise RefusedError(413, sentence) from None
    except BrokenFormError as error:
        raise RefusedError(400, f"the form cannot be read: {error}") from None
    for part in parts:
        if part.field != FIELD or part.filename is None:
            raise RefusedError(
                400,
                f"pictures are expected in the form's field {FIELD!r}, as files, found "
                f"{clean(part.field)!r}",
            )
    if not parts:
        raise RefusedError(400, f"the form is empty; pictures are expected in its field {FIELD!r}")
    return [
        Upload(clean(part.filename or "") or f"picture {number}", part.content)
        for number, part in enumerate(parts, start=1)
    ]


def media_type(content_type: str) -> str:
    """Return a content type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def clean(name: str) -> str:
    """Return a stranger's text to be shown: what cannot be seen left out, and not too long.

    What makes letters run from right to left is left out too: it turns "gnp.exe" into a picture.
    """
    seen = (letter for letter in name[:4096] if unicodedata.category(letter) not in _UNSEEN)
    return "".join(seen).strip()[:LONGEST_NAME]


def too_large(found: str, limits: Limits) -> RefusedError:
    """Return the refusal of a body with too many bytes."""
    return RefusedError(
        413,
        f"at most {limits.most_bytes:,} bytes ({limits.most_bytes // 2**20} MB) are read at once, "
        f"found {found}; make the pictures smaller, or send fewer",
    )
