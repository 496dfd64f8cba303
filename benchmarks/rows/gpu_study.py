"""The notebook's seven settings x 100 seeds on a GPU: one study, and run after run.

The study goes on from its folder, so its seconds are added up over the pieces it took. Of the runs
one by one there is one a setting and turn: the 700 would take hours, and each takes its time
whatever the others do.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import limits
from measuring import data_folder, get_ready
from ours import interrupted_after
from row import MACHINE, OURS, Found, Quantity, Row, Size, Turn, Unfinished

ONE_BY_ONE = "one by one"

# The seven recorded settings; of the rates that the notebook states for one, the first.
SEVEN = (
    ("two-layer", 0.001),
    ("three-layer", 0.001),
    ("three-layer", 0.01),
    ("three-layer", 0.0001),
    ("three-layer", 0.008),
    ("three-layer", 0.0008),
    ("three-layer", 0.005),
)


def plan_of(turn: Turn) -> dict[str, Any]:
    """Return the study without its seeds, 15 epochs a run or `epochs`."""
    return {
        "name": "seven",
        "base": {"protocol": "notebook", "epochs": turn.options.get("epochs", 15)},
        "settings": {f"{model}-{lr}": {"model": model, "lr": lr} for model, lr in SEVEN},
    }


def stacked(turn: Turn) -> Found:
    """Do the study as a person would, going on where it was.

    Raises
    ------
    Unfinished
        If the time was too short.
    """
    import fittingroom as fr

    seeds = turn.options.get("seeds", 100)
    clock = turn.folder / "seconds.json"
    before = json.loads(clock.read_text("utf-8")) if clock.exists() else 0.0
    data = fr.load(data_folder())
    get_ready()
    started = time.perf_counter()
    try:
        with interrupted_after(turn.seconds_left):
            study = fr.study(plan_of(turn), data, seeds=seeds, out=turn.folder)
    except KeyboardInterrupt:
        raise Unfinished from None
    finally:
        seconds = before + time.perf_counter() - started
        clock.write_text(json.dumps(seconds), "utf-8")
    accuracies = [a for setting in study.results.settings for a in setting.accuracies]
    return found_of(seconds, accuracies)


def one_by_one(turn: Turn) -> Found:
    """Do one run of each setting after the other, each by itself."""
    import fittingroom as fr

    data = fr.load(data_folder())
    get_ready()
    plan = plan_of(turn)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        runs = [
            fr.train(
                fr.recipe(**plan["base"], **setting, seed=turn.seed),
                data,
                out=Path(folder),
                figures=False,
            )
            for setting in plan["settings"].values()
        ]
        return found_of(time.perf_counter() - started, [run.evaluation.accuracy for run in runs])


def found_of(seconds: float, accuracies: list[float]) -> Found:
    """Return seconds a run and in all."""
    return {
        "seconds": seconds / len(accuracies),
        "all_seconds": seconds,
        "runs": len(accuracies),
        "accuracy": sum(accuracies) / len(accuracies),
    }


ROW = Row(
    name="gpu-study",
    title="the notebook's 7 settings x 100 seeds on a GPU: seconds a run",
    ways={ONE_BY_ONE: one_by_one, OURS: stacked, MACHINE: limits.measure},
    reference=ONE_BY_ONE,
    full=Size(1),
    quick=None,
    tiny=Size(1, options={"epochs": 1, "seeds": 2}),
    quantities=(
        Quantity("seconds", "s a run"),
        Quantity("all_seconds", "s"),
        Quantity("accuracy", form=".2%"),
    ),
    needs_cuda=True,
)
