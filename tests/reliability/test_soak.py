"""The soak of docs/reliability.md, a small one: what is killed comes to the same bits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[2] / "reliability" / "soak.py"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked to be killed")
def test_what_is_killed_comes_to_the_same_bits(tmp_path: Path) -> None:
    kept = tmp_path / "soak.json"
    words = ["--kills", "4", "--study-kills", "1", "--seed", "7", "--keep", str(kept)]
    done = subprocess.run([sys.executable, str(SOAK), *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(kept.read_text("utf-8"))
    outcomes = [*found["trainings"].values(), found["study"]]
    assert sum(sum(one["kills"].values()) for one in outcomes) >= 5
    for one in outcomes:
        assert one["identical"] == one["finished"] >= 1
        assert one["problems"] == []
