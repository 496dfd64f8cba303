from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from fittingroom.evaluation.significance import wilson_interval


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_interval_matches_newcombe_1998_table_1(
    correct: int, total: int, low: float, high: float
) -> None:
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=5e-5)


@settings(deadline=None)
@given(
    total=st.integers(1, 100_000),
    share=st.floats(0, 1),
    confidence=st.sampled_from([0.5, 0.9, 0.95, 0.99]),
)
def test_interval_matches_scipy(total: int, share: float, confidence: float) -> None:
    correct = round(share * total)
    expected = binomtest(correct, total).proportion_ci(confidence, method="wilson")
    assert wilson_interval(correct, total, confidence) == pytest.approx(tuple(expected), abs=1e-9)


@pytest.mark.parametrize("arguments", [(1, 0), (3, 2), (-1, 2), (1, 2, 0.0), (1, 2, 1.0)])
def test_nonsense_is_refused(arguments: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="got"):
        wilson_interval(*arguments)
