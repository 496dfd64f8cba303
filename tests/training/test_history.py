"""Records of epochs, and the pace at which a run goes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from fittingroom.training import history
from fittingroom.training.course import Course
from fittingroom.training.history import Epoch, Pace, best_epoch
from fittingroom.training.recipe import Recipe

RECORD = Epoch(1, 0.5, 0.75, 0.625, 0.8, 0.001, 1.5)


class Clock:
    """Stands where it is put."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(history, "time", clock)
    return clock


@pytest.mark.parametrize(
    "record", [RECORD, replace(RECORD, validation_loss=None, validation_accuracy=None)]
)
def test_a_record_survives_json(record: Epoch) -> None:
    assert Epoch.from_dict(json.loads(json.dumps(record.to_dict()))) == record


@pytest.mark.parametrize(
    ("accuracies", "best"),
    [([0.5], 1), ([0.5, 0.7, 0.6], 2), ([0.5, 0.7, 0.7], 2), ([0.0, 0.0], 1), ([0.1, 0.2], 2)],
)
def test_the_best_epoch_is_the_earliest_of_equals(accuracies: list[float], best: int) -> None:
    records = [
        replace(RECORD, epoch=number, validation_accuracy=accuracy)
        for number, accuracy in enumerate(accuracies, 1)
    ]
    assert best_epoch(records) is records[best - 1]


def test_updates_are_due_ten_times_a_second_at_most(clock: Clock) -> None:
    pace = Pace(Course(1000, Recipe(epochs=2, batch_size=10)))
    due = []
    for _ in range(100):
        clock.now += 0.03
        due.append(pace.step_is_due())
    assert due == [False, False, False, True] * 25


def test_progress_extrapolates_the_steps_done_so_far(clock: Clock) -> None:
    pace = Pace(Course(200, Recipe(epochs=3, batch_size=20)))
    for _ in range(14):
        clock.now += 0.5
        pace.step_is_due()
    progress = pace.progress(epoch=2, step=4, loss=1.25)
    assert (progress.epoch, progress.epochs, progress.step, progress.steps) == (2, 3, 4, 10)
    assert progress.images_per_second == pytest.approx(20 / 0.5)
    assert progress.seconds_left == pytest.approx(16 * 0.5)
    assert (progress.loss, progress.finished) == (1.25, None)


def test_short_epochs_and_runs_at_once_are_counted_as_they_are(clock: Clock) -> None:
    pace = Pace(Course(200, Recipe(epochs=3, batch_size=20, hard_share=0.3)), runs=4)
    for _ in range(10):
        clock.now += 0.5
        pace.step_is_due()
    progress = pace.progress(epoch=1, step=10, loss=1.25)
    assert (progress.step, progress.steps) == (10, 10)
    assert progress.images_per_second == pytest.approx(4 * 20 / 0.5)
    assert progress.seconds_left == pytest.approx((3 + 3) * 0.5)
    assert pace.progress(epoch=3, step=1, loss=1.25).steps == 3
    assert pace.progress(epoch=3, step=1, loss=1.25).seconds_left == pytest.approx(2 * 0.5)


def test_at_the_end_no_time_is_left(clock: Clock) -> None:
    pace = Pace(Course(20, Recipe(epochs=1, batch_size=20)))
    clock.now += 2
    pace.step_is_due()
    assert pace.progress(epoch=1, step=1, loss=0.0).seconds_left == 0


def test_a_clock_too_coarse_for_the_steps_divides_by_nothing(clock: Clock) -> None:
    pace = Pace(Course(40, Recipe(epochs=1, batch_size=20)))
    assert pace.progress(epoch=1, step=0, loss=0.0).seconds_left == 0
    pace.step_is_due()
    assert pace.progress(epoch=1, step=1, loss=0.0).images_per_second > 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"epoch": "1"},
        {"epoch": True},
        {"epoch": 0},
        {"train_loss": "0.5"},
        {"train_loss": 10**400},
        {"train_accuracy": None},
        {"validation_accuracy": [0.5]},
        {"seconds": False},
        {"more": 1},
    ],
)
def test_a_record_of_anything_but_numbers_is_refused_when_it_is_read(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        Epoch.from_dict({**RECORD.to_dict(), **wrong})
