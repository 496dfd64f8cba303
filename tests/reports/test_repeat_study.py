from __future__ import annotations

import ast
import shlex
from pathlib import Path

from tests.reports.planting import BAD, GOOD, plant_study

from fittingroom.reports import repeat_study

ACCURACIES = {"good": GOOD[:2], "bad": BAD[:2]}


def test_the_command_is_the_one_that_was_typed_or_would_do_the_same(tmp_path: Path) -> None:
    study = plant_study(tmp_path, ACCURACIES, name="mine")
    words = shlex.split(repeat_study.command(study))
    assert words[:3] == ["fittingroom", "study", "mine.toml"]
    assert words[-2:] == ["--seeds", "2"]
    study.record["command"] = "fittingroom study mine.toml --jobs 2"
    assert repeat_study.command(study) == "fittingroom study mine.toml --jobs 2"


def test_runs_that_were_gathered_are_named_without_where_they_lie(tmp_path: Path) -> None:
    study = plant_study(tmp_path, ACCURACIES, in_memory=True)
    words = shlex.split(repeat_study.command(study))
    assert words[:2] == ["fittingroom", "report"]
    assert words[2] == "path/to/good-seed0"
    assert len(words) == 2 + 4
    assert repeat_study.python(study) == ""
    assert "study.json" not in dict(repeat_study.files(study))


def test_the_program_is_python_and_names_no_place_of_this_machine(tmp_path: Path) -> None:
    study = plant_study(tmp_path, ACCURACIES)
    program = repeat_study.python(study)
    ast.parse(program)
    assert str(tmp_path) not in program
    assert "runs/…/predictions.npz" in dict(repeat_study.files(study))
