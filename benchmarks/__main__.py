"""`make bench`: every benchmark, one after the other.

Timing is only to be believed on a machine that does nothing else.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARKS = ("load", "training", "study")

if __name__ == "__main__":
    for name in sys.argv[1:] or BENCHMARKS:
        subprocess.run([sys.executable, Path(__file__).parent / f"{name}.py"], check=True)
