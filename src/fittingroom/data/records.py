"""Files of JSON and TOML that are read whole, and files that a stranger's folder may hold."""

from __future__ import annotations

import errno
import os
from pathlib import Path

# Recipes, plans, records. The trials of a tuning of 10,000 take 20 MB.
MAX_RECORD_BYTES = 2**26


def read_record(path: Path) -> bytes:
    """Return what a file of JSON or TOML holds, which no one makes larger than 64 MiB.

    Raises
    ------
    OSError
        If it cannot be read, or is no file but a device or a pipe.
    ValueError
        If it is larger.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "Not a regular file")
    with path.open("rb") as stream:
        content = stream.read(MAX_RECORD_BYTES + 1)
    if len(content) > MAX_RECORD_BYTES:
        raise ValueError(f"larger than {MAX_RECORD_BYTES:,} bytes")
    return content


def never_through_a_link(path: str, flags: int) -> int:
    """Open a file to write; one that a stranger's folder links to elsewhere is an OSError."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)
