"""A disk that is full at any one write: one line, nothing half-written, and the run goes on."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.pressure.alone import printed_by

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("isolated"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="forks"),
]


def fill(script: str, data: Path, folder: Path, *sizes: str) -> list[list[object]]:
    folder.mkdir()
    printed = printed_by(script, data, folder, *sizes)
    return [json.loads(line) for line in printed.splitlines()]


def check(cases: list[list[object]], *, whole: bool) -> None:
    for _name, code, said, then, again, same, parts in cases:
        assert isinstance(said, str)
        assert (code, then, again, same, parts) == (0 if not said else 2, 0, "", True, [])
        assert said.count("\n") == bool(said)
        assert not said or ": No space left on device" in said
    assert not whole or [case[1] for case in cases] == [2] * (len(cases) - 1) + [0]


def test_at_each_write_a_full_disk_is_one_line_and_the_run_ends_as_if_there_had_been_room(
    shapes_folder: Path, tmp_path: Path
) -> None:
    cases = fill("filling", shapes_folder, tmp_path / "disk")
    assert len(cases) > 5
    assert {str(case[2]).split("/")[-1].split(":")[0] for case in cases} >= {
        "run.json",
        "history.jsonl",
        "checkpoint.safetensors",
        "model.safetensors",
        "predictions.npz",
    }
    check(cases, whole=True)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Where a disk in memory can be mounted."""
    place = tmp_path / "try"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "none", place], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("only a system's administrator may mount a disk in memory")
    subprocess.run(["umount", place], check=True)
    return tmp_path / "disk"


def test_so_it_is_on_small_disks_of_any_size(shapes_folder: Path, disk: Path) -> None:
    check(fill("filling", shapes_folder, disk, "4", "120", "300", "4000"), whole=True)


def test_whatever_else_writes_says_so_and_comes_to_the_same_once_there_is_room(
    shapes_folder: Path, disk: Path
) -> None:
    cases = fill("filling_others", shapes_folder, disk)
    assert {str(case[0]) for case in cases} == {
        *("study", "tune", "report", "export", "predict", "data")
    }
    for _name, _size, code, said, parts, then, again, same in cases:
        assert isinstance(said, str)
        assert said.startswith("fittingroom: ")
        assert said.count("\n") == 1
        assert re.search("No space left on device|disk is full|the disk has", said)
        assert (code, parts, then, same) == (2, [], 0, True), again
