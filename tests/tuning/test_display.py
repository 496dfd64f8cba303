from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from tests.reports.planting_tuning import DIVERGED, plant_tuning, small_plan, trial_at

from fittingroom.errors import TuningError
from fittingroom.evaluation.evaluate import SKETCHES_NOTE
from fittingroom.tuning.display import draw_tuning, show_tuning
from fittingroom.tuning.tuning import Tuning

PLAN = small_plan(name="<b>rates</b>")
TRIALS = [
    trial_at(PLAN, 0, lr=0.0008, accuracy=0.87),
    trial_at(PLAN, 1, lr=0.00234567, accuracy=0.89),
    trial_at(PLAN, 2, "pruned", lr=0.0001, accuracy=0.5, curve=(0.5,)),
    trial_at(PLAN, 3, "failed", lr=0.09, reason=DIVERGED),
]
SCORES = {"start": (0.86, 0.861, 0.862), "best": (0.88, 0.881, 0.883)}


def root(tuning: Tuning) -> ET.Element:
    """Read what Jupyter shows, which must be well-formed."""
    return ET.fromstring(f"<div>{show_tuning(tuning)}</div>")  # noqa: S314 - our own


def rows(tuning: Tuning) -> list[list[str]]:
    return [["".join(cell.itertext()) for cell in row] for row in root(tuning).iter("tr")]


def words(tuning: Tuning) -> str:
    return " ".join(" ".join(root(tuning).itertext()).split())


def test_trials_are_counted_and_the_best_stand_first(tmp_path: Path) -> None:
    tuning = plant_tuning(tmp_path / "t", TRIALS, PLAN, sketches=True)
    said = words(tuning)
    assert said.startswith(SKETCHES_NOTE)
    assert "Tuning <b>rates</b> 4 trials: 2 complete, 1 failed, 1 pruned" in said
    assert rows(tuning) == [
        ["trial", "accuracy", "lr", "seconds"],
        ["1", "89.00%", "0.00235", "2.0"],
        ["0", "87.00%", "0.0008", "2.0"],
    ]
    assert "not been held against the start" in said


def test_a_winner_that_was_trained_again_is_named(tmp_path: Path) -> None:
    again = [replace(trial, accuracies=(0.86, 0.87)) for trial in TRIALS[:2]]
    tuning = plant_tuning(tmp_path / "t", TRIALS, PLAN, again=again)
    assert tuning.best is not None
    said = f"the winner, trial {tuning.best.number}: {tuning.best.mean:.2%}, mean of 3 seeds"
    assert said in words(tuning)


def test_the_final_is_shown_with_its_difference(tmp_path: Path) -> None:
    tuning = plant_tuning(tmp_path / "t", TRIALS, PLAN, final=SCORES)
    assert [row[:3] for row in rows(tuning)[-2:]] == [
        ["best", "3", "88.13%"],
        ["start", "3", "86.10%"],
    ]
    assert "best - start: +2.03 points (95% interval" in words(tuning)


def test_without_a_complete_trial_it_says_so(tmp_path: Path) -> None:
    tuning = plant_tuning(tmp_path / "t", TRIALS[2:], PLAN)
    assert "no trial is complete yet" in words(tuning)
    with pytest.raises(TuningError, match="no trial of this tuning is complete"):
        draw_tuning(tuning)


def test_drawn_it_is_the_history(tmp_path: Path) -> None:
    figure = draw_tuning(plant_tuning(tmp_path / "t", TRIALS, PLAN))
    assert isinstance(figure, Figure)
    assert "shapes, 500 validation pictures" in figure.texts[1].get_text()
