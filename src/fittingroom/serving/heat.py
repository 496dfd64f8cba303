"""What mattered: cover a piece of the picture, and see what becomes of the answer.

Occlusion (Zeiler and Fergus 2014, arXiv 1311.2901, section 4.2) asks nothing of a model but
answers, so it works for every network, and for exported ones alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fittingroom.data.dataset import Images

if TYPE_CHECKING:
    from fittingroom.serving.predictor import Answers
    from fittingroom.serving.preparation import Preparation

PIECES = 7  # pieces along the shorter side of a picture
STEPS = 2  # positions within a piece's length
AT_ONCE = 256
_LEAST = 1e-6
_SOME = 0.01  # log-odds: what matters less everywhere is no more than rounding


def heat_map(
    ask: Callable[[Images], Answers],
    preparation: Preparation,
    seen: Images,
    probabilities: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return what mattered for the likeliest class of a picture, uint8 (C, H, W).

    Each place has the mean, over the squares that cover it, of how much covering takes from the
    log-odds of that class, divided by the greatest of all: float32 (H, W), -1 to 1. The squares
    are a seventh of the shorter side, and filled with the ground of the model's pictures, or the
    picture's mean colour.

    Parameters
    ----------
    ask
        `Predictor.answer`.
    preparation
        How pictures of the model's kind look.
    seen
        The picture.
    probabilities
        float32 (K,): the answer for it.
    """
    answer = int(probabilities.argmax())
    height, width = seen.shape[1:]
    side = max(1, round(min(height, width) / PIECES))
    step = max(1, side // STEPS)
    corners = [
        (top, left)
        for top in range(1 - step, height, step)
        for left in range(1 - step, width, step)
    ]
    fill = (
        np.uint8(preparation.ground)
        if preparation.alone
        else seen.mean(axis=(1, 2), keepdims=True).astype(np.uint8)
    )
    before = log_odds(probabilities[answer])
    total, covered = np.zeros((height, width)), np.zeros((height, width))
    for start in range(0, len(corners), AT_ONCE):
        some = corners[start : start + AT_ONCE]
        pictures = np.repeat(seen[None], len(some), axis=0)
        places = [np.s_[max(top, 0) : top + side, max(left, 0) : left + side] for top, left in some]
        for picture, place in zip(pictures, places, strict=True):
            picture[:, *place] = fill
        found = log_odds(ask(pictures).probabilities[:, answer])
        for place, after in zip(places, found, strict=True):
            total[place] += before - after
            covered[place] += 1
    mean = total / covered
    return (mean / max(float(np.abs(mean).max()), _SOME)).astype(np.float32)


def log_odds(probability: NDArray[np.float32] | np.float32) -> NDArray[np.float64]:
    """Return the logarithm of the odds, of probabilities that are kept from 0 and 1."""
    kept = np.clip(np.asarray(probability, np.float64), _LEAST, 1 - _LEAST)
    return np.asarray(np.log(kept / (1 - kept)))
