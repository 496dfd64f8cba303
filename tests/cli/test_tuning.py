"""`tune`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Cli

import fittingroom as fr
from fittingroom.cli.tuning import command_line, read_time, read_vary
from fittingroom.cli.tuning_progress import caption, live_table, outcome
from fittingroom.errors import TuningError
from fittingroom.training.recipe import Recipe
from fittingroom.tuning.tuning import Trial
from fittingroom.tuning.watch import Snapshot

WORDS = ("--epochs", 2, "--vary", "lr=0.001,0.01", "--vary", "batch-size=16,32", "--jobs", 1)
FINAL = ("--final-seeds", 2)


def test_a_tuning_is_done_told_and_written(cli: Cli, shapes_folder: Path) -> None:
    result = cli("tune", "two-layer", "--data", shapes_folder, *WORDS, *FINAL, "--lang", "en")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "tuning two-layer: lr=0.001,0.01  batch_size=16,32"
    assert lines[1] == "4 trials, 1 seed each, of 2 epochs; judged on validation pictures"
    assert sum(bool(re.match(r"\d/4  lr=0\.0?01 ", line)) for line in lines) == 4
    assert lines[2] == "the best 3 are trained again with 2 more seeds each"
    assert sum(bool(re.match(r"finalist \d/3  lr=0\.0?01 ", line)) for line in lines) == 3
    assert re.search(r"finalist +first look +mean of 3 seeds +lowest +highest", result.out)
    assert "4 trials, 20 epochs trained" in result.out
    assert "The best of the tuning is better than the recipe it started from." in result.out
    assert f"fittingroom train --recipe {Path('tunings/two-layer/best.toml')}" in result.out
    assert lines[-1] == f"everything lies in {Path('tunings/two-layer')}"
    again = cli("tune", "two-layer", "--data", shapes_folder, *WORDS, *FINAL, "--lang", "en")
    news = ("/4  lr", "/3  lr", "seed")
    assert [line for line in lines if not any(word in line for word in news)] == [
        line for line in again.out.splitlines() if "seed" not in line
    ]


def test_a_tuning_as_json_is_one_document(cli: Cli, shapes_folder: Path) -> None:
    words = ("tune", "two-layer", "--data", shapes_folder, *WORDS, *FINAL, "--json", "--no-report")
    found = json.loads(cli(*words).out)
    tuning = fr.open_tuning(found["folder"])
    assert found["best"]["number"] == tuning.best.number  # type: ignore[union-attr]
    assert [one["number"] for one in found["finalists"]] == [t.number for t in tuning.finalists]
    assert {len(one["further"]) for one in found["finalists"]} == {2}
    assert len(found["trials"]) == 4
    assert {setting["name"] for setting in found["final"]["settings"]} <= {"start", "best"}
    assert json.loads(cli(*words).out) == found


def test_quiet_is_quiet(cli: Cli, shapes_folder: Path) -> None:
    words = ("--final-seeds", 0, "--quiet", "--no-report")
    assert cli("tune", "two-layer", "--data", shapes_folder, *WORDS, *words) == (0, "", "")


def test_a_file_says_what_to_tune(cli: Cli, shapes_folder: Path) -> None:
    Path("나의 튜닝.toml").write_text(
        'base = "notebook-two-layer"\nepochs = 1\nvary.lr = "0.001,0.01"\n', "utf-8"
    )
    words = ("--data", shapes_folder, "--final-seeds", 0, "--jobs", 1, "--no-report")
    result = cli("tune", "나의 튜닝.toml", *words, "--name", "둘")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[0] == "tuning 둘: lr=0.001,0.01"
    assert "the test set stays closed" in result.out
    assert fr.open_tuning("tunings/둘").plan.start == fr.recipe("notebook-two-layer", epochs=1)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "Missing argument"),
        (("nope",), "unknown network or recipe 'nope'"),
        (("two-layer", "--vary", "lr"), "--vary must be NAME=VALUES, e.g. lr=1e-4..1e-1:log"),
        (("two-layer", "--vary", "=1..2"), "--vary must be NAME=VALUES"),
        (("two-layer", "--vary", "lx=1..2"), "unknown parameter 'lx'; known are epochs"),
        (("two-layer", "--vary", "lr=1..0.1"), "the range 1..0.1 is empty"),
        (("two-layer", "--vary", "lr=0..1:log"), "must lie above zero"),
        (("two-layer", "--vary", "lr=1,2", "--vary", "lr=3,4"), "--vary names lr twice"),
        (("two-layer", "--time", "soon"), "--time must be like 90s, 30m, 2h or 1h30m"),
        (("two-layer", "--trials", "0"), "trials must be 1 to 100,000, found 0"),
        (("two-layer", "--jobs", "0"), "Invalid value for '--jobs'"),
        (("two-layer", "--objective", "x"), "unknown objective 'x'"),
        (("two-layer", "--seed", "3"), "a tuning has seeds of its own"),
        (("two-layer", "--protocol", "notebook"), "tuning would choose on the test set"),
        (("two-layer", "--lang", "fr"), "unknown language 'fr'"),
        (("two-layer", "--data", "nowhere"), "nowhere"),
        (("two-layer", "--storage", "secret"), "--storage: expected postgresql://USER@HOST"),
        (("two-layer", "--device", "toaster"), "unknown device 'toaster'"),
    ],
)
def test_what_cannot_be_tuned_is_one_line_and_exit_code_2(
    cli: Cli, words: tuple[str, ...], complaint: str, shapes_folder: Path
) -> None:
    more = () if "--data" in words else ("--data", shapes_folder)
    result = cli("tune", *words, *more)
    assert result.code == 2
    assert complaint in result.err
    assert len(result.err.splitlines()) == 1
    assert "secret" not in result.err
    assert not Path("tunings").exists()


def test_a_storage_that_is_down_is_one_line_without_the_password(
    cli: Cli, shapes_folder: Path
) -> None:
    pytest.importorskip("psycopg")
    address = "postgresql://me:secret@127.0.0.1:9/db"
    result = cli("tune", "two-layer", "--data", shapes_folder, *WORDS, "--storage", address)
    assert result.code == 2
    assert len(result.err.splitlines()) == 1
    assert "postgresql://me:***@127.0.0.1:9/db: " in result.err
    assert "refused" in result.err
    assert "secret" not in result.out + result.err
    assert not Path("tunings").exists()


def test_a_storage_elsewhere_keeps_the_trials(cli: Cli, shapes_folder: Path) -> None:
    words = ("--storage", "sqlite:///kept.db", "--final-seeds", 0, "--no-report")
    assert cli("tune", "two-layer", "--data", shapes_folder, *WORDS, *words).code == 0
    record = fr.open_tuning("tunings/two-layer").record
    assert (record["storage"], Path("kept.db").is_file()) == ("sqlite:///kept.db", True)
    assert "--storage sqlite:///kept.db" in record["command"]
    assert not Path("tunings/two-layer/trials.db").exists()


@pytest.mark.parametrize("words", [["--storage", "{}"], ["--storage={}"]])
def test_no_password_comes_into_the_command_that_is_kept(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "postgres://me:secret@host/db?password=secret"
    said = [word.format(address) for word in words]
    monkeypatch.setattr("sys.argv", ["fittingroom", "tune", "two-layer", *said])
    kept = command_line(address)
    assert "secret" not in kept
    assert "postgresql://me:***@host/db" in kept


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("90", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("1.5m", 90)],
)
def test_time_is_read_as_people_write_it(text: str, seconds: float) -> None:
    assert read_time(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "1d", "-3s", "1m2h", "1..2s", "h1"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(TuningError, match="--time must be like"):
        read_time(text)


def test_a_name_may_have_dashes_as_flags_have() -> None:
    assert read_vary(["batch-size=1,2", "lr=1..2"]) == {"batch_size": "1,2", "lr": "1..2"}


def trial(number: int, state: Any, accuracy: float | None, **fields: Any) -> Trial:
    return Trial(number, state, {"lr": 0.012345}, Recipe(epochs=5), accuracy, **fields)


def test_the_live_table_shows_the_best_and_who_is_running() -> None:
    from rich.console import Console

    trials = (
        trial(0, "complete", 0.9, curve=(0.5, 0.6, 0.7, 0.8, 0.9)),
        trial(1, "pruned", 0.3, curve=(0.3,)),
        trial(2, "failed", None, reason="diverged"),
        trial(3, "running", 0.4, curve=(0.2, 0.4)),
    )
    snapshot = Snapshot(trials, 10, 65.0, ())
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(live_table(snapshot, 20))
    shown = console.export_text()
    console.file.close()
    assert re.search(r"best +0 +0.0123 +5/5 +90.00%", shown)
    assert re.search(r"running +3 +0.0123 +2/5 +40.00%", shown)
    said = "3 of 10 trials done, 1 stopped early, 1 failed; about 1:05 left"
    assert said in " ".join(shown.split())
    assert live_table(snapshot, 1).row_count == 1
    assert caption(Snapshot((), float("inf"), None, ())) == "0 trials done"


def test_outcomes_are_told_in_a_few_words() -> None:
    assert outcome(trial(0, "complete", 0.9)) == "90.00%"
    assert outcome(trial(0, "pruned", 0.3, curve=(0.3,))) == "30.00% (stopped after 1)"
    assert outcome(trial(0, "failed", None, reason="it diverged")) == "failed: it diverged"


def test_a_second_look_at_the_best_is_called_that() -> None:
    trial = Trial(0, "complete", {"lr": 0.001}, Recipe(lr=0.001), accuracy=0.5)
    assert caption(Snapshot((trial,), 3, None, (), of_finalists=True)) == (
        "1 of 3 finalists trained again"
    )
