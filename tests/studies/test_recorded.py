from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from fittingroom.studies.plan import Recorded, Words
from fittingroom.studies.reading import read_plan
from fittingroom.studies.recorded import (
    accuracy_surprise,
    distance_between,
    distance_surprise,
    distances_among,
    hold_against,
)

ACCURACIES = (0.880, 0.878, 0.884, 0.881, 0.879)


def result(accuracy: float = 0.88, **fields: Any) -> Recorded:
    words = Words(en="it", ko="그것")
    return Recorded(
        **{"id": "1", "label": words, "settings": ("a",), "accuracy": accuracy} | fields
    )


def matrices(
    rng: np.random.Generator, count: int, rates: NDArray[np.float64]
) -> list[NDArray[np.int64]]:
    """Draw matrices of 3 x 200 pictures from rates that scatter from seed to seed."""
    return [
        np.array([rng.multinomial(200, rng.dirichlet(120 * row)) for row in rates])
        for _ in range(count)
    ]


USUAL = np.array([[0.80, 0.15, 0.05], [0.10, 0.85, 0.05], [0.02, 0.08, 0.90]])
STRANGE = np.array([[0.80, 0.02, 0.18], [0.30, 0.60, 0.10], [0.02, 0.08, 0.90]])


def test_the_surprise_is_that_of_the_prediction_interval(plant: Any) -> None:
    (low, high) = plant("a", ACCURACIES).prediction
    for bound in (low, high):
        assert accuracy_surprise(result(bound), ACCURACIES) == pytest.approx(0.05)
    assert accuracy_surprise(result(float(np.mean(ACCURACIES))), ACCURACIES) == pytest.approx(1)
    # Student's t, as scipy has it: 4 degrees of freedom, scale s sqrt(1 + 1/5).
    scale = np.std(ACCURACIES, ddof=1) * np.sqrt(1.2)
    t = (0.87 - np.mean(ACCURACIES)) / scale
    expected = 2 * stats.t.cdf(t, 4)
    assert accuracy_surprise(result(0.87), ACCURACIES) == pytest.approx(expected)


def test_about_87_percent_is_anything_that_rounds_to_it() -> None:
    exact, about = result(0.88), result(0.87, approximate=True)
    near = (0.876, 0.8755, 0.8761, 0.8758)
    shifted = accuracy_surprise(result(0.875), near)
    assert accuracy_surprise(about, near) == pytest.approx(shifted)
    assert accuracy_surprise(about, (0.871, 0.872, 0.8705)) == 1
    assert accuracy_surprise(exact, near) != accuracy_surprise(about, near)


def test_accuracies_without_spread_leave_no_doubt() -> None:
    assert accuracy_surprise(result(0.88), (0.88, 0.88, 0.88)) == 1
    assert accuracy_surprise(result(0.881), (0.88, 0.88, 0.88)) == 0
    assert accuracy_surprise(result(0.879), (0.88, 0.88, 0.88)) == 0


def test_the_distance_counts_the_pictures_that_move() -> None:
    first = np.array([[90, 10], [5, 95]])
    moved = np.add(first, [[-3, 3], [2, -2]])
    assert distance_between(first, moved) == 5
    assert distance_between(first, first) == 0


def test_seeds_are_measured_against_the_others_on_the_scale_of_a_stranger() -> None:
    # With normal scatter a further matrix and the seeds have the same expected distance.
    rng = np.random.default_rng(0)
    own, further = [], []
    for _ in range(2000):
        drawn = rng.normal(100, 10, (6, 3, 3))
        own.append(np.mean(distances_among(drawn[:5])))
        further.append(distance_between(drawn[5], drawn[:5].mean(axis=0)))
    assert np.mean(own) == pytest.approx(np.mean(further), rel=0.01)


def test_each_seed_is_left_out_of_the_mean_it_is_measured_against() -> None:
    drawn = np.random.default_rng(1).normal(100, 10, (4, 3, 3))
    expected = [
        distance_between(drawn[i], np.delete(drawn, i, axis=0).mean(axis=0)) * np.sqrt(15) / 4
        for i in range(4)
    ]
    assert distances_among(drawn) == pytest.approx(expected)


def test_a_member_mostly_fits_and_a_stranger_mostly_does_not(plant: Any) -> None:
    rng = np.random.default_rng(2)
    members, strangers = 0, 0
    for _ in range(300):
        setting = plant("a", ACCURACIES, matrices=matrices(rng, 5, USUAL))
        for rates in (USUAL, STRANGE):
            (one,) = matrices(rng, 1, rates)
            found = hold_against(result(confusion=one.tolist()), [setting]).matches[0]
            members += rates is USUAL and bool(found.matrix_fits)
            strangers += rates is STRANGE and bool(found.matrix_fits)
    assert 0.91 <= members / 300 <= 0.98
    assert strangers / 300 < 0.1


