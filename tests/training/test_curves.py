from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fittingroom.training.curves import (
    MOST_MISTAKES,
    Curves,
    climb,
    fall,
    measure,
    mistake_ratio,
    rise,
)
from fittingroom.training.history import Epoch

FRACTION = st.floats(0, 1)
LOSSES = st.lists(st.floats(0, 100, width=32), min_size=3, max_size=30)


def history(
    losses: Sequence[float], accuracy: float = 0.9, validation: Sequence[float] = ()
) -> tuple[Epoch, ...]:
    unseen: list[float | None] = list(validation) or [None] * len(losses)
    return tuple(
        Epoch(number, loss, accuracy, held, None if held is None else 0.88, 0.001, 1.0)
        for number, (loss, held) in enumerate(zip(losses, unseen, strict=True), start=1)
    )


def test_numbers_of_a_curve_by_hand() -> None:
    found = measure(history([0.5, 0.4, 0.36, 0.324], accuracy=0.92), 0.88)
    assert found == pytest.approx(
        {
            "epochs": 4,
            "train_loss": 0.324,
            "train_accuracy": 0.92,
            "held_out_accuracy": 0.88,
            "gap": 0.04,
            "mistake_ratio": 1.5,
            "fall": 0.1,
            "climb": 0,
        }
    )


def test_validation_pictures_count_before_the_given_accuracy() -> None:
    found = measure(history([0.5, 0.4, 0.3], validation=[0.4, 0.3, 0.3]), 0.5)
    assert found["held_out_accuracy"] == 0.88


def test_climbs_are_added_up_against_the_way_down() -> None:
    assert climb(np.array([1.0, 0.5, 0.6, 0.4, 0.46])) == pytest.approx(0.16 / 0.6)
    assert climb(np.array([0.5, 0.6, 0.7])) == 1
    assert climb(np.array([0.5, 0.5, 0.5])) == 0


def test_rise_is_that_of_means_of_three() -> None:
    assert rise(np.array([0.6, 0.3, 0.3, 0.3, 0.33, 0.33, 0.33])) == pytest.approx(0.1)
    assert rise(np.array([0.6, 0.5, 0.4, 0.3])) == 0
    assert rise(np.array([0.0, 0.0, 0.0])) == 0
    assert rise(np.array([0.3, 0.4])) == 0


def test_one_bad_epoch_is_no_rise_of_ten_percent() -> None:
    assert rise(np.array([0.3, 0.3, 0.3, 0.3, 0.33])) < 0.05


def test_mistakes_by_hand_and_at_the_ends() -> None:
    assert mistake_ratio(0.9, 0.8) == pytest.approx(2)
    assert mistake_ratio(1.0, 0.9) == MOST_MISTAKES
    assert mistake_ratio(1.0, 1.0) == 0
    assert mistake_ratio(0.9, 1.0) == 0


@given(losses=LOSSES, accuracy=FRACTION, held_out=FRACTION)
def test_every_curve_has_numbers_that_json_can_hold(
    losses: list[float], accuracy: float, held_out: float
) -> None:
    found = measure(history(losses, accuracy), held_out)
    assert np.isfinite(list(found.values())).all()
    assert 0 <= found["mistake_ratio"] <= MOST_MISTAKES
    assert found["climb"] >= 0


@given(losses=LOSSES.filter(lambda losses: max(losses) > min(losses) + 1e-6))
def test_climb_does_not_depend_on_the_unit_of_the_loss(losses: list[float]) -> None:
    scaled = np.array(losses) * 8
    assert climb(scaled) == pytest.approx(climb(np.array(losses)))


@given(rate=st.floats(0.01, 0.5))
def test_fall_of_a_steady_curve_is_its_rate(rate: float) -> None:
    losses = np.array([0.7 * (1 - rate) ** epoch for epoch in range(6)])
    assert fall(losses) == pytest.approx(rate)


def test_short_curve_has_no_numbers() -> None:
    assert measure(history([0.5, 0.4]), None) == {"epochs": 2}
    assert measure((), None) == {"epochs": 0}


def test_curve_without_unseen_pictures_is_refused() -> None:
    with pytest.raises(ValueError, match="neither"):
        measure(history([0.5, 0.4, 0.3]), None)


def test_mean_leaves_out_seeds_that_are_too_short() -> None:
    runs = [history([0.5, 0.4, 0.3]), history([0.5]), history([0.5, 0.4, 0.2, 0.1])]
    curves = Curves(0.001, 4, runs, [0.8, 0.1, 0.9])
    assert curves.mean["held_out_accuracy"] == pytest.approx(0.85)
    assert curves.mean["epochs"] == 3.5
    assert curves.train_loss(3) == pytest.approx(0.25)
    assert curves.train_loss(9) == pytest.approx(0.2)


@pytest.mark.parametrize("held_out", [(), (0.8, 0.8)])
def test_seeds_and_accuracies_that_do_not_match_are_refused(held_out: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="got"):
        Curves(0.001, 3, [] if not held_out else [history([0.5, 0.4, 0.3])], held_out)
