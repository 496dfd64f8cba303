"""IDX, the format of MNIST and its relatives, raw or gzip (http://yann.lecun.com/exdb/mnist/).

A file is two zero bytes, the type of the values (8: unsigned byte), the number of dimensions,
each dimension as a big-endian 32-bit number, then the values, last dimension fastest.
"""

from __future__ import annotations

import math
import re
import struct
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from fittingroom.data.files import MAX_BYTES, DataFile, FileTree, read_bytes
from fittingroom.data.reading import LabelledImages, Reading, join, part_of
from fittingroom.errors import DataError

UNSIGNED_BYTE = 8
INT32 = 0x0C
_NAME = re.compile(r"(?P<kind>images|labels).*(idx|ubyte)", re.IGNORECASE)

# The files of one data set, by part and kind: ("train", "images") -> file.
_Files = dict[tuple[str, str], DataFile]


def read(tree: FileTree) -> Reading | None:
    """Read the IDX files of a tree; None if there are none.

    Recognised are names as MNIST, Fashion-MNIST and EMNIST have them, raw or gzip, also each
    in a folder of its own name as in Kaggle's archive. Validation files are learned from.

    Raises
    ------
    DataError
        If a file is missing, damaged or not what its name says, or if there are several sets.
    """
    sets = _find_sets(tree)
    if not sets:
        return None
    if len(sets) > 1:
        found = ", ".join(str(folder / name) for folder, name in sorted(sets))
        raise DataError(
            f"{tree.where}: holds {len(sets)} data sets ({found}); give one of their files as the "
            "path, or keep each in a folder of its own"
        )
    ((_, set_name), files) = sets.popitem()
    parts = {part: _read_part(files, part) for part in sorted({part for part, _ in files})}
    test = parts.pop("test", None)
    if "train" not in parts:
        raise DataError(f"{tree.where}: no training files (train-images..., train-labels...)")
    notes = []
    if "validation" in parts:
        notes.append("The files' validation pictures are part of the training pictures here.")
    if "emnist" in set_name.lower():
        notes.append("EMNIST stores its pictures transposed; they are kept as stored.")
    learning = join([parts[part] for part in ("train", "validation") if part in parts])
    return Reading(learning, test, notes=tuple(notes))


def read_array(file: DataFile, dimensions: int) -> NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes.

    Parameters
    ----------
    file
        Raw or gzip.
    dimensions
        How many the file must have: 3 for images, 1 for labels.

    Returns
    -------
    uint8, writable, of the shape that the header states.

    Raises
    ------
    DataError
        If the header is not that of such a file, or the file holds fewer or more values than the
        header promises. Memory is taken only for what the file can hold.
    """
    expected = f"an IDX file of {dimensions}-dimensional unsigned bytes"
    with file.open_content() as stream:
        magic = read_bytes(stream, 4).tobytes()
        if magic != bytes([0, 0, UNSIGNED_BYTE, dimensions]):
            raise DataError(
                f"{file.where}: expected {expected}, which starts with the bytes "
                f"00 00 08 {dimensions:02d}, found {magic.hex(' ') or 'nothing'}; "
                "is it another file under this name?"
            )
        header = read_bytes(stream, 4 * dimensions).tobytes()
        if len(header) < 4 * dimensions:
            raise DataError(f"{file.where}: the file ends inside its header; get it again")
        shape = struct.unpack(f">{dimensions}I", header)
        size = math.prod(shape)
        _refuse_promise(file, shape, size)
        values = read_bytes(stream, size)
        if len(values) < size or stream.read(1):
            raise DataError(
                f"{file.where}: the header promises {size:,} values {shape}, the file holds "
                f"{'more' if len(values) == size else f'{len(values):,}'}; get it again"
            )
        return values.reshape(shape)  # refused where no values would lie in too many dimensions


def encode_header(shape: tuple[int, ...], kind: int = UNSIGNED_BYTE) -> bytes:
    """Return the bytes that stand before the values of an array."""
    return struct.pack(f">HBB{len(shape)}I", 0, kind, len(shape), *shape)


def _refuse_promise(file: DataFile, shape: tuple[int, ...], size: int) -> None:
    if size > MAX_BYTES or not file.promised_bytes_fit(size):
        raise DataError(
            f"{file.where}: the header promises {size:,} values {shape}, more than the "
            f"{file.size:,} bytes of the file can hold (at most {MAX_BYTES:,} are read); "
            "get it again"
        )


def _find_sets(tree: FileTree) -> dict[tuple[PurePosixPath, str], _Files]:
    """Group the IDX files by folder and name of the data set they belong to."""
    sets: dict[tuple[PurePosixPath, str], _Files] = {}
    for file in sorted(tree.files, key=_plainest_first):
        part, set_name = part_of(file.name)
        kind = _NAME.search(set_name)
        if part is None or kind is None:
            continue
        folder = file.path.parent
        if folder.name == file.name:
            folder = folder.parent
        key = folder, set_name[: kind.start()]
        sets.setdefault(key, {}).setdefault((part, kind["kind"].lower()), file)
    return sets


def _plainest_first(file: DataFile) -> tuple[int, bool]:
    """Of two files for the same thing, take the one nearer to the root, then the unpacked one."""
    return len(file.path.parts), file.name.endswith(".gz")


def _read_part(files: _Files, part: str) -> LabelledImages:
    for kind, other in (("images", "labels"), ("labels", "images")):
        if (part, kind) not in files:
            there = files[part, other]
            raise DataError(f"{there.where}: the file of {kind} that belongs to it is missing")
    image_file, label_file = files[part, "images"], files[part, "labels"]
    images = read_array(image_file, dimensions=3)
    labels = read_array(label_file, dimensions=1)
    where = f"{image_file.where} and {label_file.name}"
    return LabelledImages(images[:, np.newaxis], labels.astype(np.int64), where)
