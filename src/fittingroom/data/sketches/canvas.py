"""From outlines to pixels: pose, frame, fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fittingroom.data.sketches.outlines import Array, Part
from fittingroom.data.sketches.patterns import Measures

SIDE = 28  # pixels
SUBROWS = 3  # sampled lines in each row of pixels; along a line, coverage is exact

Pixels = NDArray[np.float32]


def pose(parts: Sequence[Part], m: Measures) -> list[Part]:
    """Sway, shear and turn garments, and bring them to the size of the picture.

    As in Fashion-MNIST, the longer edge of a garment fills the picture and the shorter one is
    centred (Xiao et al. 2017, arXiv 1708.07747, section 2), give or take `size` and `shift`.

    Returns
    -------
    The parts with their contours in pixels from the upper left corner.
    """
    parts = [replace(part, contours=_turned(part.contours, m)) for part in parts]
    low, high = _extent(parts, len(m["size"]))
    scale = (SIDE * m["size"] / (high - low).max(axis=1))[:, None, None, None]
    centre = ((low + high) / 2)[:, None, None]
    middle = SIDE / 2 + np.stack([m["shift_x"], m["shift_y"]], axis=1)[:, None, None]
    return [replace(part, contours=(part.contours - centre) * scale + middle) for part in parts]


def _turned(contours: Array, m: Measures) -> Array:
    sway, phase, shear, tilt, stretch = (
        m[name][:, None, None] for name in ("sway", "phase", "shear", "tilt", "stretch")
    )
    x, y = contours[..., 0], contours[..., 1]
    x = stretch * x + sway * np.sin(4 * y + phase)
    y = y + sway * np.sin(4 * x + 2 * phase)
    x = x + shear * y
    cos, sin = np.cos(tilt), np.sin(tilt)
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)


def _extent(parts: Sequence[Part], number: int) -> tuple[Array, Array]:
    """Find the least and the greatest (x, y) of all shown parts, each of shape (N, 2)."""
    low, high = np.full((number, 2), np.inf), np.full((number, 2), -np.inf)
    for part in parts:
        shown = np.broadcast_to(part.shown, number)[:, None] > 0
        low = np.minimum(low, np.where(shown, part.contours.min(axis=(1, 2)), np.inf))
        high = np.maximum(high, np.where(shown, part.contours.max(axis=(1, 2)), -np.inf))
    return low, high


def paint(parts: Sequence[Part], number: int) -> Pixels:
    """Lay the parts of posed garments on one another on a black ground.

    Returns
    -------
    float32, shape (number, SIDE, SIDE): brightness relative to the garment's fabric.
    """
    picture = np.zeros((number, SIDE, SIDE), np.float32)
    for part in parts:
        shown = np.broadcast_to(part.shown, number).astype(np.float32)
        tone = np.broadcast_to(part.tone, number).astype(np.float32)
        there = np.flatnonzero(shown)
        if len(there):
            contours = part.contours[there]
            rows = _touched_rows(contours)
            inside = coverage(contours, rows) * shown[there, None, None]
            under = picture[there, rows]
            picture[there, rows] = under + inside * (tone[there, None, None] - under)
    return picture


def _touched_rows(contours: Array) -> slice:
    """Return the rows of pixels that some picture's polygons touch: of a pocket, a few."""
    low, high = contours[..., 1].min(), contours[..., 1].max()
    return slice(*np.clip([np.floor(low), np.ceil(high)], 0, SIDE).astype(int).tolist())


def coverage(contours: Array, rows: slice = slice(0, SIDE)) -> Pixels:
    """Tell how much of each pixel lies inside a picture's polygons.

    Every polygon edge is cut by the sampled lines; a cut changes the winding number of all that
    lies to its right. The changes are gathered first and then summed along the lines, as font
    rasterisers do (R. Levien, "Inside the fastest font renderer in the world", 2016).

    Parameters
    ----------
    contours
        float64, shape (N, P, V, 2): P closed polygons of V corners (x, y), in pixels from the
        upper left corner of the picture. What lies outside of the picture is cut off.
    rows
        Of the pixels that are wanted, R of them.

    Returns
    -------
    float32, shape (N, R, SIDE), 0 to 1. Polygons wound the same way unite; where polygons
    wound opposite ways overlap, they cancel out.
    """
    number, height = len(contours), rows.stop - rows.start
    above, below = rows.start * SUBROWS, rows.stop * SUBROWS
    start = contours.reshape(-1, 2)
    end = np.roll(contours, -1, axis=2).reshape(-1, 2)
    y0, y1 = start[:, 1] * SUBROWS - 0.5, end[:, 1] * SUBROWS - 0.5
    first = np.clip(np.ceil(np.minimum(y0, y1)), above, below).astype(np.int64)
    last = np.clip(np.ceil(np.maximum(y0, y1)), above, below).astype(np.int64)
    cuts = last - first
    edge = np.repeat(np.arange(len(start)), cuts)
    line = np.arange(len(edge)) - np.repeat(np.cumsum(cuts) - cuts - first, cuts)

    slope = (end[:, 0] - start[:, 0]) / np.where(cuts > 0, y1 - y0, 1.0)
    x = np.clip((start[:, 0] - y0 * slope)[edge] + line * slope[edge], 0, SIDE)
    column = x.astype(np.int64)
    change = np.where(y1 > y0, 1.0, -1.0)[edge] / SUBROWS
    later = change * (x - column)  # the cut pixel changes in part, the next one by the rest
    row = edge // (len(start) // number) * height + line // SUBROWS - rows.start
    cell = row * (SIDE + 2) + column
    size = number * height * (SIDE + 2)
    changes = np.bincount(cell, change - later, size) + np.bincount(cell + 1, later, size)
    winding = np.cumsum(changes.reshape(number, height, SIDE + 2), axis=2)[..., :SIDE]
    return np.minimum(np.abs(winding), 1.0).astype(np.float32)
