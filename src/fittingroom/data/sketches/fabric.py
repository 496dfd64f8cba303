"""What garments are made of: weave, folds, light and grain.

Only basic IEEE operations are applied to pixels: they round the same way everywhere. The default
set came out bit for bit alike with NumPy 1.26 and 2.4, and with and without vector instructions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fittingroom.data.dataset import Images
from fittingroom.data.sketches.canvas import SIDE, Pixels
from fittingroom.data.sketches.patterns import Measures

_ALONG = np.linspace(-1, 1, SIDE, dtype=np.float32)
ACROSS, DOWN = _ALONG[None, None, :], _ALONG[None, :, None]


@dataclass(frozen=True, eq=False)
class Noise:
    """What differs from pixel to pixel.

    Parameters
    ----------
    blotches
        float32, shape (N, SIDE + 2, SIDE + 2), 0 to 1.
    grain
        float32, shape (N, SIDE, SIDE), standard normal.
    """

    blotches: Pixels
    grain: Pixels


def draw_noise(number: int, rng: np.random.Generator) -> Noise:
    """Draw the noise of so many garments."""
    blotches = rng.random((number, SIDE + 2, SIDE + 2), np.float32)
    return Noise(blotches, rng.standard_normal((number, SIDE, SIDE), np.float32))


def dye(tone: Pixels, m: Measures, noise: Noise) -> Images:
    """Give painted garments their fabric and light.

    Parameters
    ----------
    tone
        float32, shape (N, SIDE, SIDE): brightness relative to the fabric, 0 for the ground.

    Returns
    -------
    uint8, shape (N, SIDE, SIDE).
    """
    column = {name: value.astype(np.float32)[:, None, None] for name, value in m.items()}
    cloth = _light(column) + _folds(column) + _weave(column) + _blotches(column, noise)
    cloth += column["grain"] * noise.grain
    grey: Pixels = tone * (column["brightness"] * np.maximum(cloth, 0.1))
    return (np.minimum(grey, 1.0) * 255 + 0.5).astype(np.uint8)


def _light(column: dict[str, Pixels]) -> Pixels:
    slope = column["light_x"] * ACROSS + column["light_y"] * DOWN
    return 1 + slope - column["rounding"] * np.abs(ACROSS)


def _folds(column: dict[str, Pixels]) -> Pixels:
    wave = _wave(column["fold_pitch"] * ACROSS + (column["fold_lean"] * DOWN + column["phase"]))
    return column["fold"] * wave


def _weave(column: dict[str, Pixels]) -> Pixels:
    """Stripes across, posts down; both together make a check."""
    pitch, bias, duty, phase = (column[name] for name in ("pitch", "bias", "duty", "phase"))
    stripes = np.sign(_wave(pitch * DOWN + (bias * ACROSS + phase)) - duty)
    posts = np.sign(_wave(pitch * ACROSS - bias * DOWN) - duty)
    weave: Pixels = column["stripes"] * stripes + column["posts"] * posts
    return weave


def _blotches(column: dict[str, Pixels], drawn: Noise) -> Pixels:
    """Print patches about three pixels wide: the sign of noise summed over neighbours."""
    noise = drawn.blotches - 0.5
    rows = noise[:, :-2] + noise[:, 1:-1] + noise[:, 2:]
    patches: Pixels = np.sign(rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:])
    return column["blotches"] * patches


def _wave(x: Pixels) -> Pixels:
    """Run between -1 and 1 in straight lines, with period 1."""
    wave: Pixels = np.abs(x - np.floor(x) - 0.5) * 4 - 1
    return wave
