from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from fittingroom.studies.comparisons import compare_all, compare_pair

ACCURACIES = {
    "a": (0.89, 0.888, 0.893, 0.891, 0.887),
    "b": (0.881, 0.879, 0.882, 0.886, 0.876),
    "c": (0.879, 0.881, 0.88, 0.883, 0.877),
}


def test_every_pair_is_tested_over_seeds_and_adjusted_as_statsmodels_does(plant: Any) -> None:
    comparisons = compare_all([plant(name, values) for name, values in ACCURACIES.items()])
    p_values = [
        stats.ttest_rel(ACCURACIES[one], ACCURACIES[two]).pvalue
        for one, two in combinations(ACCURACIES, 2)
    ]
    assert [(c.first, c.second) for c in comparisons] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [c.difference.p for c in comparisons if c.difference] == pytest.approx(p_values)
    adjusted = multipletests(p_values, method="holm")[1]
    assert [c.adjusted_p for c in comparisons] == pytest.approx(adjusted)
    assert [c.significant for c in comparisons] == list(adjusted < 0.05) == [True, True, False]


def test_single_runs_are_compared_on_the_same_pictures_by_mcnemar(plant: Any) -> None:
    rng = np.random.default_rng(0)
    one, two = rng.random(500) < 0.9, rng.random(500) < 0.85
    first = plant("a", [one.mean(), 0.5], seeds=[3, 4], correct=[one, one])
    second = plant("b", [two.mean(), 0.5], seeds=[3, 4], correct=[two, one])
    (found,) = compare_all([first, second])
    table = [[(one & two).sum(), (one & ~two).sum()], [(~one & two).sum(), (~one & ~two).sum()]]
    assert found.image_seed == 3
    assert found.images is not None
    assert found.images.p == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert found.images_adjusted_p == found.images.p
    assert found.images.difference == pytest.approx(one.mean() - two.mean())


def test_only_common_seeds_are_paired(plant: Any) -> None:
    first = plant("a", [0.9, 0.8, 0.7], seeds=[5, 1, 7])
    second = plant("b", [0.6, 0.65, 0.5], seeds=[7, 2, 1])
    found = compare_pair(first, second)
    assert found.seeds == (1, 7)
    assert found.image_seed == 1
    assert found.difference is not None
    assert found.difference.mean == pytest.approx((0.8 - 0.5 + 0.7 - 0.6) / 2)


def test_without_two_common_seeds_nothing_is_said(plant: Any) -> None:
    (one,) = compare_all([plant("a", [0.9]), plant("b", [0.8])])
    assert (one.difference, one.adjusted_p, one.significant) == (None, None, False)
    assert one.images is not None
    (none,) = compare_all([plant("a", [0.9], seeds=[1]), plant("b", [0.8], seeds=[2])])
    assert (none.seeds, none.image_seed, none.images) == ((), None, None)


def test_runs_on_other_pictures_are_not_compared_picture_by_picture(plant: Any) -> None:
    (found,) = compare_all([plant("a", [0.9, 0.91]), plant("b", [0.8, 0.8], pictures="others")])
    assert found.images is None
    assert found.images_adjusted_p is None
    assert found.difference is not None


def test_the_other_side_is_what_comparing_the_other_way_round_gives(plant: Any) -> None:
    rng = np.random.default_rng(1)
    first = plant("a", ACCURACIES["a"], correct=[rng.random(300) < 0.9] * 5)
    second = plant("b", ACCURACIES["b"], correct=[rng.random(300) < 0.8] * 5)
    there, back = compare_pair(first, second), compare_pair(second, first)
    turned = there.turned()
    assert turned.difference == back.difference
    assert turned.images is not None
    assert back.images is not None
    assert turned.images.odds_ratio == back.images.odds_ratio
    assert turned.images.difference == back.images.difference
    assert there.images is not None
    assert (turned.images.low, turned.images.high) == (-there.images.high, -there.images.low)
    assert turned.turned() == there
    json.dumps(turned.to_dict(), allow_nan=False)


def test_a_comparison_is_printed_in_points_with_its_tests(plant: Any) -> None:
    first = plant("a", [0.9, 0.92, 0.91], correct=[np.arange(100) < 90] * 3)
    second = plant("b", [0.89, 0.905, 0.9], correct=[np.arange(100) < 89] * 3)
    told = str(compare_all([first, second])[0]).splitlines()
    assert told[0] == "a - b"
    over_seeds = "+1.17 points (95% interval +0.45 to +1.88), p = 0.0198, adjusted 0.0198"
    assert told[1] == f"  over 3 seeds: {over_seeds}"
    assert told[2].startswith("  on 100 pictures, seed 0: +1.00 points")
    (one,) = compare_all([plant("a", [0.9]), plant("b", [0.8], seeds=[5])])
    assert str(one) == "a - b"
