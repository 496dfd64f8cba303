"""Studies with planted accuracies, as run folders that were never trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.studies.conftest import write_run

from fittingroom.runs.run import Run
from fittingroom.studies.reading import plan_of
from fittingroom.studies.study import Study

GOOD, BAD = (0.9, 0.902, 0.898, 0.901), (0.8, 0.802, 0.8, 0.801)


def plant_study(
    folder: Path,
    accuracies: Mapping[str, Sequence[float | None]],
    *,
    lr: Mapping[str, float] | None = None,
    in_memory: bool = False,
    **fields: Any,
) -> Study:
    """Write the runs of a study: setting -> the accuracy of each seed, None for no run."""
    (seeds,) = {len(found) for found in accuracies.values()}
    settings = {
        name: {"lr": (lr or {}).get(name, 0.001 + place / 10_000)}
        for place, name in enumerate(accuracies)
    }
    plan = plan_of({"seeds": seeds, "base": {"epochs": 4}, "settings": settings, **fields})
    runs = {}
    folder.mkdir(parents=True, exist_ok=True)
    for setting, seed in plan.wanted:
        accuracy = accuracies[setting.name][seed]
        if accuracy is not None:
            path = folder / setting.run_name(seed)
            write_run(path, setting.recipe_for(seed), accuracy)
            runs[setting.name, seed] = Run(path)
    record = next(iter(runs.values())).record
    known = {"data": record["data"], "environment": record["environment"]}
    return Study(plan, runs, known, folder=None if in_memory else folder)
