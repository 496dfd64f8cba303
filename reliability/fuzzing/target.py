"""What is fuzzed: a reader of files, small real files to start from, the errors it may raise."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# Between the files of a folder that is one input, each after its name and a newline.
BETWEEN = b"\n=8<=\n"

Read = Callable[[bytes], object]
Mutate = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True)
class Target:
    """A reader of strangers' files.

    Parameters
    ----------
    reads
        What it reads, for people.
    modules
        Files below src/fittingroom whose lines are counted.
    errors
        The names in `fittingroom.errors`, or "module:Name", of what it may raise.
    seeds
        Returns the content of real files, given the folder of the workshop.
    reader
        Returns what reads one input, given that folder and an empty one to write inputs in.
    words
        What such files often hold, for libFuzzer to put in.
    mutate
        Changes every other input in a way of its own, see mutate.py; None for libFuzzer's alone.
    """

    reads: str
    modules: tuple[str, ...]
    errors: tuple[str, ...]
    seeds: Callable[[Path], list[bytes]]
    reader: Callable[[Path, Path], Read]
    words: tuple[bytes, ...] = ()
    mutate: Mutate | None = None


def packed(files: dict[str, bytes]) -> bytes:
    """Return several files as one input."""
    return BETWEEN.join(name.encode() + b"\n" + content for name, content in files.items())


def unpacked(data: bytes) -> dict[PurePosixPath, bytes]:
    """Return the files of an input; names that no folder can hold are left out."""
    files: dict[PurePosixPath, bytes] = {}
    for piece in data.split(BETWEEN)[:64]:
        name, _, content = piece.partition(b"\n")
        path = PurePosixPath(name[:200].decode("utf-8", "replace"))
        if path.parts and not path.is_absolute() and not {"..", "\0"} & set(path.parts):
            files[path] = content
    return files


def in_file(folder: Path, name: str, read: Callable[[Path], object]) -> Read:
    """Return what writes an input to a file of that name and reads it."""
    path = folder / name

    def write_and_read(data: bytes) -> object:
        path.write_bytes(data)
        return read(path)

    return write_and_read
