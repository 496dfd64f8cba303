"""Tunings with planted trials and finals, as folders in which nothing was ever trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tests.studies.conftest import record_of, write_run

from fittingroom.runs import folder as files
from fittingroom.studies.reading import plan_of as study_plan_of
from fittingroom.studies.study import FORMAT as STUDY_FORMAT
from fittingroom.training.recipe import Recipe
from fittingroom.tuning.plan import TuningPlan, plan_of
from fittingroom.tuning.tuning import (
    FINAL,
    FINALISTS,
    FORMAT,
    RECORD,
    TRIALS,
    Trial,
    Tuning,
    open_tuning,
    plan_values,
    ranked,
    write_trials,
)

EPOCHS = 6
START = Recipe(lr=0.0008, epochs=EPOCHS)
VARY: dict[str, Any] = {
    "lr": "1e-4..1e-1:log",
    "batch_size": [64, 128, 256],
    "hidden": [[128, 64], [256, 128], [1024, 512]],
    "label_smoothing": {"low": 0.0, "high": 0.2},
}
DIVERGED = "the loss became nan in epoch 1, step 5 of 9, at learning rate 0.09; try a lower one"


def plant_tuning(
    folder: Path,
    trials: Sequence[Trial],
    plan: TuningPlan,
    *,
    final: Mapping[str, Sequence[float]] | None = None,
    again: Sequence[Trial] = (),
    sketches: bool = False,
) -> Tuning:
    """Write a tuning; `final` has the test accuracies of "start" and "best", one a seed.

    `again` are the finalists, with further seeds.
    """
    folder.mkdir(parents=True)
    record = record_of("", plan.start, 0.5)
    data = record["data"] | {"sketches": sketches, "validation": 500}
    shared = {"data": data, "environment": record["environment"]}
    written = {
        "format": FORMAT,
        "name": plan.name,
        "started": "2025-02-03T04:05:06",
        "command": f"fittingroom tune three-layer --name '{plan.name}'",
        "plan": plan_values(plan),
    }
    files.write_record(folder / RECORD, written | shared)
    write_trials(folder / TRIALS, trials)
    if again:
        write_trials(folder / FINALISTS, again)
    if final:
        recipes = {"start": plan.start, "best": open_tuning(folder).best.recipe}  # type: ignore[union-attr]
        plant_final(folder / FINAL, plan, {n: recipes[n] for n in final}, final, shared)
    return open_tuning(folder)


def plant_final(
    folder: Path,
    plan: TuningPlan,
    recipes: Mapping[str, Recipe],
    accuracies: Mapping[str, Sequence[float]],
    shared: dict[str, Any],
) -> None:
    """Write the study in which the winner meets the start."""
    found = study_plan_of(
        {
            "name": FINAL,
            "seeds": list(plan.final_seeds),
            "settings": {
                name: recipe.model_dump(exclude={"seed"}) for name, recipe in recipes.items()
            },
        }
    )
    (folder / "runs").mkdir(parents=True)
    record = {"format": STUDY_FORMAT, "plan": found.model_dump(mode="json"), **shared}
    files.write_record(folder / "study.json", record)
    for setting, seed in found.wanted:
        accuracy = accuracies[setting.name][plan.final_seeds.index(seed)]
        write_run(folder / "runs" / setting.run_name(seed), setting.recipe_for(seed), accuracy)


def small_plan(**fields: Any) -> TuningPlan:
    """Return a plan in which only the learning rate varies."""
    told: dict[str, Any] = {
        "vary": {"lr": VARY["lr"]},
        "trials": 10,
        "final_seeds": 3,
        "name": "rates",
    } | fields
    return plan_of(START, **told)


def trial_at(plan: TuningPlan, number: int, state: str = "complete", **fields: Any) -> Trial:
    """Return a trial; its values are those of the plan's parameters in `fields`."""
    names = [parameter.name for parameter in plan.space.parameters]
    values = {name: fields.pop(name) for name in names}
    recipe = plan.space.recipe(plan.start, values)
    if "curve" in fields and "accuracy" not in fields:
        fields["accuracy"] = fields["curve"][-1]
    if state == "complete":
        fields = {"accuracies": (fields["accuracy"],), "seconds": 2.0, "epochs": EPOCHS} | fields
    return Trial(number, state, values, recipe, **fields)  # type: ignore[arg-type]


def trained_again(plan: TuningPlan, trials: Sequence[Trial]) -> list[Trial]:
    """Return the finalists once more: the better the first look was, the lower they come out."""
    seeds = len(plan.further_seeds)
    found = []
    for place, trial in enumerate(ranked(trials)[: plan.finalists]):
        lost = 0.006 - 0.003 * place
        accuracies = tuple((trial.accuracy or 0.0) - lost - 0.001 * k for k in range(seeds))
        found.append(replace(trial, number=place, accuracies=accuracies))
    return found


def searched(
    plan: TuningPlan, count: int = 60, seed: int = 0, *, prune: bool = True
) -> list[Trial]:
    """Return trials as a search leaves them: rates that are too low, good, too high or diverge."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        values = {p.name: draw(rng, p, number, count) for p in plan.space.parameters}
        if number == 0:
            values = plan.space.values_of(plan.start) or values
        found.append(searched_trial(plan, number, values, rng, prune))
    return found


def draw(rng: np.random.Generator, parameter: Any, number: int, count: int) -> Any:
    """Draw a value, nearer to the good one the longer the search has gone on."""
    if parameter.kind == "choice":
        return parameter.choices[int(rng.integers(len(parameter.choices)))]
    if parameter.kind == "int":
        return int(rng.integers(parameter.low, parameter.high + 1))
    low, high = float(parameter.low), float(parameter.high)
    if not parameter.log:
        return float(rng.uniform(low, high))
    near = rng.random() < number / count
    share = rng.normal(math.log(0.002 / low) / math.log(high / low), 0.07) if near else rng.random()
    return float(low * (high / low) ** min(max(share, 0.0), 1.0))


def searched_trial(
    plan: TuningPlan, number: int, values: dict[str, Any], rng: np.random.Generator, prune: bool
) -> Trial:
    """Return a trial whose accuracy falls with the distance from a rate of 0.002."""
    lr, recipe = values["lr"], plan.space.recipe(plan.start, values)
    if lr > 0.06:
        return Trial(number, "failed", values, recipe, reason=DIVERGED, epochs=1)
    off = math.log10(lr / 0.002)
    lost = 0.016 * off**2 + (0.03 * off**3 if off > 0 else 0)
    lost += 0.004 * (values.get("batch_size", 64) == 256)
    lost += 0.03 * values.get("label_smoothing", 0.0) + abs(float(rng.normal(0, 0.0015)))
    level = 0.898 - lost
    curve = tuple(level - 0.05 * 0.5**epoch for epoch in range(EPOCHS))
    losses = tuple(0.25 + 6 * lost + 0.3 * 0.5**epoch for epoch in range(EPOCHS))
    stop = EPOCHS
    if prune and number > 8 and lost > 0.012:
        stop = 2 + number % 2
    seeds = len(plan.seeds)
    state: Any = "complete" if stop == EPOCHS else "pruned"
    seconds = 3.0 * (64 / values.get("batch_size", 64)) ** 0.7 + 0.5 * float(rng.random())
    return Trial(
        number,
        state,
        values,
        recipe,
        accuracy=curve[stop - 1],
        accuracies=tuple(curve[-1] + 0.001 * k for k in range(seeds)) if stop == EPOCHS else (),
        seconds=seconds if state == "complete" else None,
        epochs=stop * seeds,
        curve=curve[:stop],
        train_curve=losses[:stop],
    )
