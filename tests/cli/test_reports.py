"""`report`, of a tuning; of runs and studies see the tests of `train` and `study`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Result
from tests.reports.planting_tuning import plant_tuning, small_plan, trial_at

Cli = Callable[..., Result]


def test_a_tuning_s_folder_gets_its_report(cli: Cli) -> None:
    plan = small_plan()
    plant_tuning(Path("tunings/rates"), [trial_at(plan, 0, lr=0.002, accuracy=0.9)], plan)
    found = cli("report", "tunings/rates", "--lang", "ko")
    assert (found.code, found.err) == (0, "")
    assert found.out == "report: tunings/rates/report.html\n"
    page = Path("tunings/rates/report.html").read_text("utf-8")
    assert "<title>rates 튜닝</title>" in page


def test_a_damaged_tuning_is_one_line_and_leaves_no_report(cli: Cli) -> None:
    plan = small_plan()
    tuning = plant_tuning(Path("tunings/rates"), [], plan)
    (tuning.folder / "trials.jsonl").write_text("{", "utf-8")
    found = cli("report", "tunings/rates")
    assert found.code == 2
    assert found.err.count("\n") == 1
    assert "trials.jsonl: the trials cannot be read" in found.err
    assert not (tuning.folder / "report.html").exists()
