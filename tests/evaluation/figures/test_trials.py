from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fittingroom.evaluation.figures import trial_history


@dataclass(frozen=True)
class Trial:
    number: int
    state: str
    accuracy: float | None


def values(data: Any) -> list[float]:
    """Return what a line is drawn through, along one axis."""
    return [float(value) for value in np.asarray(data)]


TRIALS = [
    Trial(0, "complete", 0.86),
    Trial(1, "pruned", 0.85),
    Trial(2, "complete", 0.84),
    Trial(3, "failed", None),
    Trial(4, "complete", 0.88),
    Trial(5, "complete", 0.1),
]


def test_each_state_has_its_marks_and_the_steps_are_the_best_so_far() -> None:
    figure = trial_history(TRIALS, data_name="pets")
    complete, pruned, failed, steps = figure.axes[0].lines
    assert values(complete.get_xdata()) == [0, 2, 4, 5]
    assert values(complete.get_ydata())[:3] == [0.86, 0.84, 0.88]
    assert values(pruned.get_ydata()) == [0.85]
    assert [complete.get_marker(), pruned.get_marker(), failed.get_marker()] == ["o", "v", "x"]
    assert values(steps.get_xdata()) == [0, 2, 4, 5, 5]
    assert values(steps.get_ydata()) == [0.86, 0.86, 0.88, 0.88, 0.88]


def test_a_trial_that_learned_nothing_stands_on_the_axis() -> None:
    axes = trial_history(TRIALS, data_name="pets").axes[0]
    floor, top = axes.get_ylim()
    assert 0.7 < floor < 0.84 < 0.88 < top
    complete, _, failed, _ = axes.lines
    assert values(complete.get_ydata())[-1] == floor
    assert values(failed.get_ydata()) == [floor]


def test_one_trial_alone_is_drawn() -> None:
    low, high = trial_history(TRIALS[:1], data_name="pets").axes[0].get_ylim()
    assert low < 0.86 < high
