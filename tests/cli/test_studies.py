"""`study` and `report`."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import fittingroom as fr
from fittingroom.cli.options import chosen_language
from fittingroom.cli.study_progress import standing_cells, those_that_fit
from fittingroom.studies.reading import plan_of
from fittingroom.studies.watch import Standing


class Result(NamedTuple):
    code: int
    out: str
    err: str


Cli = Callable[..., Result]
Command = Callable[..., subprocess.Popen[str]]

PLAN = """
title = { en = "Two rates", ko = "두 학습률" }
seeds = 2

[base]
model = "two-layer"
epochs = 3
batch_size = 32

[settings."느리게"]
lr = 0.00001

[settings."빠르게"]
lr = 0.01

[[claims]]
id = "faster"
kind = "better"
pairs = [["빠르게", "느리게"]]
text = { en = "The higher rate is better.", ko = "높은 학습률이 더 낫습니다." }
"""


@pytest.fixture
def plan(isolated: Path) -> Path:
    """A study of two settings, with Korean names, as a file with a Korean name."""
    path = isolated / "학습률 비교.toml"
    path.write_text(PLAN, "utf-8")
    return path


@pytest.mark.parametrize(("words", "stacked"), [((), 2), (("--stack", 1), 1)])
def test_seeds_are_trained_at_once_unless_told_otherwise(
    words: tuple[object, ...], stacked: int, cli: Cli, plan: Path, shapes_folder: Path
) -> None:
    data = ("--data", shapes_folder, "--jobs", 1, "--no-report")
    assert cli("study", plan, *data, *words).code == 0
    study = fr.open_study("studies/학습률-비교")
    assert {run.record["stacked"] for run in study.runs.values()} == {stacked}


def test_a_study_is_done_told_and_written(cli: Cli, plan: Path, shapes_folder: Path) -> None:
    result = cli("study", plan, "--data", shapes_folder, "--jobs", 1, "--lang", "en")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "study 학습률 비교: 2 settings x 2 seeds = 4 runs"
    assert sum("/4  " in line for line in lines) == 4
    assert re.search(r"^ ?빠르게 +2 +\d+\.\d\d%", result.out, re.MULTILINE)
    assert "The higher rate is better." in result.out
    folder = Path("studies/학습률-비교")
    assert lines[-1] == f"everything lies in {folder}"
    assert "두 학습률" in (folder / "report.html").read_text("utf-8")
    assert fr.open_study(folder).finished


def test_a_study_as_json_is_one_document_of_its_results(
    cli: Cli, plan: Path, shapes_folder: Path
) -> None:
    words = ("--data", shapes_folder, "--jobs", 1, "--seeds", 3, "--no-report")
    result = cli("study", plan, *words, "--json")
    found = json.loads(result.out)
    study = fr.open_study(found["folder"])
    assert len(study.runs) == 6
    assert not (Path(found["folder"]) / "report.html").exists()
    assert json.loads(cli("study", plan, *words, "--json").out) == found


def test_quiet_is_quiet(cli: Cli, plan: Path, shapes_folder: Path) -> None:
    words = ("--data", shapes_folder, "--jobs", 1, "--no-report", "--quiet")
    assert cli("study", plan, *words) == (0, "", "")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("nope",), "unknown study 'nope'; known are notebook"),
        (("nope.toml",), "nope.toml: cannot be read: No such file or directory"),
        (("notebook", "--seeds", "0"), "Invalid value for '--seeds'"),
        (("notebook", "--jobs", "0"), "Invalid value for '--jobs'"),
        (("notebook", "--protocol", "x"), "protocol must be 'holdout' or 'notebook', found 'x'"),
        (("notebook", "--lang", "fr"), "unknown language 'fr'; known are en, ko"),
        (("notebook", "--data", "nowhere"), "nowhere"),
        (("notebook", "--device", "toaster", "--data", "sketches"), "unknown device 'toaster'"),
    ],
)
def test_what_cannot_be_studied_is_one_line_and_exit_code_2(
    cli: Cli, words: tuple[str, ...], complaint: str
) -> None:
    result = cli("study", *words)
    assert result.code == 2
    assert complaint in result.err
    assert len(result.err.splitlines()) == 1
    assert not Path("studies").exists()


def test_a_report_is_written_of_a_run_a_study_and_several_runs(
    cli: Cli, plan: Path, trained: Path, shapes_folder: Path
) -> None:
    cli("study", plan, "--data", shapes_folder, "--jobs", 1, "--quiet", "--no-report")
    study = Path("studies/학습률-비교")
    runs = sorted((study / "runs").iterdir())
    for words, expected in (
        (("latest",), trained / "report.html"),
        ((trained, "--format", "md"), trained / "report.md"),
        ((study, "--lang", "ko"), study / "report.html"),
        ((*runs, "-o", "나의 보고서.html"), Path("나의 보고서.html")),
    ):
        result = cli("report", *words)
        assert (result.code, result.err) == (0, ""), words
        assert result.out == f"report: {expected}\n"
        assert expected.is_file()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("latest",), "runs: no runs here yet"),
        (("nope",), "nope: no such run"),
        ((".",), "no such run"),
    ],
)
def test_what_cannot_be_reported_is_one_line_and_exit_code_2(
    cli: Cli, words: tuple[str, ...], complaint: str
) -> None:
    result = cli("report", *words)
    assert (result.code, result.out) == (2, "")
    assert complaint in result.err
    assert len(result.err.splitlines()) == 1


def test_a_report_in_an_unknown_format_or_place_is_refused(cli: Cli, trained: Path) -> None:
    for words, complaint in (
        (("--format", "pdf"), "pdf"),
        (("-o", "nowhere/report.html"), "nowhere"),
        (("--data", "nowhere"), "nowhere"),
    ):
        result = cli("report", trained, *words)
        assert result.code == 2, words
        assert complaint in result.err
        assert len(result.err.splitlines()) == 1


def test_training_writes_the_report_unless_told_not_to(cli: Cli, shapes_folder: Path) -> None:
    words = ("train", "--data", shapes_folder, "--epochs", 1, "--no-figures")
    cli(*words, "--name", "with")
    cli(*words, "--name", "without", "--no-report")
    assert Path("runs/with/report.html").is_file()
    assert not Path("runs/without/report.html").exists()


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LC_ALL": "", "LC_MESSAGES": "ko_KR", "LANG": "en_US"}, "ko"),
        ({}, "en"),
    ],
)
def test_the_terminals_language_is_the_reports(
    environment: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert chosen_language(None) == language
    assert chosen_language("en") == "en"


def standing(
    name: str, accuracies: tuple[float, ...], running: int = 0, failed: int = 0
) -> Standing:
    setting = plan_of({"settings": {name: {}}}).settings[0]
    return Standing(setting, accuracies, running, failed, total=3)


def test_the_live_table_says_done_running_mean_and_half_its_interval() -> None:
    assert standing_cells(standing("a", ())) == ["a", "0/3", "", "-"]
    assert standing_cells(standing("a", (0.9,), running=1)) == ["a", "1/3", "1", "90.00%"]
    cells = standing_cells(standing("a", (0.8, 0.9), failed=1))
    assert cells == ["a", "3/3 (1 diverged)", "", "85.00% ± 63.53"]  # t = 12.706 at one degree


def test_a_low_terminal_shows_the_settings_that_are_being_worked_on() -> None:
    done, waiting = standing("done", (0.5, 0.5, 0.5)), standing("waiting", ())
    running = standing("running", (0.5,), running=1)
    assert those_that_fit([done, waiting, running], 3) == [done, waiting, running]
    assert those_that_fit([done, waiting, running], 2) == [waiting, running]
    assert those_that_fit([done, waiting, running], -4) == [running]


@pytest.mark.slow
def test_the_real_command_shares_the_work_among_processes(
    command: Command, plan: Path, shapes_folder: Path
) -> None:
    process = command("study", plan, "--data", shapes_folder, "--jobs", 2, LANG="ko_KR.UTF-8")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert "높은 학습률이 더 낫습니다." in out
    assert 'lang="ko"' in Path("studies/학습률-비교/report.html").read_text("utf-8")
