"""What a cluster costs a study: the same short runs by processes of this machine, and by Ray.

From studies of few and of many runs follow what is paid once (Ray's start, the data) and what is
paid for every run; the driver's own time is what no other machine can take from it.
"""

from __future__ import annotations

import resource
import tempfile
import time
from functools import partial

from measuring import data_folder, get_ready
from row import Found, Quantity, Row, Size, Turn

RECIPE = "notebook-two-layer"
FEW, MANY = 8, 40


def study_of(turn: Turn, runs: int, on: str) -> Found:
    """Do a study of so many runs of an epoch, one by one; return its seconds and the driver's."""
    import fittingroom as fr

    data = fr.load(data_folder())
    runs = max(runs // turn.options.get("divided_by", 1), 1)
    base = fr.recipe(RECIPE, epochs=1).model_dump()
    plan = {
        "name": "short",
        "seeds": runs,
        "base": {key: value for key, value in base.items() if key != "seed"},
        "settings": {"short": {}},
    }
    get_ready()
    with tempfile.TemporaryDirectory() as folder:
        before, started = own_seconds(), time.perf_counter()
        study = fr.study(plan, data, out=folder, on=on, jobs=2, stack=1)
        seconds, driver = time.perf_counter() - started, own_seconds() - before
        trained = sum(run.record["results"]["training_seconds"] for run in study.runs.values())
    return {
        "study_seconds": seconds,
        "seconds": seconds / runs,
        "driver_seconds": driver / runs,
        "training_seconds": trained / runs,
        "runs": runs,
    }


def own_seconds() -> float:
    """Return the CPU seconds of this process, without its children's."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


ROW = Row(
    name="cluster",
    title="a study of short runs (two-layer, 1 epoch), by processes here and by Ray here",
    ways={
        f"{name}, {runs} runs": partial(study_of, runs=runs, on=on)
        for name, on in (("this machine", "local"), ("Ray", "ray"))
        for runs in (FEW, MANY)
    },
    full=Size(3),
    quick=None,
    tiny=Size(1, options={"divided_by": 8}),
    quantities=(
        Quantity("study_seconds", "s"),
        Quantity("seconds", "s a run"),
        Quantity("driver_seconds", "s a run"),
    ),
    recipes=(RECIPE,),
)
