"""The notebook's algorithm with many seeds: a study, all included, beside its loop for one run.

In the study's seconds are its processes, the evaluation of every run, and the run folders; the
notebook's loop only trains, which favours it.
"""

from __future__ import annotations

import tempfile
import time
from typing import Any

import limits
from measuring import data_folder, get_ready
from row import ACCURACY, MACHINE, NOTEBOOK, OURS, Found, Quantity, Row, Size, Turn
from rows.one_run import RECIPE, notebook

SEEDS = 10


def study_of(turn: Turn, seeds: int, **how: Any) -> Found:
    """Do a study of one setting, and return its seconds and those of a run.

    Options: `epochs`, where another number of them is wanted.
    """
    import fittingroom as fr

    data = fr.load(data_folder())
    epochs = {k: v for k, v in turn.options.items() if k == "epochs"}
    base = fr.recipe(RECIPE, protocol="notebook", **epochs).model_dump()
    plan = {
        "name": "seeds",
        "seeds": list(range(turn.seed * seeds, (turn.seed + 1) * seeds)),
        "base": {key: value for key, value in base.items() if key != "seed"},
        "settings": {"notebook": {}},
    }
    with tempfile.TemporaryDirectory() as folder:
        get_ready()
        started = time.perf_counter()
        study = fr.study(plan, data, out=folder, **how)
        seconds = time.perf_counter() - started
        accuracies = study.results.settings[0].accuracies
        work = work_of_run(study.runs[("notebook", turn.seed * seeds)].record)
    return {
        "seconds": seconds / seeds,
        "study_seconds": seconds,
        "seeds": seeds,
        "accuracy": sum(accuracies) / len(accuracies),
        "accuracies": list(accuracies),
        "work": work,
    }


def work_of_run(record: dict[str, Any]) -> Found:
    """Return what `limits.work_of` does, from a run's record."""
    from fittingroom.models.build import build_network
    from fittingroom.models.classifier import Classifier
    from fittingroom.training.recipe import Recipe

    data, followed = record["data"], Recipe(**record["recipe"])
    shape = tuple(data["image_shape"])
    network = build_network(followed.model, shape, len(data["classes"]), followed.model_options)
    classifier = Classifier(network, data["classes"], shape)
    return limits.work_of(classifier, followed, data["train"])


def study(turn: Turn) -> Found:
    """Do a study as a person would: everything left to the program."""
    return study_of(turn, turn.options.get("seeds", SEEDS))


ROW = Row(
    name="study-of-seeds",
    title=f"the notebook's algorithm, a study of {SEEDS} seeds: seconds a run",
    ways={NOTEBOOK: notebook, OURS: study, MACHINE: limits.measure},
    reference=NOTEBOOK,
    full=Size(3),
    quick=Size(1, options={"epochs": 3}, note="1 turn of 3, 3 epochs of 15"),
    tiny=Size(1, options={"epochs": 1, "seeds": 2}),
    quantities=(Quantity("seconds", "s a run"), ACCURACY),
    recipes=(RECIPE,),
)
