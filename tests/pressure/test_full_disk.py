"""A disk that is full at any one write: one line, nothing half-written, and the run goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FILLING = Path(__file__).with_name("filling.py")
FULL = "cannot be written: No space left on device"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("isolated"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="forks"),
]


def fill(data: Path, folder: Path, *sizes: str) -> list[list[object]]:
    folder.mkdir()
    words = [sys.executable, str(FILLING), str(data), str(folder), *sizes]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


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
    cases = fill(shapes_folder, tmp_path / "disk")
    assert len(cases) > 5
    assert {str(case[2]).split("/")[-1].split(":")[0] for case in cases} >= {
        "run.json",
        "history.jsonl",
        "checkpoint.safetensors",
        "model.safetensors",
        "predictions.npz",
    }
    check(cases, whole=True)


def test_so_it_is_on_small_disks_of_any_size(shapes_folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "try"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "none", place], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("only a system's administrator may mount a disk in memory")
    subprocess.run(["umount", place], check=True)
    check(fill(shapes_folder, tmp_path / "disk", "4", "120", "300", "4000"), whole=True)
