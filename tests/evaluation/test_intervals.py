from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fittingroom.evaluation.intervals import (
    mean_and_spread,
    prediction_interval,
    t_interval,
    wilson_interval,
)

CONFIDENCES = st.sampled_from([0.5, 0.9, 0.95, 0.99])
# Steps of a thousandth, as real scores come: no differences in the 16th digit alone.
SCORES = st.lists(st.integers(-5000, 5000).map(lambda step: step / 1000), min_size=2, max_size=30)
INTERVALS = [t_interval, prediction_interval]


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_matches_newcombe_1998_table_1(
    correct: int, total: int, low: float, high: float
) -> None:
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=5e-5)


@given(total=st.integers(1, 100_000), share=st.floats(0, 1), confidence=CONFIDENCES)
def test_wilson_matches_scipy(total: int, share: float, confidence: float) -> None:
    correct = round(share * total)
    expected = stats.binomtest(correct, total).proportion_ci(confidence, method="wilson")
    assert wilson_interval(correct, total, confidence) == pytest.approx(tuple(expected), abs=1e-9)


@pytest.mark.parametrize("arguments", [(1, 0), (3, 2), (-1, 2), (1, 2, 0.0), (1, 2, 1.0)])
def test_wilson_refuses_nonsense(arguments: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="got"):
        wilson_interval(*arguments)


@given(values=SCORES, confidence=CONFIDENCES)
def test_interval_of_the_mean_matches_scipy(values: list[float], confidence: float) -> None:
    error = stats.sem(values)
    expected = (values[0], values[0])
    if len(set(values)) > 1:
        expected = stats.t.interval(confidence, len(values) - 1, np.mean(values), error)
    assert t_interval(values, confidence) == pytest.approx(tuple(expected), abs=1e-9)


def test_interval_of_the_mean_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    inside = [low <= 0.88 <= high for low, high in intervals_of(t_interval, rng, 2000)]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


def test_one_further_score_falls_into_its_interval_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    found = intervals_of(prediction_interval, rng, 2000)
    inside = [low <= rng.normal(0.88, 0.002) <= high for low, high in found]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


def intervals_of(
    interval: Callable[..., tuple[float, float] | None], rng: np.random.Generator, count: int
) -> list[tuple[float, float]]:
    found = [interval(rng.normal(0.88, 0.002, 5)) for _ in range(count)]
    return [each for each in found if each is not None]


def test_interval_of_one_further_score_is_that_of_the_formula() -> None:
    # Five scores with mean 3 and standard deviation sqrt(2.5); t(4) at 97.5% is 2.776445.
    half = 2.776445 * 2.5**0.5 * 1.2**0.5
    assert prediction_interval([1, 2, 3, 4, 5]) == pytest.approx((3 - half, 3 + half), abs=1e-5)


@pytest.mark.parametrize("interval", INTERVALS)
def test_fewer_than_two_scores_have_no_interval(
    interval: Callable[..., tuple[float, float] | None],
) -> None:
    assert interval([]) is None
    assert interval([0.88]) is None


@pytest.mark.parametrize("interval", INTERVALS)
def test_equal_scores_have_an_interval_without_width(
    interval: Callable[..., tuple[float, float] | None],
) -> None:
    assert interval([0.1, 0.1, 0.1]) == (0.1, 0.1)


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize(
    ("values", "confidence"),
    [([0.1, float("nan")], 0.95), ([0.1, float("inf")], 0.95), ([[0.1, 0.2]], 0.95), ([], 1.0)],
)
def test_nonsense_is_refused(
    interval: Callable[..., tuple[float, float] | None], values: list[float], confidence: float
) -> None:
    with pytest.raises(ValueError, match="got"):
        interval(values, confidence)


def test_rounding_is_no_spread() -> None:
    assert mean_and_spread([0.1 + 0.2, 0.3])[2] == 0
    assert mean_and_spread([0.88])[1:] == (0.88, 0)
    assert mean_and_spread([0.8801, 0.8802])[2] == pytest.approx(0.0001 / 2**0.5)


def test_nothing_has_no_mean() -> None:
    with pytest.raises(ValueError, match="none"):
        mean_and_spread([])
