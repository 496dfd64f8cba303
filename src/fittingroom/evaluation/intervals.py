"""How sure a measured score is: intervals for one accuracy, for a mean, and for one run more."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONFIDENCE_LEVEL = 0.95

# Scores that are equal on paper differ in the 16th digit once they have been subtracted.
# A share of a million pictures moves in steps of 1e-6.
ROUNDING = 1e-12


def wilson_interval(
    correct: int, total: int, confidence: float = CONFIDENCE_LEVEL
) -> tuple[float, float]:
    """Return Wilson's score interval for a proportion, e.g. for an accuracy.

    Unlike the normal approximation it stays within 0 to 1, and keeps its coverage near
    both ends and for few pictures (Wilson 1927, doi:10.1080/01621459.1927.10502953;
    recommended by Brown, Cai and DasGupta 2001, doi:10.1214/ss/1009213286).

    Parameters
    ----------
    correct
        Number of correct predictions, 0 to `total`.
    total
        Number of predictions, at least 1.
    confidence
        Coverage, between 0 and 1, exclusive.

    Returns
    -------
    (low, high), fractions 0 to 1.

    Raises
    ------
    ValueError
        If the numbers lie outside these ranges.
    """
    if not 0 <= correct <= total or total < 1:
        raise ValueError(f"expected 0 <= correct <= total and total >= 1, got {correct} of {total}")
    check_confidence(confidence)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = correct / total
    centre = share + z * z / (2 * total)
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    low, high = (centre - half) / scale, (centre + half) / scale
    # Of none or all, the share itself is one end; rounding would put that a digit beside it.
    return max(0.0, min(low, share)), min(1.0, max(high, share))


def t_interval(
    values: ArrayLike, confidence: float = CONFIDENCE_LEVEL
) -> tuple[float, float] | None:
    """Return Student's t interval for the mean that scores have, e.g. those of many seeds.

    mean +- t(n-1) s / sqrt(n) (Student 1908, doi:10.1093/biomet/6.1.1), exact where the scores
    are drawn from a normal distribution.

    Parameters
    ----------
    values
        The scores, shape (n,), in any unit.
    confidence
        Coverage, between 0 and 1, exclusive.

    Returns
    -------
    (low, high) in the unit of the scores; None for fewer than two, which show no spread.
    Equal scores give an interval without width.

    Raises
    ------
    ValueError
        If a value is NaN or infinite, or the confidence lies outside its range.
    """
    return _around_the_mean(values, confidence, further=0)


def prediction_interval(
    values: ArrayLike, confidence: float = CONFIDENCE_LEVEL
) -> tuple[float, float] | None:
    """Return the interval in which one further score is expected, e.g. that of one more seed.

    mean +- t(n-1) s sqrt(1 + 1/n) (Meeker, Hahn and Escobar 2017, Statistical Intervals,
    chapter 4, doi:10.1002/9781118594841): wider than the interval of the mean, since a single
    score scatters about it. Scores and the further one are taken as drawn from the same normal
    distribution.

    Parameters, result and errors are those of `t_interval`.
    """
    return _around_the_mean(values, confidence, further=1)


def _around_the_mean(
    values: ArrayLike, confidence: float, further: int
) -> tuple[float, float] | None:
    """Return mean +- t(n-1) s sqrt(further + 1/n)."""
    from scipy.special import stdtrit

    check_confidence(confidence)
    found = finite_values(values)
    if found.size < 2:
        return None
    n, mean, sd = mean_and_spread(found)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * sd * sqrt(further + 1 / n)
    return mean - half, mean + half


def mean_and_spread(values: ArrayLike) -> tuple[int, float, float]:
    """Return the number of values, their mean and their standard deviation (over n - 1).

    The deviation is exactly 0 for values that differ by rounding alone, and for a single one.

    Parameters
    ----------
    values
        Numbers, shape (n,), n at least 1.

    Raises
    ------
    ValueError
        If there are none, or one is NaN or infinite.
    """
    found = finite_values(values)
    if not found.size:
        raise ValueError("expected at least one value, got none")
    mean = float(np.clip(found.mean(), found.min(), found.max()))
    if np.ptp(found) <= ROUNDING * np.abs(found).max():
        return found.size, mean, 0.0
    return found.size, mean, float(found.std(ddof=1))


def finite_values(values: ArrayLike) -> NDArray[np.float64]:
    """Return numbers as float64, shape (n,).

    Raises
    ------
    ValueError
        If they are not a flat list of finite numbers.
    """
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1:
        raise ValueError(f"expected a list of numbers, got an array of shape {found.shape}")
    if not np.isfinite(found).all():
        raise ValueError(f"expected finite numbers, got {found[~np.isfinite(found)][0]}")
    return found


def check_confidence(confidence: float) -> None:
    """See that a coverage lies between 0 and 1.

    Raises
    ------
    ValueError
        If it does not.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
