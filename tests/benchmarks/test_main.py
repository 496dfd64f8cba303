"""The command measures a row, goes on with it, and knows what it cannot measure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import rows

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, str(BENCHMARKS), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )


def test_an_unknown_row_is_refused_with_the_known_ones() -> None:
    done = bench("row-a")
    assert done.returncode == 2
    assert "unknown row 'row-a'; known are study-of-seeds, one-run" in done.stderr


def test_every_file_of_rows_is_listed() -> None:
    files = {path.stem for path in (BENCHMARKS / "rows").glob("*.py")} - {"__init__"}
    assert files <= vars(rows).keys()
    listed = list(rows.ROWS.values())
    for name in files:
        found = vars(vars(rows)[name])
        ours = [found["ROW"]] if "ROW" in found else found["ROWS"]
        assert all(row in listed for row in ours), name


@pytest.mark.slow
def test_a_row_works_on_a_few_sketches() -> None:
    done = bench("--tiny", "one-run", "evaluation-three-layer")
    assert done.returncode == 0, done.stderr
    assert "notebook's loop / this:" in done.stdout
    assert "the built-in sketches, not Fashion-MNIST" in done.stdout


@pytest.mark.slow
def test_ways_of_tuning_work_on_a_few_sketches() -> None:
    done = bench("--tiny", "tuning")
    assert done.returncode == 0, done.stderr
    for way in ("random search", "the notebook's rates", "fittingroom"):
        assert f"    {way} " in done.stdout
