from __future__ import annotations

import json
from dataclasses import asdict
from math import ceil, sqrt
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.special import chdtri, ndtr
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from fittingroom.evaluation.significance import (
    PairedDifference,
    holm,
    paired_difference,
    pairs_to_decide,
)

# Hours of sleep gained by ten patients from two drugs: Student 1908, after Cushny and Peebles.
FIRST_DRUG = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SECOND_DRUG = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

SCORE = st.integers(0, 10_000).map(lambda correct: correct / 10_000)
PAIRS = st.lists(st.tuples(SCORE, SCORE), min_size=2, max_size=20)
P_VALUES = st.lists(st.floats(0, 1), max_size=20)


def observed(mean: float, sd: float) -> PairedDifference:
    return PairedDifference(n=5, mean=mean, sd=sd, low=0, high=0, p=0.5, effect=None)


def test_students_own_example() -> None:
    # R: t.test(extra ~ group, sleep, paired = TRUE)
    found = paired_difference(FIRST_DRUG, SECOND_DRUG)
    assert found is not None
    assert found.n == 10
    assert found.mean == pytest.approx(-1.58)
    assert found.p == pytest.approx(0.002833, abs=5e-7)
    assert (found.low, found.high) == pytest.approx((-2.4598858, -0.7001142), abs=5e-8)
    # d_z = -1.2846, and J(9) = 0.9139 as in the table of Hedges 1981.
    assert found.effect == pytest.approx(-1.2846 * 0.9139, abs=2e-4)


@given(pairs=PAIRS)
def test_paired_difference_matches_scipy(pairs: list[tuple[float, float]]) -> None:
    first, second = (np.array(each) for each in zip(*pairs, strict=True))
    assume(np.unique(np.round(first - second, 9)).size > 1)
    found, expected = paired_difference(first, second), stats.ttest_rel(first, second)
    assert found is not None
    assert found.p == pytest.approx(expected.pvalue, abs=1e-9)
    interval = expected.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-9)
    assert found.sd == pytest.approx(np.std(first - second, ddof=1), abs=1e-9)


@given(pairs=PAIRS, random=st.randoms())
def test_order_of_the_seeds_does_not_matter(
    pairs: list[tuple[float, float]], random: Random
) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)
    one, other = (paired_difference(*zip(*each, strict=True)) for each in (pairs, shuffled))
    assert one is not None
    assert other is not None
    assert (one.mean, one.sd, one.p) == pytest.approx((other.mean, other.sd, other.p))


@given(pairs=PAIRS)
def test_swapping_the_settings_turns_the_difference_round(
    pairs: list[tuple[float, float]],
) -> None:
    first, second = zip(*pairs, strict=True)
    one, other = paired_difference(first, second), paired_difference(second, first)
    assert one is not None
    assert other is not None
    assert (one.low, one.high, one.p) == pytest.approx((-other.high, -other.low, other.p))


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [
        # Steps of one picture in 10,000, and 0.3: as different in the last digits as can be.
        ([0.8801, 0.6801, 0.0002], [0.88, 0.68, 0.0001], 0.0),
        ([0.1 + 0.2, 0.87, 0.4702], [0.3, 0.87, 0.4702], 1.0),
    ],
)
def test_equal_differences_leave_no_doubt(
    first: list[float], second: list[float], p: float
) -> None:
    found = paired_difference(first, second)
    assert found is not None
    assert (found.sd, found.p, found.effect) == (0, p, None)
    assert found.low == found.mean == found.high
    assert json.loads(json.dumps(asdict(found), allow_nan=False)) == asdict(found)


def test_correction_of_the_effect_makes_it_unbiased() -> None:
    rng = np.random.default_rng(0)
    found = [paired_difference(rng.normal(0.8, 1, 5), np.zeros(5)) for _ in range(4000)]
    effects = [each.effect for each in found if each is not None and each.effect is not None]
    assert np.mean(effects) == pytest.approx(0.8, abs=0.03)


