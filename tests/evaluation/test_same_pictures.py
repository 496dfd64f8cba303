from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest, bootstrap
from statsmodels.stats.contingency_tables import mcnemar

from fittingroom.evaluation.same_pictures import compare_on_images

Verdicts = tuple[NDArray[np.bool_], NDArray[np.bool_]]


def verdicts(both: int, only_first: int, only_second: int, neither: int) -> Verdicts:
    """Two models' verdicts that make up this fourfold table."""
    counts = [both, only_first, only_second, neither]
    return (
        np.repeat([True, True, False, False], counts),
        np.repeat([True, False, True, False], counts),
    )


COUNTS = st.integers(0, 40)


def test_table_by_hand() -> None:
    found = compare_on_images(*verdicts(80, 8, 1, 11))
    assert (found.count, found.only_first, found.only_second) == (100, 8, 1)
    assert found.difference == pytest.approx(0.07)
    assert found.odds_ratio == 8
    assert found.p == pytest.approx(2 * (1 + 9) / 2**9)


@settings(max_examples=50)
@given(both=COUNTS, only_first=COUNTS, only_second=COUNTS, neither=st.integers(1, 40))
def test_p_value_matches_statsmodels_and_scipy(
    both: int, only_first: int, only_second: int, neither: int
) -> None:
    found = compare_on_images(*verdicts(both, only_first, only_second, neither), resamples=10)
    if discordant := only_first + only_second:
        table = [[both, only_first], [only_second, neither]]
        assert found.p == pytest.approx(mcnemar(table, exact=True).pvalue)
        assert found.p == pytest.approx(binomtest(only_first, discordant).pvalue)
    else:
        assert found.p == 1


def test_interval_matches_resampling_the_pictures_themselves() -> None:
    first, second = verdicts(500, 60, 30, 110)
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 700, (10_000, 700))
    naive = first[pictures].mean(axis=1) - second[pictures].mean(axis=1)
    found = compare_on_images(first, second)
    assert (found.low, found.high) == pytest.approx(np.quantile(naive, [0.025, 0.975]), abs=0.002)


def test_interval_matches_scipys_paired_bootstrap() -> None:
    first, second = verdicts(300, 40, 25, 135)

    def difference(x: NDArray[np.bool_], y: NDArray[np.bool_], axis: int) -> NDArray[np.float64]:
        gap: NDArray[np.float64] = x.mean(axis=axis) - y.mean(axis=axis)
        return gap

    expected = bootstrap(
        (first, second), difference, paired=True, method="percentile", rng=2
    ).confidence_interval
    found = compare_on_images(first, second)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.003)


@settings(max_examples=50)
@given(table=st.tuples(COUNTS, COUNTS, COUNTS, st.integers(1, 40)), seed=st.integers(0, 5))
def test_swapping_the_models_turns_the_difference_round(
    table: tuple[int, int, int, int], seed: int
) -> None:
    first, second = verdicts(*table)
    one = compare_on_images(first, second, resamples=200, seed=seed)
    other = compare_on_images(second, first, resamples=200, seed=seed)
    assert one.difference == -other.difference
    assert one.p == other.p
    assert one.low <= one.high
    assert one.low >= -1
    assert one.high <= 1


def test_same_model_twice_shows_no_difference() -> None:
    first, _ = verdicts(90, 5, 0, 5)
    found = compare_on_images(first, first.copy())
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert found.odds_ratio is None


def test_same_seed_gives_the_same_interval() -> None:
    pair = verdicts(500, 60, 30, 110)
    found = [compare_on_images(*pair, resamples=50, seed=seed) for seed in (3, 3, 4)]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("first", "second", "resamples"),
    [
        (np.ones(3, bool), np.ones(2, bool), 10),
        (np.ones(0, bool), np.ones(0, bool), 10),
        (np.ones(3), np.ones(3, bool), 10),
        (np.ones((2, 2), bool), np.ones((2, 2), bool), 10),
        (np.ones(3, bool), np.ones(3, bool), 0),
    ],
)
def test_nonsense_is_refused(
    first: NDArray[np.bool_], second: NDArray[np.bool_], resamples: int
) -> None:
    with pytest.raises(ValueError, match="got"):
        compare_on_images(first, second, resamples=resamples)
