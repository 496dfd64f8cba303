"""A program of this folder in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def printed_by(program: str, *words: object, cwd: Path | None = None) -> str:
    """Run `tests.pressure.PROGRAM` with these words; return what it prints."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", f"tests.pressure.{program}", *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": paths},
        cwd=cwd,
        check=True,
    )
    return done.stdout