def test_the_surprise_of_a_distance_is_scipys_t_on_logarithms() -> None:
    own = (200.0, 240.0, 300.0, 260.0)
    logs = np.log(own)
    t = (np.log(400) - logs.mean()) / (logs.std(ddof=1) * np.sqrt(1 + 1 / 4))
    assert distance_surprise(400, own) == pytest.approx(stats.t.sf(t, 3))
    assert distance_surprise(100, own) == pytest.approx(1, abs=0.02)


def test_equal_matrices_divide_nothing_by_zero(plant: Any) -> None:
    same = np.array([[9, 1], [2, 8]])
    setting = plant("a", ACCURACIES, matrices=[same] * 5)
    fits = hold_against(result(confusion=same.tolist()), [setting]).matches[0]
    assert (fits.distance, fits.matrix_fits) == (0, True)
    other = hold_against(result(confusion=((8, 2), (1, 9))), [setting]).matches[0]
    assert (other.distance, other.matrix_fits) == (2, False)


def test_a_class_that_was_never_predicted_is_no_obstacle(plant: Any) -> None:
    own = [np.array([[10 - i, i], [10 - i, i]]) for i in (0, 0, 1, 0)]
    setting = plant("a", (0.5, 0.5, 0.5, 0.5), matrices=own)
    found = hold_against(result(0.5, confusion=((10, 0), (10, 0))), [setting]).matches[0]
    assert found.fits is True


def test_with_one_seed_it_cannot_be_said_and_with_two_only_of_the_accuracy(plant: Any) -> None:
    one = np.array([[9, 1], [2, 8]])
    recorded = result(0.85, confusion=one.tolist())
    single = hold_against(recorded, [plant("a", [0.85], matrices=[one])])
    assert single.matches[0].fits is None
    assert single.matches[0].distance == 0
    assert (single.nearest, single.conclusive) == (None, False)
    two = hold_against(recorded, [plant("a", [0.85, 0.86], matrices=[one, one])]).matches[0]
    assert (two.accuracy_fits, two.matrix_fits, two.fits) == (True, None, None)
    far = hold_against(result(0.1), [plant("a", [0.85, 0.86])]).matches[0]
    assert far.fits is False


def test_the_nearest_setting_is_named_and_conclusive_if_alone(plant: Any) -> None:
    near, far = plant("a", ACCURACIES), plant("b", np.array(ACCURACIES) - 0.1)
    found = hold_against(result(0.8795, settings=("b", "a")), [near, far])
    assert [match.setting for match in found.matches] == ["b", "a"]
    assert [match.fits for match in found.matches] == [False, True]
    assert (found.nearest, found.conclusive) == ("a", True)
    both = hold_against(result(0.8795, settings=("a", "b")), [near, plant("b", ACCURACIES)])
    assert not both.conclusive
    none = hold_against(result(0.5, settings=("a", "b")), [near, far])
    assert (none.nearest, none.conclusive) == ("b", False)
    json.dumps(found.to_dict(), allow_nan=False)


def test_no_setting_is_nearest_where_accuracy_and_matrix_disagree(plant: Any) -> None:
    one, other = np.array([[9, 1], [2, 8]]), np.array([[5, 5], [0, 10]])
    near, far = (0.85, 0.86, 0.84), (0.75, 0.76, 0.74)
    settings = [plant("a", near, matrices=[other] * 3), plant("b", far, matrices=[one] * 3)]
    recorded = result(0.85, settings=("a", "b"), confusion=one.tolist())
    assert hold_against(recorded, settings).nearest is None
    assert hold_against(result(0.85, settings=("a", "b")), settings).nearest == "a"
    agreeing = [settings[0], plant("b", near, matrices=[one] * 3)]
    assert hold_against(result(0.85, settings=("b",)), agreeing).nearest == "b"


def test_a_setting_that_was_not_run_leaves_it_open(plant: Any) -> None:
    found = hold_against(result(0.88, settings=("a", "gone")), [plant("a", ACCURACIES)])
    assert [match.setting for match in found.matches] == ["a"]
    assert not found.conclusive
    assert hold_against(result(settings=("gone",)), []).matches == ()


def test_a_matrix_of_other_pictures_is_not_held_against_these(plant: Any) -> None:
    setting = plant("a", ACCURACIES, matrices=[np.array([[9, 1], [2, 8]])] * 5)
    for other in (((90, 10), (20, 80)), ((10,),)):
        found = hold_against(result(confusion=other), [setting])
        assert found.same_pictures is False
        assert found.matches[0].fits is None
        assert found.matches[0].distance is None
        assert found.matches[0].surprise is None


def test_the_matrices_of_the_notebook_have_the_accuracies_that_it_states() -> None:
    recorded = read_plan("notebook").recorded
    assert len([one for one in recorded if one.confusion]) == 7
    for one in recorded:
        assert one.note is not None
        if one.confusion:
            assert np.sum(one.confusion, axis=1).tolist() == [1000] * 10
            assert np.trace(one.confusion) / 10_000 == pytest.approx(one.accuracy)
