"""SHA-256 of what lies in shards, read piece by piece."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from fittingroom.data.dataset import new_fingerprint
from fittingroom.data.files import CHUNK_BYTES
from fittingroom.data.shards.layout import PARTS, ArrayFile, Layout

# Large enough for a disk to read at its full speed, and a whole number of labels.
PIECE_BYTES = 4 * CHUNK_BYTES


def digest_files(folder: Path, layout: Layout) -> tuple[str, dict[str, str]]:
    """Return `DataSplits.fingerprint` of a set, and the SHA-256 (hex) of each file by its name.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    whole = new_fingerprint(layout.num_classes)
    digests = {}
    for part in PARTS:
        whole.update(repr((sum(layout.counts[part]), *layout.image_shape)).encode())
        for file in layout.files(part):
            digests[file.name] = _digest(folder, file, whole)
    return whole.hexdigest(), digests


def _digest(folder: Path, file: ArrayFile, whole: hashlib._Hash) -> str:
    """Return the SHA-256 of a file, and add its values to that of all."""
    with (folder / file.name).open("rb") as stream:
        digest = hashlib.sha256(stream.read(len(file.header)))
        while values := stream.read(PIECE_BYTES):
            digest.update(values)
            whole.update(values if file.holds_pictures else _as_int64(values, file))
    return digest.hexdigest()


def _as_int64(values: bytes, file: ArrayFile) -> bytes:
    """Return labels as the fingerprint counts them."""
    whole_ones = len(values) // file.dtype.itemsize  # of a file that is cut short
    return np.frombuffer(values, file.dtype, whole_ones).astype("<i8").tobytes()
