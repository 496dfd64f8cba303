from __future__ import annotations

from pathlib import Path

import pytest
from tests.reports.charts.conftest import Read
from tests.reports.planting_tuning import plant_tuning, small_plan, trial_at

from fittingroom.reports.charts import trial_front
from fittingroom.reports.charts.front import draw
from fittingroom.tuning.tuning import Tuning

PLAN = small_plan(objective="accuracy-seconds")
# Seconds and accuracy; the first, third and fourth are on the front.
POINTS = [(1.0, 0.85), (1.5, 0.84), (2.0, 0.88), (9.0, 0.90), (9.5, 0.1)]


def planted(folder: Path) -> Tuning:
    trials = [
        trial_at(PLAN, n, lr=0.001 * (n + 1), accuracy=accuracy, seconds=seconds)
        for n, (seconds, accuracy) in enumerate(POINTS)
    ]
    pruned = trial_at(PLAN, 9, "pruned", lr=0.02, accuracy=0.95, curve=(0.95,))
    return plant_tuning(folder / "t", [*trials, pruned], PLAN)


@pytest.mark.parametrize("width", [720.0, 340.0])
def test_the_front_has_shapes_of_its_own(tmp_path: Path, width: float) -> None:
    marks = draw(planted(tmp_path), width).marks
    dots = [mark for mark in marks if mark.tag == "circle" and mark.tip is not None]
    diamonds = [mark for mark in marks if mark.tag == "polygon" and mark.tip is not None]
    assert (len(diamonds), len(dots)) == (3, 1)  # the one that learned nothing is off the scale


def test_each_trial_says_its_time(tmp_path: Path, read: Read) -> None:
    _, words = read(trial_front(planted(tmp_path)))
    assert "trial 2: 88.00%, 2.0 s" in words
    assert "trial 9" not in words


def test_one_trial_alone_is_a_front(tmp_path: Path, read: Read) -> None:
    tuning = plant_tuning(tmp_path / "t", [trial_at(PLAN, 0, lr=0.001, accuracy=0.9)], PLAN)
    _, words = read(trial_front(tuning))
    assert "trial 0: 90.00%, 2.0 s" in words
