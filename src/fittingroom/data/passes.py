"""Ways through all pictures of a set that hold only some of them in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

# Few enough to stay in a CPU's cache, many enough that a file is read at its full speed.
PIECE_BYTES = 2**22


def in_pieces(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Go through pictures some at a time, uint8 (B, C, H, W)."""
    size = max(1, PIECE_BYTES // max(1, math.prod(images.shape[1:])))
    for start in range(0, len(images), size):
        yield images[start : start + size]


def one_by_one(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Go through pictures one after the other, uint8 (C, H, W)."""
    for piece in in_pieces(images):
        yield from piece


def count_bytes(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count how often each value occurs, int64 (256,)."""
    return np.bincount(pixels, minlength=256)


def count_values(
    images: NDArray[np.uint8],
    count: Callable[[NDArray[np.uint8]], NDArray[np.int64]] = count_bytes,
) -> NDArray[np.int64]:
    """Count how often each channel has each pixel value, int64 (C, 256).

    `count` does it for the pixels of one channel, uint8 (N,).
    """
    counts = np.zeros((images.shape[1], 256), np.int64)
    for piece in in_pieces(images):
        for channel in range(len(counts)):
            counts[channel] += count(piece[:, channel].ravel())
    return counts
