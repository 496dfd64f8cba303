"""Standard output and error whose reader may leave: `head`, or a terminal that is closed.

A command that only tells something ends with it, quietly. One whose work is kept, a run say, goes
on: a night's training is not to be lost for the words that nobody reads.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

import typer

# A pipe without a reader, a terminal that is no more.
GONE = {errno.EPIPE, errno.EIO}


class Stream:
    """A text stream that knows what to do when it cannot be written to.

    What cannot be written, and all that follows, is dropped.

    Parameters
    ----------
    stream
        The one that is there.
    lasting
        Whether the command goes on then. What else than a reader that left was the matter, a full
        disk say, is kept as `problem` for its end.
    """

    def __init__(self, stream: TextIO, *, lasting: bool) -> None:
        self.stream, self.lasting = stream, lasting
        self.problem: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write, or drop."""
        try:
            return self.stream.write(text)
        except OSError as error:
            self._drop(error)
            return len(text)

    def flush(self) -> None:
        """Bring what was written on its way."""
        try:
            self.stream.flush()
        except OSError as error:
            self._drop(error)

    def _drop(self, error: OSError) -> None:
        with open(os.devnull, "wb") as nowhere, suppress(OSError, ValueError):  # noqa: PTH123
            os.dup2(nowhere.fileno(), self.stream.fileno())  # if it is a file of the system's
        if error.errno not in GONE:
            self.problem = OSError(error.errno, error.strerror, "the standard output")
        if not self.lasting:
            raise self.problem or typer.Exit(0)


@contextmanager
def streams() -> Iterator[None]:
    """Put such streams in the place of the process's own, also of those that it was not given."""
    before = sys.stdout, sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        out, err = (stream or nowhere for stream in before)
        for stream in (out, err):
            if isinstance(stream, io.TextIOWrapper):
                # A Windows console or pipe may lack the letters of a class name.
                stream.reconfigure(errors="backslashreplace")
        sys.stdout = cast("TextIO", Stream(out, lasting=False))
        sys.stderr = cast("TextIO", Stream(err, lasting=True))
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def go_on_unread() -> None:
    """Let this command go on to its end, whoever reads what it prints."""
    if isinstance(sys.stdout, Stream):
        sys.stdout.lasting = True


def close_streams() -> None:
    """Bring the last words on their way.

    Raises
    ------
    OSError
        If words were lost for another reason than that their reader has left.
    """
    sys.stdout.flush()
    if isinstance(sys.stdout, Stream) and sys.stdout.problem is not None:
        raise sys.stdout.problem
