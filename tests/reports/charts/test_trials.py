from __future__ import annotations

import pytest
from tests.reports.planting_tuning import small_plan, trial_at

from fittingroom.reports.charts.drawing import Drawing
from fittingroom.reports.charts.frame import Scale
from fittingroom.reports.charts.trials import MOST_TIPS, Plot, accuracy_ends, draw_trials, keys
from fittingroom.tuning.tuning import Trial

PLAN = small_plan()


def trial(number: int, accuracy: float | None, state: str = "complete") -> Trial:
    return trial_at(PLAN, number, state, lr=0.001, accuracy=accuracy)


GOOD = [trial(n, 0.88 + n / 1000) for n in range(8)]
LOST = trial(8, 0.1)


def drawn(trials: list[Trial], winner: Trial | None = None) -> list[str]:
    """Return the tags of the marks, in the order in which they are drawn."""
    drawing = Drawing(100, 100)
    plot = Plot.within(accuracy_ends(trials), Scale(0, 10, 0, 100), 0, 100)
    draw_trials(drawing, plot, trials, lambda trial: trial.number, winner)
    return [mark.tag for mark in drawing.marks]


def test_a_trial_that_learned_nothing_does_not_press_the_others_together() -> None:
    ends = accuracy_ends([*GOOD, LOST])
    assert 0.8 < ends.low < 0.88
    assert ends.strip
    assert ends.below(LOST)
    assert not any(map(ends.below, GOOD))


def test_without_such_trials_there_is_no_strip() -> None:
    ends = accuracy_ends(GOOD)
    assert not ends.strip
    assert ends.low < 0.88 < 0.887 < ends.high


@pytest.mark.parametrize("accuracy", [0.0, 0.5, 1.0])
def test_a_single_trial_has_a_scale_within_what_an_accuracy_can_be(accuracy: float) -> None:
    ends = accuracy_ends([trial(0, accuracy)])
    assert 0 <= ends.low < ends.high <= 1
    assert ends.low <= accuracy <= ends.high


def test_a_failed_trial_stands_in_the_strip_whatever_it_had_reached() -> None:
    failed = trial(9, 0.885, "failed")
    plot = Plot.within(accuracy_ends([*GOOD, failed]), Scale(0, 10, 0, 100), 0, 100)
    assert plot.frame.y.start < plot.y(failed) < plot.bottom == 100
    assert all(0 <= plot.y(trial) <= plot.frame.y.start for trial in GOOD)


def test_every_state_has_a_shape_of_its_own_and_the_winner_lies_on_top() -> None:
    trials = [trial(0, 0.9), trial(1, 0.88), trial(2, 0.87, "pruned"), trial(3, None, "failed")]
    running = trial(4, 0.5, "running")
    assert drawn([*trials, running], trials[0]) == ["path", "polygon", "circle", "polygon"]
    assert [key.kind for key in keys(trials)] == ["dot", "triangle", "cross", "star"]
    assert [key.kind for key in keys(trials[:1])] == ["dot", "star"]


def test_of_very_many_trials_no_tips_are_kept() -> None:
    many = [trial(n, 0.8) for n in range(MOST_TIPS + 1)]
    drawing = Drawing(100, 100)
    plot = Plot.within(accuracy_ends(many), Scale(0, len(many), 0, 100), 0, 100)
    draw_trials(drawing, plot, many, lambda trial: trial.number, None)
    assert {mark.tip for mark in drawing.marks} == {None}
