"""Count the lines of readers that the inputs kept by fuzzing reach, in a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import coverage

SOURCE = Path(__file__).parents[2] / "src" / "fittingroom"


def main(name: str, workshop: Path, place: Path) -> None:
    """Print (reached, all) lines of the target's modules together, as JSON."""
    from fuzzing import TARGETS

    target = TARGETS[name]
    files = [str(SOURCE / module) for module in target.modules]
    measured = coverage.Coverage(data_file=None, include=files)
    measured.start()
    read = target.reader(workshop, place / "scratch")
    kept = [path.read_bytes() for path in sorted((place / "corpus").iterdir())]
    for data in kept + target.seeds(workshop):
        try:
            read(data)
        except BaseException:  # noqa: S112 - what it raises was looked at before
            continue
    measured.stop()
    reached = whole = 0
    for file in files:
        _, lines, _, missing, _ = measured.analysis2(file)
        reached, whole = reached + len(lines) - len(missing), whole + len(lines)
    print(json.dumps([reached, whole]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
