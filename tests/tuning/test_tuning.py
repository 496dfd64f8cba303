"""What is computed of trials that are there, and what is refused of a damaged folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.tuning.conftest import Planted

import fittingroom as fr
from fittingroom.errors import TuningError
from fittingroom.runs import folder as files
from fittingroom.tuning.plan import TuningPlan
from fittingroom.tuning.tuning import FORMAT, Tuning, plan_values, write_trials

DATA: dict[str, Any] = {
    "name": "shapes",
    "source": "made for a test",
    "fingerprint": "ab" * 32,
    "sketches": False,
    "classes": ["left", "right"],
    "image_shape": [1, 8, 8],
    "train": 200,
    "validation": 40,
    "test": 80,
}


def write(folder: Path, plan: TuningPlan, trials: Any = (), changes: Any = None) -> Path:
    """Write a tuning's folder."""
    record = {"format": FORMAT, "plan": plan_values(plan), "data": DATA, "environment": {}}
    files.write_record(folder / "tuning.json", record | (changes or {}))
    write_trials(folder / "trials.jsonl", trials)
    return folder


def test_the_best_is_the_first_of_the_highest(plan: TuningPlan, planted: Planted) -> None:
    trials = [
        planted(0, accuracy=0.5),
        planted(3, accuracy=0.9),
        planted(1, accuracy=0.9),
        planted(2, accuracy=0.99, state="pruned"),
        planted(4, accuracy=None, state="failed", reason="diverged"),
    ]
    tuning = Tuning(Path(), {}, plan, trials)
    assert tuning.best is not None
    assert tuning.best.number == 1
    assert [trial.number for trial in tuning.trials] == [0, 1, 2, 3, 4]
    assert tuning.front == (tuning.best,)
    assert Tuning(Path(), {}, plan, trials[4:]).best is None
    assert Tuning(Path(), {}, plan, trials[4:]).front == ()


def test_the_front_holds_what_none_beats_in_both(plan: TuningPlan, planted: Planted) -> None:
    points = [(1.0, 0.5), (2.0, 0.5), (2.0, 0.8), (3.0, 0.7), (4.0, 0.9), (1.0, 0.4)]
    trials = [planted(n, seconds=s, accuracy=a) for n, (s, a) in enumerate(points)]
    two = replace(plan, objective="accuracy-seconds")
    front = Tuning(Path(), {}, two, trials).front
    assert [trial.number for trial in front] == [0, 2, 4]


def test_epochs_are_added_up_and_what_was_not_trained_is_saved(
    plan: TuningPlan, planted: Planted
) -> None:
    trials = [planted(0), planted(1, state="pruned", epochs=1), planted(2, epochs=0)]
    tuning = Tuning(Path(), {}, plan, trials)
    assert (tuning.epochs_trained, tuning.epochs_saved) == (4, 2)


def test_a_folder_is_read_back(tmp_path: Path, plan: TuningPlan, planted: Planted) -> None:
    trials = [planted(0, curve=(0.1, 0.2), accuracies=(0.5,)), planted(4, {"lr": 0.01})]
    found = fr.open_tuning(write(tmp_path, plan, trials))
    assert found.trials == tuple(trials)
    assert found.plan == plan
    assert found.final is None
    assert repr(found) == "<Tuning two-layer: 2 trials, best 50.00%>"


def test_a_tuning_that_has_just_begun_has_no_trials(tmp_path: Path, plan: TuningPlan) -> None:
    write(tmp_path, plan)
    (tmp_path / "trials.jsonl").unlink()
    found = fr.open_tuning(tmp_path)
    assert (found.trials, found.best, found.importance) == ((), None, {})


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"format": "fittingroom-tuning/9"}, "a tuning of another version"),
        ({"plan": 3}, "the tuning's record is damaged: plan"),
        ({"plan": {"name": "x"}}, "the plan is damaged: start"),
        ({"data": {}}, "the tuning's record is damaged: data.name"),
    ],
)
def test_a_damaged_record_is_one_line(
    changes: dict[str, Any], complaint: str, tmp_path: Path, plan: TuningPlan
) -> None:
    write(tmp_path, plan, changes=changes)
    with pytest.raises(TuningError) as caught:
        fr.open_tuning(tmp_path)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["{", "3", '{"number": 0}', "\xff"])
def test_damaged_trials_are_one_line(text: str, tmp_path: Path, plan: TuningPlan) -> None:
    write(tmp_path, plan)
    (tmp_path / "trials.jsonl").write_bytes(text.encode("latin-1"))
    with pytest.raises(TuningError, match="the trials cannot be read") as caught:
        fr.open_tuning(tmp_path)
    assert "\n" not in str(caught.value)


def test_no_tuning_is_told(tmp_path: Path) -> None:
    with pytest.raises(TuningError, match=r"no tuning here: expected a folder with tuning.json"):
        fr.open_tuning(tmp_path)
    (tmp_path / "tuning.json").write_text("no JSON", "utf-8")
    with pytest.raises(TuningError, match="the tuning's record cannot be read"):
        fr.open_tuning(tmp_path)
