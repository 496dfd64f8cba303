"""The ground that a thing lies on in a photo: its colour at each place, and what is not ground.

The authors of Fashion-MNIST took the colour of a corner (Xiao, Rasul and Vollgraf 2017, arXiv
1708.07747, section 2) for that of the whole ground. Here the ground is that colour where the
photo is even, and a surface that follows it where light falls off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]

# "A color close to the color of the corner pixels": within 5% of the maximal intensity.
TOLERANCE = 0.05 * 255
_COARSE = 0.12 * 255  # while the slope of the light is not known yet
_WIDEST = 40.0  # however noisy the photo
_RING = 0.03  # of a side: how wide the border is that is taken for ground
_ENOUGH = 2000  # of the border's pixels, to fit a surface to
_ON_A_SIDE = 0.2  # of the border's pixels there must be ground before a slope is fitted
_SLOPING = 0.5  # the same before it is read off the corners alone: a step is no slope
# The surface's terms are 1, x, y, x^2, xy, y^2: their powers of x and of y.
_X, _Y = np.array([0, 1, 0, 2, 1, 0]), np.array([0, 0, 1, 0, 1, 2])


@dataclass(frozen=True, eq=False)
class Ground:
    """What was found out about the ground of a photo.

    Parameters
    ----------
    surface
        float32, shape (H, W, 3), 0 to 255: the ground's colour at each place.
    distance
        float32, shape (H, W): how far the photo is from it there, 0 to 255.
    outside
        bool, shape (H, W): where that is too far to be ground.
    share
        How much of the photo's border is ground, 0 to 1.
    """

    surface: Pixels
    distance: Pixels
    outside: NDArray[np.bool_]
    share: float


def find_ground(pixels: Pixels) -> Ground:
    """Find the ground of a photo, float32 (H, W, 3), 0 to 255, by its corners and border."""
    height, width = pixels.shape[:2]
    ring = np.flatnonzero(border(height, width))
    ring = ring[:: max(1, len(ring) // _ENOUGH)]
    seen = pixels.reshape(-1, 3)[ring]
    where = axis(width)[ring % width][:, _X] * axis(height)[ring // width][:, _Y]
    model = first_guess(pixels, seen, where)
    for terms, tolerance in ((1, _COARSE), (3, _COARSE), (3, TOLERANCE), (6, TOLERANCE)):
        for _ in range(3):
            missing = seen - where @ model
            near = np.abs(missing).max(axis=1) <= tolerance
            if not (on_all_sides(near, where) if terms > 1 else near.any()):
                break
            model[:terms] += fit(where[near, :terms], missing[near])
    surface = surface_of(model, height, width)
    distance = apart(pixels, surface)
    from_ground = distance.reshape(-1)[ring]
    near = from_ground <= 2 * TOLERANCE
    noise = float(np.median(from_ground[near])) if near.any() else 0.0
    tolerance = min(max(TOLERANCE, 4 * noise), _WIDEST)
    share = float((from_ground <= tolerance).mean())
    return Ground(surface, distance, distance > tolerance, share)


def border(height: int, width: int) -> NDArray[np.bool_]:
    """Return where the border of a picture is, bool (H, W)."""
    ring = np.ones((height, width), np.bool_)
    wide = max(1, round(_RING * min(height, width)))
    ring[wide:-wide, wide:-wide] = False
    return ring


def axis(length: int) -> Pixels:
    """Return the powers 0, 1 and 2 of places from -1 to 1, float32 (L, 3)."""
    places = np.linspace(-1, 1, length, dtype=np.float32)
    return np.stack([np.ones_like(places), places, places * places], axis=1)


def surface_of(model: Pixels, height: int, width: int) -> Pixels:
    """Return the colours, float32 (H, W, 3), that a model, float32 (6, 3), has at each place."""
    by_powers = np.zeros((3, 3, 3), np.float32)
    by_powers[_Y, _X] = model
    rows = (axis(height) @ by_powers.reshape(3, 9)).reshape(height, 3, 3)
    return (axis(width) @ rows).clip(0, 255)


def fit(places: Pixels, colours: Pixels) -> Pixels:
    """Return the weights, float32 (terms, 3), by which places, (N, terms), come nearest to colours.

    By the normal equations: there are thousands of places, and a few terms from -1 to 1.
    """
    found: Pixels = np.linalg.lstsq(places.T @ places, places.T @ colours, rcond=None)[0]
    return found


def first_guess(pixels: Pixels, seen: Pixels, where: Pixels) -> Pixels:
    """Return a model, float32 (6, 3), from the corners of a photo alone.

    It is the colour of the corner that most of the border looks like, or the slope through all
    four of them where that is nearer to more of it.
    """
    height, width = pixels.shape[:2]
    side = max(1, round(_RING * min(height, width)))
    patches = (
        pixels[y, x]
        for y in (slice(None, side), slice(height - side, None))
        for x in (slice(None, side), slice(width - side, None))
    )
    corners = np.array([np.median(patch.reshape(-1, 3), axis=0) for patch in patches])
    models = np.zeros((5, 6, 3), np.float32)
    models[:4, 0] = corners
    upper_left, upper_right, lower_left, lower_right = corners
    models[4, :3] = (
        corners.mean(axis=0),
        (upper_right + lower_right - upper_left - lower_left) / 4,
        (lower_left + lower_right - upper_left - upper_right) / 4,
    )
    near = [apart(seen, where @ model) <= _COARSE for model in models]
    if not on_all_sides(near[4], where, _SLOPING):
        near.pop()
    found: Pixels = models[int(np.argmax([one.sum() for one in near]))]
    return found


def on_all_sides(near: NDArray[np.bool_], where: Pixels, least: float = _ON_A_SIDE) -> bool:
    """Tell whether there is ground on every side, so that a slope is not read into one corner."""
    x, y = where[:, 1], where[:, 2]
    sides = (x < -0.9, x > 0.9, y < -0.9, y > 0.9)
    return all(near[side].mean() >= least for side in sides if side.any())


def apart(pixels: Pixels, others: Pixels) -> Pixels:
    """Return how far colours (..., 3) are from others, in the channel where it is most."""
    red, green, blue = np.moveaxis(np.abs(pixels - others), -1, 0)
    distance: Pixels = np.maximum(np.maximum(red, green), blue)
    return distance
