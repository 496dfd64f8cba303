"""Scissors and thread: corners joined to polygons, for many garments at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Value = Array | float
Point = tuple[Value, Value]


@dataclass(frozen=True, eq=False)
class Part:
    """One part of N garments.

    Parameters
    ----------
    contours
        float64, shape (N, P, V, 2): for each garment P closed polygons of V corners (x, y).
    shown
        float64, shape (N,), or a number: how much the part covers what lies under it, 0 to 1;
        a garment without the part has 0.
    tone
        float64, shape (N,), or a number: brightness relative to the garment's fabric.
    """

    contours: Array
    shown: Value = 1.0
    tone: Value = 1.0


def outline(*points: Point) -> Array:
    """Join corners to one contour for each garment, shape (N, 1, V, 2)."""
    values = np.broadcast_arrays(*(np.atleast_1d(value) for point in points for value in point))
    return np.stack(values, axis=-1).reshape(-1, 1, len(points), 2)


def mirrored(contours: Array) -> Array:
    """Add the mirror images at x = 0, wound the same way: (N, P, V, 2) to (N, 2P, V, 2)."""
    return np.concatenate([contours, _mirror(contours)], axis=1)


def symmetric(*right_half: Point) -> Array:
    """Join a right half, drawn from top to bottom, and its mirror image to one contour."""
    half = outline(*right_half)
    return np.concatenate([half, _mirror(half)], axis=2)


def _mirror(contours: Array) -> Array:
    return contours[:, :, ::-1] * (-1.0, 1.0)


def stroke(width: Value, *points: Point) -> Array:
    """Draw a line through K points as K-1 bars of the given width, shape (N, K-1, 4, 2)."""
    line = outline(*points)[:, 0]
    start, end = line[:, :-1], line[:, 1:]
    step = end - start
    length = np.maximum(np.sqrt((step**2).sum(axis=2, keepdims=True)), 1e-6)
    along = step / length * (np.atleast_1d(width)[:, None, None] / 2)
    aside = along[..., ::-1] * (-1.0, 1.0)
    # Half a width of overlap closes the wedges between bars that meet at an angle.
    start, end = start - along / 2, end + along / 2
    return np.stack([start + aside, start - aside, end - aside, end + aside], axis=2)


def squares(count: int, size: Value, start: Point, end: Point) -> Array:
    """Set squares at even distances from `start` to `end`, shape (N, count, 4, 2)."""
    (x0, y0), (x1, y1) = start, end
    shares = [number / max(count - 1, 1) for number in range(count)]
    centres = [(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share) for share in shares]
    return together(
        *(box(x - size / 2, y - size / 2, x + size / 2, y + size / 2) for x, y in centres)
    )


def box(left: Value, above: Value, right: Value, below: Value) -> Array:
    """Draw an upright rectangle, shape (N, 1, 4, 2)."""
    return outline((left, above), (right, above), (right, below), (left, below))


def together(*contours: Array) -> Array:
    """Gather contours with equally many corners to one part, shape (N, sum of P, V, 2)."""
    return np.concatenate(contours, axis=1)


def given(measure: Array) -> Array:
    """Tell, as 1.0 or 0.0, which garments have a part whose measure is 0 where it is missing."""
    return (measure > 0).astype(np.float64)
