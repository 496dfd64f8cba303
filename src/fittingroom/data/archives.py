"""Zip archives, read where they are: nothing is unpacked to disk."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO

from fittingroom.data.files import (
    MAX_BYTES,
    MAX_FILES,
    DataFile,
    FileTree,
    by_path,
    is_hidden,
)
from fittingroom.errors import DataError

ZIP_MAGIC = b"PK\x03\x04"

MAX_ARCHIVE_BYTES = 2 * MAX_BYTES
# MNIST's CSV, mostly zeros, shrinks to a ninth; 200 leaves room for blank pictures. Small members
# may shrink as they like: they can do no harm.
MAX_RATIO = 200
HARMLESS_BYTES = 2**20


@contextmanager
def open_archive(file: DataFile) -> Iterator[FileTree]:
    """List a zip archive; its files can be read as long as the context lasts.

    Raises
    ------
    DataError
        If it is damaged, too large once unpacked, or has members that point outside it.
    """
    with file.open() as stream, zipfile.ZipFile(stream) as archive:
        yield _list_archive(file, archive)


def _list_archive(file: DataFile, archive: zipfile.ZipFile) -> FileTree:
    _refuse_bomb(file, archive)
    files: list[DataFile] = []
    folders: set[PurePosixPath] = set()
    for member in archive.infolist():
        inside = _member_path(file, member)
        if not inside.parts or any(is_hidden(part) for part in inside.parts):
            continue
        folders.update(inside.parents)
        if member.is_dir():
            folders.add(inside)
        else:
            opener = _member_opener(archive, member)
            files.append(DataFile(inside, f"{file.where}/{inside}", member.file_size, opener))
    folders.discard(PurePosixPath("."))
    return FileTree(file.where, file.path.stem, by_path(files), tuple(sorted(folders)))


def _member_opener(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(member)


def _refuse_bomb(file: DataFile, archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    total = sum(member.file_size for member in members)
    if len(members) > MAX_FILES or total > MAX_ARCHIVE_BYTES:
        raise DataError(
            f"{file.where}: refused: {len(members):,} members of {total:,} bytes when unpacked; "
            f"at most {MAX_FILES:,} of {MAX_ARCHIVE_BYTES:,} are read"
        )
    for member in members:
        if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise DataError(
                f"{file.where}: {member.filename!r} is compressed in a way that is not known here "
                f"(method {member.compress_type}); pack it as an ordinary zip"
            )
        allowed = max(HARMLESS_BYTES, MAX_RATIO * member.compress_size)
        if member.file_size > allowed:
            raise DataError(
                f"{file.where}: refused: {member.filename!r} grows from {member.compress_size:,} "
                f"to {member.file_size:,} bytes, as only a zip bomb does"
            )


def _member_path(file: DataFile, member: zipfile.ZipInfo) -> PurePosixPath:
    inside = PurePosixPath(_member_name(member).replace("\\", "/"))
    if inside.is_absolute() or ".." in inside.parts or ":" in str(inside).partition("/")[0]:
        raise DataError(
            f"{file.where}: refused: the member {str(inside)!r} points outside the archive"
        )
    return inside


def _member_name(member: zipfile.ZipInfo) -> str:
    """Read a name that is not marked as UTF-8: macOS writes UTF-8 anyway, Korean Windows CP949."""
    if member.flag_bits & 0x800 or member.filename.isascii():
        return member.filename
    for encoding in ("utf-8", "cp949"):
        try:
            return member.filename.encode("cp437").decode(encoding)
        except UnicodeError:
            continue
    return member.filename
