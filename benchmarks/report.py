"""The report of a study that is there: seconds and peak memory, each time in a new process.

    FITTINGROOM_DATA=... python benchmarks/report.py STUDY_FOLDER [REPETITIONS]

There is no other tool to compare with; it is held to 10 s and 500 MB for 35 runs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from measuring import machine, peak_memory, print_comparison, print_result, run_in_turn


def main(folder: str, repetitions: int = 5) -> None:
    """Measure and print."""
    runs = len(list(Path(folder).glob("runs/*/run.json")))
    print(f"report of a study of {runs} runs")
    print(f"  {machine()}")
    programs = {
        "HTML": [__file__, "write", folder, "html"],
        "Markdown": [__file__, "write", folder, "md"],
    }
    results = run_in_turn(programs, repetitions)
    for quantity, unit in (("seconds", "s"), ("peak_MB", "MB"), ("file_MB", "MB")):
        print_comparison(results, quantity, unit, reference="HTML")


def write(folder: str, kind: str) -> None:
    """Write the report of a study once."""
    started = time.perf_counter()
    import fittingroom as fr

    with tempfile.TemporaryDirectory() as place:
        fr.report(folder, Path(place) / f"report.{kind}", format=kind)
        seconds = time.perf_counter() - started
        size = sum(path.stat().st_size for path in Path(place).rglob("*") if path.is_file())
    print_result(seconds=seconds, peak_MB=peak_memory(), file_MB=size / 1e6)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(*sys.argv[2:4])
    else:
        main(sys.argv[1], *(int(argument) for argument in sys.argv[2:3]))
