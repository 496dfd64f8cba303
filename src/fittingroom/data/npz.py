"""Pictures as NumPy arrays: one .npz file, as Keras and MedMNIST publish them.

An .npz file is a zip archive of .npy files, and is read as one: nothing is ever unpickled.
"""

from __future__ import annotations

import ast
import math
import struct

import numpy as np
from numpy.typing import NDArray

from fittingroom.data.files import MAX_BYTES, ByteStream, DataFile, FileTree, read_bytes
from fittingroom.data.reading import LabelledImages, Reading, join, part_of
from fittingroom.errors import DataError

_KINDS = {
    "images": frozenset({"x", "images", "image", "imgs", "data"}),
    "labels": frozenset({"y", "labels", "label", "targets", "target"}),
}
_LAYOUTS = "x_train, y_train, x_test, y_test; train_images, train_labels, ...; images, labels; x, y"
_MAGIC = b"\x93NUMPY"
# NumPy's own limit for what it hands to Python's parser (numpy.lib.format).
_MAX_HEADER_BYTES = 10_000


def read(tree: FileTree) -> Reading | None:
    """Read the .npy files of a tree, e.g. the members of an .npz file; None if there are none.

    Recognised names: x_train, y_train, x_test, y_test (Keras); train_images, train_labels,
    val_images, ..., test_labels (MedMNIST); images, labels or x, y for a set that is yet to be
    divided. Validation pictures are learned from.

    Raises
    ------
    DataError
        If names, types or shapes are others, or a file is damaged.
    """
    arrays = {file.name.removesuffix(".npy"): file for file in tree.files if _is_array(file)}
    if not arrays:
        return None
    roles = {_role(name): file for name, file in arrays.items()}
    parts = {
        part: _read_part(roles[part, "images"], roles[part, "labels"])
        for part in ("train", "validation", "test")
        if (part, "images") in roles and (part, "labels") in roles
    }
    if "train" not in parts:
        raise DataError(
            f"{tree.where}: expected arrays named like {_LAYOUTS}; "
            f"found {', '.join(sorted(arrays))}"
        )
    notes = []
    if "validation" in parts:
        notes.append("The file's validation pictures are part of the training pictures here.")
    learning = join([parts[part] for part in ("train", "validation") if part in parts])
    return Reading(learning, parts.get("test"), notes=tuple(notes))


def read_array(file: DataFile) -> NDArray[np.generic]:
    """Read one .npy file of numbers.

    Returns
    -------
    A writable array of the type and shape that the header states.

    Raises
    ------
    DataError
        If it is no such file, holds Python objects, or is shorter or longer than it promises.
    """
    with file.open_content() as stream:
        dtype, shape, fortran_order = _read_header(stream, file)
        size = math.prod(shape) * dtype.itemsize
        if size > MAX_BYTES or not file.promised_bytes_fit(size):
            raise DataError(
                f"{file.where}: the header promises {size:,} bytes {shape}, more than the file "
                f"can hold (at most {MAX_BYTES:,} are read); get it again"
            )
        values = read_bytes(stream, size)
        if len(values) < size or stream.read(1):
            raise DataError(
                f"{file.where}: the header promises {size:,} bytes {shape}, the file holds "
                f"{'more' if len(values) == size else f'{len(values):,}'}; get it again"
            )
        # refused where no values would lie in dimensions too large or too many
        return values.view(dtype).reshape(shape, order="F" if fortran_order else "C")


def _read_header(
    stream: ByteStream, file: DataFile
) -> tuple[np.dtype[np.generic], tuple[int, ...], bool]:
    """Read the header (numpy.lib.format, versions 1 to 3) without anything being executed."""
    magic = read_bytes(stream, 8).tobytes()
    if magic[:6] != _MAGIC or len(magic) < 8 or magic[6] not in {1, 2, 3}:
        raise DataError(f"{file.where}: expected a NumPy array, found bytes {magic.hex(' ')}")
    length_format = "<H" if magic[6] == 1 else "<I"
    try:
        packed = read_bytes(stream, struct.calcsize(length_format)).tobytes()
        (length,) = struct.unpack(length_format, packed)
        text = read_bytes(stream, min(length, _MAX_HEADER_BYTES)).tobytes().decode("utf-8")
        header = ast.literal_eval(text.strip())
        dtype = np.dtype(header["descr"])
        shape = tuple(int(length) for length in header["shape"])
        fortran_order = bool(header["fortran_order"])
    # a damaged literal or type description makes ast and NumPy raise nearly anything
    except Exception as error:
        raise DataError(
            f"{file.where}: the header of the array is damaged; get it again"
        ) from error
    if dtype.kind not in "buif" or min(shape, default=0) < 0:
        raise DataError(f"{file.where}: expected an array of numbers, found {dtype} {shape}")
    return dtype, shape, fortran_order


def _is_array(file: DataFile) -> bool:
    return file.name.endswith(".npy")


def _role(name: str) -> tuple[str, str]:
    """Tell part and kind by the name of an array: "x_train" -> ("train", "images")."""
    part, rest = part_of(name)
    stem = rest.replace("*", "").strip("_-. ").lower()
    kind = next((kind for kind, names in _KINDS.items() if stem in names), "other")
    return part or "train", kind


def _read_part(image_file: DataFile, label_file: DataFile) -> LabelledImages:
    images = _as_images(read_array(image_file), image_file.where)
    labels = _as_labels(read_array(label_file), label_file.where)
    return LabelledImages(images, labels, f"{image_file.where} and {label_file.name}")


def _as_images(array: NDArray[np.generic], where: str) -> NDArray[np.uint8]:
    """Bring (N, H, W), (N, H, W, C), (N, C, H, W) or (N, S*S) into (N, C, H, W), uint8."""
    side = math.isqrt(array.shape[1]) if array.ndim == 2 else 0
    if array.ndim == 2 and side**2 == array.shape[1]:
        array = array.reshape(len(array), 1, side, side)
    elif array.ndim == 3:
        array = array[:, np.newaxis]
    elif array.ndim == 4 and array.shape[3] in {1, 3}:
        array = array.transpose(0, 3, 1, 2)
    elif array.ndim != 4 or array.shape[1] not in {1, 3}:
        raise DataError(
            f"{where}: expected pictures of shape (N, H, W), (N, H, W, C) or (N, C, H, W) with "
            f"C = 1 or 3, found {array.shape}"
        )
    return np.ascontiguousarray(_as_bytes(array, where))


def _as_bytes(array: NDArray[np.generic], where: str) -> NDArray[np.uint8]:
    if array.dtype == np.uint8 or array.size == 0:
        return array.astype(np.uint8, copy=False)
    low, high = float(np.min(array)), float(np.max(array))
    if array.dtype.kind in "bf" and low >= 0 and high <= 1:
        return np.rint(array.astype(np.float64) * 255).astype(np.uint8)
    values = array.astype(np.uint8) if low >= 0 and high <= 255 else None
    if values is None or not np.array_equal(values, array):
        raise DataError(
            f"{where}: expected pixels from 0 to 255 (or 0.0 to 1.0), found {array.dtype} from "
            f"{low:g} to {high:g}"
        )
    return values


def _as_labels(array: NDArray[np.generic], where: str) -> NDArray[np.int64]:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise DataError(
            f"{where}: expected whole-number labels of shape (N,), found {array.dtype} of shape "
            f"{array.shape}"
        )
    if array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise DataError(f"{where}: a label is larger than 64 bits can hold")
    return array.astype(np.int64)
