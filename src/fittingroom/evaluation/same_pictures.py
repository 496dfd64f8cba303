"""Whether two models differ on the same pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fittingroom.evaluation.intervals import CONFIDENCE_LEVEL


@dataclass(frozen=True)
class ImageComparison:
    """How two models differ on the same pictures: first - second.

    Parameters
    ----------
    count
        Number of pictures.
    only_first, only_second
        Pictures that only the first, or only the second model gets right.
    difference
        Difference of the accuracies, -1 to 1.
    low, high
        Its 95% interval.
    p
        Two-sided p-value of McNemar's exact test.
    odds_ratio
        only_first / only_second; None if only_second is 0.
    """

    count: int
    only_first: int
    only_second: int
    difference: float
    low: float
    high: float
    p: float
    odds_ratio: float | None


def compare_on_images(
    first_correct: NDArray[np.bool_],
    second_correct: NDArray[np.bool_],
    *,
    resamples: int = 10_000,
    seed: int = 0,
) -> ImageComparison:
    """Compare two models picture by picture: McNemar's exact test and a paired bootstrap.

    The test asks whether the pictures that one model alone gets right are shared out as by a
    fair coin (McNemar 1947, doi:10.1007/BF02295996; for classifiers Dietterich 1998,
    doi:10.1162/089976698300017197). The interval is the percentile bootstrap's (Efron and
    Tibshirani 1993, An Introduction to the Bootstrap, doi:10.1201/9780429246593). Drawing N
    pictures with replacement is drawing from a multinomial distribution how many of them only
    the first, only the second, and both or neither get right; that is what is done here.

    Both judge these two models, each trained once: what another seed would give they do not know.

    Parameters
    ----------
    first_correct, second_correct
        bool, shape (N,), N at least 1: is picture i predicted correctly?
    resamples
        Bootstrap samples, at least 1.
    seed
        Of the bootstrap: same seed, same interval.

    Raises
    ------
    ValueError
        If these are not two lists of True and False of the same length, or there are no resamples.
    """
    _check_verdicts(first_correct, second_correct)
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, got {resamples}")
    count = len(first_correct)
    only_first = int((first_correct & ~second_correct).sum())
    only_second = int((second_correct & ~first_correct).sum())

    shares = np.array([only_first, only_second, count - only_first - only_second]) / count
    drawn = np.random.default_rng(seed).multinomial(count, shares, resamples)
    tail = (1 - CONFIDENCE_LEVEL) / 2
    low, high = np.quantile((drawn[:, 0] - drawn[:, 1]) / count, [tail, 1 - tail])
    return ImageComparison(
        count=count,
        only_first=only_first,
        only_second=only_second,
        difference=(only_first - only_second) / count,
        low=float(low),
        high=float(high),
        p=_fair_coin_test(only_first, only_second),
        odds_ratio=only_first / only_second if only_second else None,
    )


def _fair_coin_test(heads: int, tails: int) -> float:
    """Return the two-sided exact p-value for a coin that is truly fair."""
    from scipy.special import bdtr

    return min(1.0, 2 * float(bdtr(min(heads, tails), heads + tails, 0.5)))


def _check_verdicts(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> None:
    for verdicts in (first, second):
        if verdicts.dtype != np.bool_ or verdicts.ndim != 1:
            raise ValueError(
                "expected True or False for each picture, shape (N,), "
                f"got {verdicts.dtype} {verdicts.shape}"
            )
    if not len(first) == len(second) >= 1:
        raise ValueError(f"expected the same pictures, got {len(first)} and {len(second)}")