def test_two_pairs_say_nothing_about_the_effect() -> None:
    found = paired_difference([0.88, 0.89], [0.87, 0.86])
    assert found is not None
    assert found.effect is None
    assert 0 < found.p < 1


def test_one_pair_is_no_comparison() -> None:
    assert paired_difference([0.88], [0.87]) is None
    assert paired_difference([], []) is None


@pytest.mark.parametrize(
    ("first", "second"), [([0.1, 0.2], [0.1]), ([0.1, float("nan")], [0.1, 0.2])]
)
def test_unequal_or_missing_scores_are_refused(first: list[float], second: list[float]) -> None:
    with pytest.raises(ValueError, match="got"):
        paired_difference(first, second)


def test_number_of_pairs_is_that_of_a_published_example() -> None:
    # R's pwr: pwr.t.test(d = 0.5, power = 0.8, type = "paired") gives n = 33.36713.
    assert pairs_to_decide(observed(0.5, 1)) == 34


def power_by_integration(size: float, n: int, alpha: float) -> float:
    """Average over the spread that n pairs may show how often such a difference is found."""
    bound = stats.t.isf(alpha / 2, n - 1)

    def found(share: float) -> float:
        reach = bound * sqrt(chdtri(n - 1, share) / (n - 1))
        shift = size * sqrt(n)
        return float(ndtr(shift - reach) + ndtr(-shift - reach))

    return float(quad(found, 0, 1)[0])


@settings(max_examples=40)
@given(
    size=st.floats(0.1, 8),
    sign=st.sampled_from([-1, 1]),
    power=st.sampled_from([0.5, 0.8, 0.95]),
    alpha=st.sampled_from([0.01, 0.05]),
)
def test_number_of_pairs_is_the_first_that_has_the_power(
    size: float, sign: int, power: float, alpha: float
) -> None:
    n = pairs_to_decide(observed(sign * size * 0.002, 0.002), power, alpha)
    assert n is not None
    assert power_by_integration(size, n, alpha) >= power - 1e-4
    assert n == 2 or power_by_integration(size, n - 1, alpha) < power + 1e-4


def test_number_of_pairs_matches_statsmodels() -> None:
    exact = TTestPower().solve_power(effect_size=1.1, alpha=0.05, power=0.8)
    assert pairs_to_decide(observed(1.1, 1)) == ceil(exact)


def test_no_number_of_pairs_finds_nothing() -> None:
    assert pairs_to_decide(observed(0, 0.002)) is None
    assert pairs_to_decide(observed(0.00001, 0.002)) is None
    assert pairs_to_decide(observed(0.001, 0.002), limit=20) is None


def test_differences_without_doubt_need_two_pairs() -> None:
    assert pairs_to_decide(observed(0.001, 0)) == 2
    assert pairs_to_decide(observed(1, 1e-6)) == 2


@pytest.mark.parametrize(
    "arguments",
    [(0.0, 0.05, 10), (1.0, 0.05, 10), (0.8, 0.0, 10), (0.8, 1.0, 10), (0.8, 0.05, 1)],
)
def test_nonsense_asked_of_the_power_is_refused(arguments: tuple[float, float, int]) -> None:
    with pytest.raises(ValueError, match="got"):
        pairs_to_decide(observed(1, 1), *arguments)


def test_holm_by_hand() -> None:
    # 0.005 x 4, 0.01 x 3, 0.03 x 2, and 0.04 is raised to the one before it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


@settings(max_examples=10)  # theirs collects all garbage each time
@given(p_values=P_VALUES.filter(len))
def test_holm_matches_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


@given(p_values=P_VALUES)
def test_holm_never_lowers_a_p_value_nor_changes_their_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= new <= 1 for p, new in zip(p_values, adjusted, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= 0).all()


def test_holm_of_nothing_is_nothing() -> None:
    assert holm([]) == ()


@pytest.mark.parametrize("p_values", [[1.1], [-0.1], [float("nan")]])
def test_holm_refuses_what_is_no_p_value(p_values: list[float]) -> None:
    with pytest.raises(ValueError, match="got"):
        holm(p_values)
