"""`verify`: what a person reads, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

from fittingroom.runs import folder as files


def test_what_is_whole_is_listed(cli: Cli, trained: Path) -> None:
    done = cli("verify")
    assert (done.code, done.out) == (0, f"{trained}: whole\n")
    assert cli("verify", str(trained)).out == done.out
    assert json.loads(cli("verify", "--json").out) == {str(trained): []}


def test_what_is_damaged_is_named_one_line_each_with_what_to_do(cli: Cli, trained: Path) -> None:
    (trained / files.MODEL).write_bytes(b"")
    (trained / "figures" / "samples.png").unlink(missing_ok=True)
    (trained / files.PREDICTIONS).unlink()
    done = cli("verify")
    assert done.code == 1
    assert done.err == ""
    lines = done.out.splitlines()
    assert {line.partition(": ")[0] for line in lines} >= {
        str(trained / files.MODEL),
        str(trained / files.PREDICTIONS),
    }
    assert all(line.endswith("put back a copy of it, or train the run again") for line in lines)
    assert cli("verify", "--json").code == 1


def test_a_damaged_record_leaves_the_other_runs_whole(cli: Cli, trained: Path) -> None:
    other = trained.parent / "other"
    other.mkdir()
    (other / files.RECORD).write_text("{", "utf-8")
    done = cli("verify")
    assert done.code == 1
    assert f"{trained}: whole" in done.out.splitlines()
    assert f"{other / files.RECORD}: the run's record cannot be read" in done.out


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_a_place_with_nothing_to_look_at_is_refused(cli: Cli, place: str) -> None:
    done = cli("verify", place)
    assert done.code == 2
    assert done.err == (
        f"fittingroom: {place}: expected the folder of a run, a study, or of several\n"
    )


def test_where_there_is_nothing_at_all_it_says_so(cli: Cli) -> None:
    done = cli("verify")
    assert (done.code, done.out) == (
        0,
        "nothing to look at: no runs, no studies, no downloaded data\n",
    )
