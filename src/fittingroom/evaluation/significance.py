"""Whether two settings differ, over the same seeds; and how many seeds would tell.

What belongs with it has its own file and can be had from here as well: the intervals of a single
score (intervals.py), and two models on the same pictures (same_pictures.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fittingroom.evaluation.intervals import (
    CONFIDENCE_LEVEL,
    finite_values,
    mean_and_spread,
    prediction_interval,
    t_interval,
    wilson_interval,
)
from fittingroom.evaluation.same_pictures import ImageComparison, compare_on_images

__all__ = [
    "CONFIDENCE_LEVEL",
    "ImageComparison",
    "PairedDifference",
    "compare_on_images",
    "holm",
    "paired_difference",
    "pairs_to_decide",
    "prediction_interval",
    "t_interval",
    "wilson_interval",
]


@dataclass(frozen=True)
class PairedDifference:
    """How two settings differ over the same seeds: first - second, in the unit of the scores.

    Parameters
    ----------
    n
        Number of pairs, at least 2.
    mean, sd
        Mean of the differences, and their standard deviation (over n - 1).
    low, high
        95% interval of the mean.
    p
        Two-sided p-value of the paired t-test.
    effect
        The mean in standard deviations of the differences, corrected for few pairs: Hedges' g_z.
        None where it cannot be told: all differences equal, or two pairs only.
    """

    n: int
    mean: float
    sd: float
    low: float
    high: float
    p: float
    effect: float | None


def paired_difference(first: ArrayLike, second: ArrayLike) -> PairedDifference | None:
    """Compare the scores of two settings, paired by seed: the paired t-test.

    Student 1908, doi:10.1093/biomet/6.1.1. The effect is Cohen's d_z (mean over standard
    deviation of the differences; Lakens 2013, doi:10.3389/fpsyg.2013.00863) times Hedges' exact
    correction for n - 1 degrees of freedom (1981, doi:10.3102/10769986006002107). With two pairs
    that correction is 0: they say nothing about the effect.

    Differences that are all equal, to 12 digits after the point, leave no doubt: p is 1 if they
    are 0, and 0 otherwise.

    Parameters
    ----------
    first, second
        Scores, shape (n,), those of the same seed at the same place.

    Returns
    -------
    None for fewer than two pairs, which show no spread.

    Raises
    ------
    ValueError
        If the lengths differ, or a score is NaN or infinite.
    """
    pairs = finite_values(first), finite_values(second)
    if pairs[0].size != pairs[1].size:
        raise ValueError(f"expected pairs, got {pairs[0].size} and {pairs[1].size} scores")
    differences = _without_rounding(pairs[0] - pairs[1])
    interval = t_interval(differences)
    if interval is None:
        return None
    n, mean, sd = mean_and_spread(differences)
    effect = _hedges_correction(n - 1) * mean / sd if sd and n > 2 else None
    return PairedDifference(n, mean, sd, *interval, p=_t_test(n, mean, sd), effect=effect)


def pairs_to_decide(
    difference: PairedDifference, power: float = 0.8, alpha: float = 0.05, limit: int = 10_000
) -> int | None:
    """Return how many pairs a paired t-test needs to find a difference like the observed one.

    The smallest n at which the two-sided test has this power, by the noncentral t distribution
    (Cohen 1988, Statistical Power Analysis, doi:10.4324/9780203771587, chapter 2), if the true
    mean and spread are the observed ones. They are estimates, and so is n: from few pairs it may
    well be several times too low or too high, and a chance difference asks for too few. It says
    how many seeds to plan, not what they will show.

    Parameters
    ----------
    difference
        What has been observed.
    power
        Probability of finding it, between 0 and 1, exclusive.
    alpha
        The test's level, between 0 and 1, exclusive.
    limit
        The highest number worth naming, at least 2.

    Returns
    -------
    2 to `limit`; None if that is not enough, or the observed mean is 0.

    Raises
    ------
    ValueError
        If power, level or limit lie outside their ranges.
    """
    if not (0 < power < 1 and 0 < alpha < 1 and limit >= 2):
        raise ValueError(
            "power and alpha must lie between 0 and 1 and limit be at least 2, "
            f"got {power}, {alpha} and {limit}"
        )
    if difference.mean == 0:
        return None
    if difference.sd == 0:
        return 2
    size = abs(difference.mean) / difference.sd
    counts = np.arange(2, limit + 1)
    enough = _power(size, counts, alpha) >= power
    return int(counts[enough.argmax()]) if enough.any() else None


def holm(p_values: ArrayLike) -> tuple[float, ...]:
    """Return p-values adjusted for their number, in the same order.

    Those at most alpha may be called significant together: the probability that any of them is
    so by chance alone is at most alpha, however the tests depend on each other. Holm 1979,
    A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics
    6(2), 65-70, https://www.jstor.org/stable/4615733.

    Parameters
    ----------
    p_values
        Shape (m,), 0 to 1; may be empty.

    Raises
    ------
    ValueError
        If a value is NaN or lies outside 0 to 1.
    """
    found = finite_values(p_values)
    if ((found < 0) | (found > 1)).any():
        raise ValueError(f"p-values lie between 0 and 1, got {found.tolist()}")
    order = found.argsort()
    hypotheses_left = np.arange(found.size, 0, -1)
    adjusted = np.empty_like(found)
    adjusted[order] = np.minimum(np.maximum.accumulate(found[order] * hypotheses_left), 1)
    return tuple(adjusted.tolist())


def _without_rounding(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make differences equal that are so on paper: 0.88 - 0.87 and 0.68 - 0.67."""
    return np.round(differences, 12)


def _t_test(n: int, mean: float, sd: float) -> float:
    """Return the two-sided p-value for a mean of n values that is truly 0."""
    from scipy.special import stdtr

    if sd == 0:
        return float(mean == 0)
    return float(2 * stdtr(n - 1, -abs(mean) / sd * sqrt(n)))


def _hedges_correction(freedom: int) -> float:
    """Return J(m) of Hedges 1981: gamma(m/2) / (sqrt(m/2) gamma((m-1)/2)), m >= 2."""
    return exp(lgamma(freedom / 2) - lgamma((freedom - 1) / 2)) / sqrt(freedom / 2)


def _power(size: float, counts: NDArray[np.int64], alpha: float) -> NDArray[np.float64]:
    """Return the power of a two-sided paired t-test for a true mean of `size` deviations."""
    from scipy.special import nctdtr, stdtrit

    freedom, shift = counts - 1, size * np.sqrt(counts)
    bound = stdtrit(freedom, 1 - alpha / 2)
    # scipy 1.17 gives NaN where these are below 1e-15 (integrated numerically: n to 10,000).
    below_both, below_upper = np.nan_to_num(nctdtr(freedom, shift, [-bound, bound]))
    power: NDArray[np.float64] = 1 - below_upper + below_both
    return power
