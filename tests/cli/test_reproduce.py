"""`reproduce`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Result

import fittingroom as fr
from fittingroom.runs import folder as files

Cli = Callable[..., Result]


def test_a_run_of_the_command_line_is_identical_from_there_and_from_python(
    cli: Cli, trained: Path
) -> None:
    result = cli("reproduce", "latest")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["data:", "model:", "epoch", "epoch"]
    assert lines[5] == "identical: weights, history and predictions are equal bit for bit"
    assert fr.reproduce(trained).verdict == "identical"


def test_as_json_it_is_nothing_else_on_the_standard_output(cli: Cli, trained: Path) -> None:
    copy = shutil.copy(trained / files.RECORD, "copy.json")
    shutil.rmtree(trained)
    found = json.loads(cli("reproduce", copy, "--json").out)
    assert found["verdict"] == "identical"
    assert found["accuracies"][0] == found["accuracies"][1]


def test_a_different_one_is_exit_code_1_and_says_where_the_repetition_lies(
    cli: Cli, trained: Path
) -> None:
    path = trained / files.RECORD
    record = json.loads(path.read_text("utf-8"))
    record["environment"]["cpu"] = "Another CPU"
    record["recipe"] |= {"lr": 1e-9, "seed": 3}
    files.write_record(path, record)
    result = cli("reproduce", trained.name, "--out", "again")
    assert (result.code, result.err) == (1, "")
    assert "\ndifferent: the accuracy is another, by more than" in result.out
    assert "\n  CPU: Another CPU, now " in result.out
    assert result.out.splitlines()[-1] == f"the repetition lies in {Path('again') / trained.name}"
    assert fr.open_run(trained.name, runs="again").status == "finished"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("nowhere",), "nowhere: no such run"),
        (("latest", "--device", "gpu"), "unknown device 'gpu'"),
        (("latest", "--data", "nowhere"), "nowhere: no such file or folder"),
    ],
)
def test_what_cannot_be_repeated_is_one_line_and_exit_code_2(
    cli: Cli, trained: Path, words: tuple[str, ...], complaint: str
) -> None:
    result = cli("reproduce", *words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"fittingroom: {complaint}")
    assert result.err.count("\n") == 1
