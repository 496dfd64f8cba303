"""Named files that can be opened, the same way in a folder and in an archive.

A reader is given a `FileTree` and never learns whether its files lie on disk or in a zip archive
(`archives.py`). Gzip is undone on the way, recognised by its first bytes.
"""

from __future__ import annotations

import io
import os
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from fittingroom.errors import DataError

# EMNIST's largest part takes 0.6 GB and a file that fills the memory of a laptop is a mistake or
# an attack, so one file may hold this many bytes once it is unpacked.
MAX_BYTES = 8 * 2**30
# Deflate cannot do better than this (258 bytes in 2 bits): https://zlib.net/zlib_tech.html
MAX_DEFLATE_RATIO = 1032
# ImageNet has 1.4 million files; a folder with more is not a data set for this program.
MAX_FILES = 2_000_000
# data/name/train/class/sub-folder; a limit also ends loops of symbolic links.
MAX_DEPTH = 6

# A text file of class names is far smaller.
MAX_TEXT_BYTES = 2**20

CHUNK_BYTES = 2**18
GZIP_MAGIC = b"\x1f\x8b"
SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx"})


class ByteStream(Protocol):
    """Anything that bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none only at the end."""
        ...


@dataclass(frozen=True)
class DataFile:
    """One file, on disk or in an archive.

    Parameters
    ----------
    path
        Where it lies, relative to the root of its tree.
    where
        The same for people to read: the path on disk, or archive/member.
    size
        Bytes as stored in the folder or, unpacked, in the archive.
    opener
        Opens the stored bytes.
    """

    path: PurePosixPath
    where: str
    size: int
    opener: Callable[[], IO[bytes]]

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.name

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the stored bytes; whatever goes wrong while they are read becomes a `DataError`."""
        with self._explained(), self.opener() as stream:
            yield stream

    @contextmanager
    def open_content(self) -> Iterator[ByteStream]:
        """Open the content: like `open`, but gzip is undone."""
        compressed = self.starts_with(GZIP_MAGIC)
        with self.open() as stream:
            yield Gunzip(stream) if compressed else stream

    def starts_with(self, magic: bytes) -> bool:
        """Tell whether the stored bytes begin with `magic`."""
        with self.open() as stream:
            return stream.read(len(magic)) == magic

    def text(self) -> str:
        """Return the stored bytes, at most a mebibyte, as UTF-8 text without byte order mark.

        Raises
        ------
        DataError
            If it is not UTF-8.
        """
        with self.open() as stream:
            start = stream.read(MAX_TEXT_BYTES)
        try:
            return start.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{self.where}: expected UTF-8 text, found another encoding at byte {error.start}"
                "; save it as UTF-8"
            ) from error

    def promised_bytes_fit(self, promised: int) -> bool:
        """Tell whether the content can be as large as a header promises, without reading it."""
        compressed = self.starts_with(GZIP_MAGIC)
        return promised <= self.size * (MAX_DEFLATE_RATIO if compressed else 1)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DataError:
            raise
        except MemoryError as error:
            raise DataError(f"{self.where}: too large for this computer's memory") from error
        # zipfile signals encryption by RuntimeError, unknown methods by NotImplementedError
        except (
            OSError,
            EOFError,
            struct.error,
            RuntimeError,
            ValueError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            reason = str(error) or type(error).__name__
            raise DataError(
                f"{self.where}: the file is damaged or cannot be read ({reason}); get it again"
            ) from error


class Gunzip:
    """The content of a gzip stream; verifies its check sums, knows several members in a row.

    gzip.GzipFile does the same in smaller pieces and takes a fifth longer (benchmark row loading).
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._packed = b""
        self._allowed = MAX_BYTES
        self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def read(self, size: int, /) -> bytes:
        """Return 1 to `size` bytes, none at the end."""
        while self._packed or self._fetch():
            if self._allowed < 0:
                raise OSError(f"more than {MAX_BYTES:,} bytes when unpacked")
            if self._member.eof and not self._next_member():
                continue
            piece = self._member.decompress(self._packed, size)
            self._packed = self._member.unconsumed_tail
            if self._member.eof:
                self._packed = self._member.unused_data
            if piece:
                self._allowed -= len(piece)
                return piece
        return b""

    def _next_member(self) -> bool:
        # Zeros may follow a member as padding: https://www.gnu.org/software/gzip/manual
        self._packed = self._packed.lstrip(b"\0")
        if self._packed:
            self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        return bool(self._packed)

    def _fetch(self) -> bool:
        """Fetch packed bytes; False at the end of the last member."""
        self._packed = self._stream.read(CHUNK_BYTES)
        if not self._packed and not self._member.eof:
            raise EOFError("the gzip stream ends too early")
        return bool(self._packed)


