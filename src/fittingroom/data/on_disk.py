"""Pictures that stay in their files until they are asked for.

They are read, not mapped into memory. Both took the same time: a map has to be made for nearly
every page of a large set anew with each load of pictures. But the pages of a map count as this
process's memory, and where a file has become shorter or a disk fails, a map ends the process
without a word.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import RawIOBase
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fittingroom.errors import DataError

# What is wanted of a file is read by so many bytes at most: they stay in a CPU's cache.
BLOCK_BYTES = 2**20
# Between two pictures that are wanted, fewer bytes than this are read too: a call takes as long.
GAP_BYTES = 2**15

Pictures = NDArray[np.uint8]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class PictureFile:
    """A file that holds pictures one behind the other.

    Parameters
    ----------
    path
        Where it is.
    offset
        Bytes before the first picture.
    count
        How many pictures.
    """

    path: Path
    offset: int
    count: int

    def read_blocks(self, rows: Places, size: int) -> Iterator[tuple[slice, Pictures]]:
        """Read pictures of `size` bytes each.

        Parameters
        ----------
        rows
            int64, shape (B,), rising: which.

        Yields
        ------
        Which of the rows, and their pictures, uint8 (some, size).

        Raises
        ------
        DataError
            If the file is not there any more, or has become shorter.
        """
        most = max(1, BLOCK_BYTES // size)
        cuts = (np.diff(rows) > 1 + GAP_BYTES // size) | (np.diff(rows // most) != 0)
        buffer = np.empty((most, size), np.uint8)
        try:
            with self.path.open("rb", buffering=0) as stream:
                for start, end in pairwise([0, *(np.flatnonzero(cuts) + 1).tolist(), len(rows)]):
                    first, last = int(rows[start]), int(rows[end - 1])
                    block = buffer[: last + 1 - first]
                    stream.seek(self.offset + first * size)
                    _fill(block, stream)
                    yield slice(start, end), block.take(rows[start:end] - first, axis=0)
        except OSError as error:
            raise DataError(
                f"{self.path}: cannot be read any more ({error.strerror or error}); was the data "
                "set changed since it was opened?"
            ) from error


def _fill(block: Pictures, stream: RawIOBase) -> None:
    """Read as many bytes as an array has."""
    left = block.data.cast("B")
    while left:
        count = stream.readinto(left)
        if not count:
            raise OSError("it ends too early")
        left = left[count:]


class ImagesOnDisk:
    """Pictures in files, indexed along the first axis as an array uint8 (N, C, H, W) is.

    Indexing reads, and returns an array of its own; `view` chooses among the pictures without
    reading any. Pictures that are asked for at once are read in the order of the files, whatever
    order they are wanted in: many at once take less time than one by one.

    Parameters
    ----------
    files
        Whose pictures, one file behind the other, these are.
    image_shape
        (C, H, W) of each picture.
    places
        int64, shape (N,): which of the files' pictures, and in which order; None for all.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(
        self,
        files: tuple[PictureFile, ...],
        image_shape: tuple[int, int, int],
        places: Places | None = None,
    ) -> None:
        self.files = files
        self.image_shape = image_shape
        self._firsts = np.cumsum([0, *(file.count for file in files)], dtype=np.int64)
        self._places = np.arange(self._firsts[-1]) if places is None else places

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        files = len(self.files)
        return f"<ImagesOnDisk: {len(self):,} pictures {self.image_shape} in {files:,} files>"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        return len(self), *self.image_shape

    @property
    def size(self) -> int:
        """Number of pixels, and so the bytes that all pictures would take in memory."""
        return math.prod(self.shape)

    def __getitem__(self, key: Any) -> Pictures:
        return self.read(key)

    def read(self, key: Any, threads: int = 1) -> Pictures:
        """Read what indexing would, with so many threads, each at a file of its own.

        Raises
        ------
        DataError
            If a file is not there any more, or has become shorter.
        """
        places = np.asarray(self._places[key])
        found = self._read(places.ravel(), threads)
        return found.reshape(*places.shape, *self.image_shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all pictures, which then lie in memory."""
        if copy is False:
            raise ValueError("pictures on disk become an array only by a copy")
        return self[:].astype(dtype or self.dtype, copy=False)

    def view(self, indices: Any) -> ImagesOnDisk:
        """Return the pictures of these numbers, in that order, without reading them."""
        return ImagesOnDisk(self.files, self.image_shape, self._places[indices])

    def _read(self, places: Places, threads: int) -> Pictures:
        """Read pictures, uint8 (B, C * H * W), each file from its beginning to its end."""
        size = math.prod(self.image_shape)
        order = np.argsort(places, kind="stable")
        rising = places[order]
        images = np.empty((len(places), size), np.uint8)
        ends = np.searchsorted(rising, self._firsts).tolist()

        def read(file: PictureFile, first: int, start: int, end: int) -> None:
            where = order[start:end]
            for some, block in file.read_blocks(rising[start:end] - first, size):
                images[where[some]] = block

        parts = [
            (file, int(first), start, end)
            for file, first, (start, end) in zip(
                self.files, self._firsts, pairwise(ends), strict=False
            )
            if start < end
        ]
        if threads == 1 or len(parts) == 1:
            for part in parts:
                read(*part)
        else:
            with ThreadPoolExecutor(threads) as pool:
                for done in [pool.submit(read, *part) for part in parts]:
                    done.result()
        return images
