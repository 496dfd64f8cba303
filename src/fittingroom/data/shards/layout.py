"""Which files a set in shards has.

The pictures and labels of each shard are two ordinary IDX files::

    train-00000-images-idx3-ubyte   train-00000-labels-idx1-ubyte   train-00001-images-...
    test-00000-images-idx3-ubyte    test-00000-labels-idx1-ubyte

Pictures are unsigned bytes, (N, H, W) in `idx3` and colour pictures (N, 3, H, W) in `idx4`. Labels
are unsigned bytes too, or of more than 256 classes `idx1-int`, 32 bits. The names follow from the
numbers of pictures, so no name that an index gives can lead anywhere else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fittingroom.data.idx import INT32, UNSIGNED_BYTE, encode_header
from fittingroom.errors import DataError

Part = Literal["train", "test"]
PARTS: tuple[Part, ...] = ("train", "test")

# Shards of 100,000 pictures of 28x28 take 78 MB each. The index of a thousand has 200 kB.
SHARD_SIZE = 100_000
MOST_SHARDS = 1_000

# In a part, in all: their labels take 0.8 GB of memory. ImageNet-21k has 14 million.
MOST_IN_ALL = 100_000_000

# IDX writes a length in 32 bits.
MOST_PICTURES = 2**32 - 1


@dataclass(frozen=True)
class ArrayFile:
    """An uncompressed IDX file of a shard.

    Parameters
    ----------
    name
        In the folder.
    shape
        Of the array in it.
    dtype
        uint8, or big-endian int32.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def holds_pictures(self) -> bool:
        """Whether these are pictures, not labels."""
        return len(self.shape) > 1

    @property
    def header(self) -> bytes:
        """The bytes before the values."""
        return encode_header(self.shape, UNSIGNED_BYTE if self.dtype == np.uint8 else INT32)

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return len(self.header) + math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class Shard:
    """Pictures and labels that lie in two files.

    Parameters
    ----------
    first
        How many pictures of the part lie in the shards before it.
    images, labels
        The two files.
    """

    first: int
    images: ArrayFile
    labels: ArrayFile

    @property
    def count(self) -> int:
        """Number of pictures."""
        return self.images.shape[0]


@dataclass(frozen=True)
class Layout:
    """Which files a set in shards has.

    Parameters
    ----------
    image_shape
        (C, H, W).
    num_classes
        K.
    counts
        Numbers of pictures of the shards of each part.
    """

    image_shape: tuple[int, int, int]
    num_classes: int
    counts: dict[Part, tuple[int, ...]]

    def shards(self, part: Part) -> list[Shard]:
        """Return the shards of a part in their order."""
        channels, height, width = self.image_shape
        picture = (height, width) if channels == 1 else self.image_shape
        few = self.num_classes <= 256
        label_kind, label_type = ("ubyte", np.uint8) if few else ("int", ">i4")
        shards, first = [], 0
        for number, count in enumerate(self.counts[part]):
            stem, dimensions = f"{part}-{number:05}", len(picture) + 1
            shards.append(
                Shard(
                    first,
                    ArrayFile(
                        f"{stem}-images-idx{dimensions}-ubyte",
                        (count, *picture),
                        np.dtype(np.uint8),
                    ),
                    ArrayFile(f"{stem}-labels-idx1-{label_kind}", (count,), np.dtype(label_type)),
                )
            )
            first += count
        return shards

    def files(self, part: Part) -> list[ArrayFile]:
        """Return the files of a part: all pictures, then all labels."""
        shards = self.shards(part)
        return [shard.images for shard in shards] + [shard.labels for shard in shards]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for part in PARTS for file in self.files(part))


def divide(count: int, shard_size: int) -> tuple[int, ...]:
    """Return the numbers of pictures of the shards of a part.

    Raises
    ------
    DataError
        If `shard_size` makes no sense or makes too many shards.
    """
    if not 1 <= shard_size <= MOST_PICTURES:
        raise DataError(f"shard_size must be 1 to {MOST_PICTURES:,} pictures, found {shard_size:,}")
    number = math.ceil(count / shard_size)
    if number > MOST_SHARDS:
        raise DataError(
            f"{count:,} pictures by {shard_size:,} are {number:,} shards, more than {MOST_SHARDS:,}"
            f"; give a --shard-size of at least {math.ceil(count / MOST_SHARDS):,}"
        )
    return tuple(min(shard_size, count - first) for first in range(0, count, shard_size))
