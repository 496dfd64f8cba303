"""Turns are taken A B A B, kept at once, and gone on with."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import turns
from row import MACHINE, Row, Size, Turn
from turns import Shelf, TurnError, as_json, run_program, take_turns

OTHERS = Size(1)
ROW = Row("a-row", "a row", {"A": lambda _: {}, "B": lambda _: {}}, OTHERS, OTHERS, OTHERS, "A")


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The turns as they are taken; nothing is really run."""
    order: list[tuple[str, int]] = []

    def run(arguments: list[str], log: Path, shown: dict[str, str] | None) -> dict[str, Any]:
        way, turn = arguments[2], json.loads(arguments[3])
        order.append((way, turn["seed"]))
        return {"seconds": 1.0 + turn["seed"]}

    monkeypatch.setattr(turns, "run_program", run)
    monkeypatch.setattr(turns, "busy_cores", lambda: 0.0)
    return order


def take(size: Size, shelf: Shelf, row: Row = ROW, deadline: float | None = None) -> Any:
    return take_turns(row, size, shelf, deadline, lambda _: None)


def test_ways_take_turns(tmp_path: Path, taken: list[tuple[str, int]]) -> None:
    found = take(Size(2), Shelf(tmp_path, "a-row", {}))
    assert taken == [("A", 0), ("B", 0), ("A", 1), ("B", 1)]
    assert [kept.found["seconds"] for kept in found["B"]] == [1.0, 2.0]


def test_what_is_there_is_not_measured_again(tmp_path: Path, taken: list[tuple[str, int]]) -> None:
    take(Size(1), Shelf(tmp_path, "a-row", {"epochs": 3}))
    taken.clear()
    assert len(take(Size(2), Shelf(tmp_path, "a-row", {"epochs": 3}))["A"]) == 2
    assert taken == [("A", 1), ("B", 1)]


def test_another_setup_is_measured_anew(tmp_path: Path, taken: list[tuple[str, int]]) -> None:
    take(Size(1), Shelf(tmp_path, "a-row", {"epochs": 3}))
    take(Size(1), Shelf(tmp_path, "a-row", {"epochs": 15}))
    assert taken == [("A", 0), ("B", 0)] * 2


def test_a_slow_reference_and_the_machine_take_fewer_turns(
    tmp_path: Path, taken: list[tuple[str, int]]
) -> None:
    row = Row("a-row", "", {**ROW.ways, MACHINE: lambda _: {}}, OTHERS, OTHERS, OTHERS, "A")
    take(Size(5, references=1), Shelf(tmp_path, "a-row", {}), row)
    assert [sum(way == name for way, _ in taken) for name in row.ways] == [1, 5, 3]


def test_time_that_is_over_ends_it_and_the_next_call_goes_on(
    tmp_path: Path, taken: list[tuple[str, int]]
) -> None:
    shelf = Shelf(tmp_path, "a-row", {})
    assert take(Size(2), shelf, deadline=time.monotonic() - 1) is None
    assert taken == []
    assert take(Size(2), shelf) is not None


def test_no_turn_is_begun_that_would_not_end_in_time(
    tmp_path: Path, taken: list[tuple[str, int]]
) -> None:
    shelf = Shelf(tmp_path, "a-row", {})
    for seed, way in ((0, "A"), (0, "B")):
        shelf.keep(way, seed, 0.0, {"process_seconds": 1000.0})
    assert take(Size(3), shelf, deadline=time.monotonic() + 10) is None
    assert taken == [("A", 1)]  # the first is always begun, or it would never be


def test_an_unfinished_turn_keeps_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: list[tuple[str, int]]
) -> None:
    shelf = Shelf(tmp_path, "a-row", {})
    monkeypatch.setattr(turns, "run_program", lambda *_: {"unfinished": True})
    (shelf.folder("A", 0) / "checkpoint").touch()
    assert take(Size(1), shelf) is None
    assert (shelf.folder("A", 0) / "checkpoint").exists()
    assert shelf.find("A", 0) is None


def test_a_program_is_told_its_turn_and_its_last_line_counts(tmp_path: Path) -> None:
    turn = json.loads(as_json(Turn(3, tmp_path, {"epochs": 2}, 60.0)))
    assert turn == {
        "seed": 3,
        "folder": str(tmp_path),
        "options": {"epochs": 2},
        "seconds_left": 60.0,
    }
    noisy = ["-c", "print('noise'); print('{\"seconds\": 1}')"]
    assert run_program(noisy, tmp_path / "log") == {"seconds": 1}


def test_a_program_that_fails_says_why(tmp_path: Path) -> None:
    fails = ["-c", "import sys; sys.exit('no such recipe')"]
    with pytest.raises(TurnError, match="no such recipe"):
        run_program(fails, tmp_path / "log")
    assert (tmp_path / "log").read_text("utf-8") == "no such recipe\n"


def test_a_row_is_forgotten_when_asked(tmp_path: Path, taken: list[tuple[str, int]]) -> None:
    shelf = Shelf(tmp_path, "a-row", {})
    take(Size(1), shelf)
    shelf.clear()
    find: Callable[[str, int], object] = shelf.find
    assert find("A", 0) is None
