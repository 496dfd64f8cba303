from __future__ import annotations

from pathlib import Path

import pytest
from tests.reports.planting_tuning import plant_tuning, small_plan, trial_at

from fittingroom.reports import repeat_tuning as repeat


def test_commands_name_the_folder_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = small_plan(objective="accuracy-seconds")
    trials = [trial_at(plan, 0, lr=0.002, accuracy=0.9)]
    tuning = plant_tuning(Path("tunings/my rates"), trials, plan)
    typed = dict(repeat.commands(tuning))
    assert typed["tuning.repeat.tune"] == "fittingroom tune three-layer --name 'rates'"
    train = "fittingroom train --recipe 'tunings/my rates/best.toml' --data path/to/shapes"
    assert typed["tuning.repeat.train"] == train
    assert "tuning.repeat.study" not in typed
    (tuning.folder / "front.toml").touch()
    study = "fittingroom study 'tunings/my rates/front.toml' --data path/to/shapes"
    assert dict(repeat.commands(tuning))["tuning.repeat.study"] == study
    assert repeat.final_command(tuning) == "fittingroom report 'tunings/my rates/final'"


def test_the_program_reads_the_numbers(tmp_path: Path) -> None:
    plan = small_plan()
    trials = [trial_at(plan, 0, lr=0.002, accuracy=0.9)]
    scores = {"start": (0.8, 0.8, 0.81), "best": (0.9, 0.9, 0.91)}
    tuning = plant_tuning(tmp_path / "t", trials, plan, final=scores)
    code = repeat.python(tuning).replace("path/to", str(tmp_path))
    exec(compile(code, "program", "exec"), {})  # noqa: S102 - what the report prints
    assert [name for name, _ in repeat.files(tuning)] == [
        "tuning.json",
        "trials.jsonl",
        "best.toml",
        "final/",
    ]


def test_without_a_winner_there_is_less_to_type(tmp_path: Path) -> None:
    tuning = plant_tuning(tmp_path / "t", [], small_plan())
    assert [key for key, _ in repeat.commands(tuning)] == ["tuning.repeat.tune"]
    assert "best" not in repeat.python(tuning)
