"""docs/reliability.md says of fuzzing what its results say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_table_of_fuzzing_is_that_of_the_results() -> None:
    code = (
        "from fuzzing import page; "
        "print(page.with_table(page.PAGE.read_text('utf-8'), page.table()), end='')"
    )
    words = [sys.executable, "-X", "utf8", "-c", code]
    done = subprocess.run(words, cwd=ROOT / "reliability", capture_output=True, check=True)
    assert done.stdout.decode() == (ROOT / "docs" / "reliability.md").read_text("utf-8")
