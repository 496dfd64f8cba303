"""`make soak`: kill trainings and studies at random moments, go on, and compare the bits.

    python reliability/soak.py [--kills 200] [--study-kills 100] [--seed 0] [--keep FILE]

Prints what became of them, and ends with exit code 1 if anything was lost, counted twice, or
came out with other bits than uninterrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Before torch is imported: a process with one thread can be forked, and its bits are always the
# same.
os.environ["OMP_NUM_THREADS"] = "1"

import killing_runs
import killing_studies
from fittingroom.data.sketches import write_idx
from fittingroom.runs.environment import describe_environment
from fittingroom.training.device import select_device


def main() -> int:
    """Kill and compare; return the process's exit code."""
    told = parse()
    rng = random.Random(told.seed)
    environment = describe_environment(select_device("cpu"))
    found: dict[str, Any] = {"environment": environment, "seed": told.seed, "trainings": {}}
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        out = Path(name)
        data = out / "data"
        write_idx(data, train=800, test=100)
        share, more = divmod(told.kills, len(killing_runs.CASES))
        for number, case in enumerate(killing_runs.CASES):
            (out / f"case-{number}").mkdir()
            kills = share + (number < more)
            outcome = killing_runs.kill_runs(case, kills, data, out / f"case-{number}", rng)
            found["trainings"][case] = outcome.to_dict()
            show(f"training, {case}", outcome.to_dict())
            keep(found, started, told.keep)
        if told.study_kills:

            def tell(outcome: killing_studies.Outcome) -> None:
                found["study"] = outcome.to_dict()
                keep(found, started, told.keep)

            killing_studies.kill_studies(told.study_kills, data, out, rng, tell)
            show("study with two workers", found["study"])
    outcomes = [*found["trainings"].values(), *([found["study"]] if "study" in found else [])]
    return int(any(one["problems"] or one["identical"] != one["finished"] for one in outcomes))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python reliability/soak.py", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="of trainings")
    parser.add_argument("--study-kills", type=int, default=100, help="of studies")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write the figures there as JSON")
    return parser.parse_args()


def keep(found: dict[str, Any], started: float, file: Path | None) -> None:
    """Write what was found so far."""
    found["minutes"] = round((time.monotonic() - started) / 60, 1)
    if file:
        file.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


def show(name: str, outcome: Mapping[str, Any]) -> None:
    """Print what became of one kind of work."""
    kills = outcome["kills"]
    print(f"{name}: killed {sum(kills.values())} times; {outcome['finished']} came to their end,")
    print(f"  {outcome['identical']} with the same bits as uninterrupted")
    for what, count in kills.items():
        print(f"  killed {count:3} times: {what}")
    for problem in outcome["problems"]:
        print(f"  PROBLEM: {problem}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