def read_bytes(stream: ByteStream, size: int) -> NDArray[np.uint8]:
    """Read `size` bytes, or as many as there are, into a new writable array.

    The memory is taken page by page as bytes arrive, so a promise alone costs nothing.
    """
    array = np.empty(size, np.uint8)
    filled = 0
    while filled < size and (piece := stream.read(min(size - filled, 4 * CHUNK_BYTES))):
        array[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
        filled += len(piece)
    return array[:filled]


@dataclass(frozen=True)
class FileTree:
    """All files of a folder or a zip archive.

    Parameters
    ----------
    where
        The folder or archive, for people to read.
    name
        Its name, without the extension of an archive.
    files
        Sorted by path; hidden and system files left out.
    folders
        The folders in it, the empty ones too.
    """

    where: str
    name: str
    files: tuple[DataFile, ...]
    folders: tuple[PurePosixPath, ...]

    def find(self, name: str) -> DataFile | None:
        """Return the file of that name that lies nearest to the root, None if there is none."""
        found = [file for file in self.files if file.name == name]
        return min(found, key=lambda file: len(file.path.parts), default=None)

    def keep(self, wanted: Callable[[DataFile], bool]) -> FileTree:
        """Return a tree of those files only."""
        return replace(self, files=tuple(file for file in self.files if wanted(file)))


def file_on_disk(path: Path, inside: PurePosixPath | None = None) -> DataFile:
    """Return the file at a path; `inside` is its path in a tree, by default just its name."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    return DataFile(inside or PurePosixPath(path.name), str(path), size, lambda: path.open("rb"))


def file_in_memory(content: bytes, name: str) -> DataFile:
    """Return bytes as a file of that name."""
    return DataFile(PurePosixPath(name), name, len(content), lambda: io.BytesIO(content))


def list_folder(root: Path, depth: int = MAX_DEPTH) -> FileTree:
    """List a folder down to `depth` levels.

    Raises
    ------
    DataError
        If it cannot be read, or holds more than two million files.
    """

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename}: the folder cannot be read ({error.strerror})")

    files: list[DataFile] = []
    folders: list[PurePosixPath] = []
    for current, subfolders, names in os.walk(root, onerror=refuse, followlinks=True):
        here = PurePosixPath(Path(current).relative_to(root).as_posix())
        subfolders[:] = [name for name in subfolders if not is_hidden(name)]
        if len(here.parts) + 1 >= depth:
            subfolders.clear()
        folders += [here / name for name in subfolders]
        for name in names:
            path = Path(current, name)
            if not is_hidden(name) and path.is_file():
                files.append(file_on_disk(path, here / name))
        if len(files) > MAX_FILES:
            raise DataError(f"{root}: more than {MAX_FILES:,} files; give the data set's folder")
    name = root.resolve().name or "data"
    return FileTree(str(root), name, by_path(files), tuple(sorted(folders)))


def normal_name(name: str) -> str:
    """Compose accents and Hangul (NFC): macOS takes them apart, so equal names would differ."""
    return unicodedata.normalize("NFC", name)


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder is hidden or made by the system, not by a person."""
    return (name.startswith(".") and name != ".") or name.lower() in SYSTEM_FILES


def by_path(files: list[DataFile]) -> tuple[DataFile, ...]:
    """Sort files by path, so that a data set has one order on every machine."""
    return tuple(sorted(files, key=lambda file: file.path))
