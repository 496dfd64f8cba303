"""Train the same run over and over in processes that are killed at one moment each.

    python crashing.py DATA RUNS

A process forked for each moment writes to RUNS/<moment>: "write-N" is killed in the middle of
its Nth write, "rename-N" right after its Nth file has got its name, "figures" while drawing.
Prints the moments, one a line, until one is past the end of the run.
"""

from __future__ import annotations

import itertools
import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fittingroom.data.sources import load
from fittingroom.runs import checkpoints, conduct
from fittingroom.runs.train import train

FIELDS: dict[str, Any] = {"epochs": 2, "batch_size": 32, "seed": 5, "checkpoint_steps": 4}


def die(*_: object) -> None:
    """Leave at once, as in a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at_call(function: Callable[..., Any], number: int, *, after: bool) -> Callable[..., Any]:
    """Return a function that does the same and is the process's last at its `number`th call."""
    calls = itertools.count(1)

    def counted(*arguments: Any) -> Any:
        if not after and stat.S_ISDIR(os.fstat(arguments[0]).st_mode):
            return function(*arguments)
        last = next(calls) == number
        if last and not after:
            os.truncate(arguments[0], os.fstat(arguments[0]).st_size // 2)
            die()
        result = function(*arguments)
        if last:
            die()
        return result

    return counted


def arm(moment: str) -> None:
    """Prepare this process to be killed."""
    kind, _, number = moment.partition("-")
    if kind == "write":
        os.fsync = die_at_call(os.fsync, int(number), after=False)
    elif kind == "rename":
        Path.replace = die_at_call(Path.replace, int(number), after=True)  # type: ignore[method-assign]
    else:
        vars(conduct)["draw_figures"] = die


def survived(moment: str, data: str, runs: Path) -> bool:
    """Train in a process of its own; tell whether it came to the end."""
    child = os.fork()
    if child == 0:
        checkpoints.EPOCH_SECONDS = 0.0
        arm(moment)
        train("two-layer", load(data), out=runs, name=moment, figures=moment == "figures", **FIELDS)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return not os.WIFSIGNALED(status)


def crash_everywhere(data: str, runs: Path) -> None:
    """Go through all moments."""
    for kind in ("write", "rename"):
        for number in itertools.count(1):
            if survived(f"{kind}-{number}", data, runs):
                break
            print(f"{kind}-{number}", flush=True)
    survived("figures", data, runs)
    print("figures", flush=True)


if __name__ == "__main__":
    crash_everywhere(sys.argv[1], Path(sys.argv[2]))
