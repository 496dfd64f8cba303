"""How sure a measured score is."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

CONFIDENCE_LEVEL = 0.95


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
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = correct / total
    centre = share + z * z / (2 * total)
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
