"""The best trials once more, with further seeds, before one of them wins.

One seed picks whom luck has favoured: among many values the best is rather the one whose seed was
kind than the one that is best (the optimizer's curse; Smith and Winkler 2006, "The Optimizer's
Curse", Management Science 52(3)). So the best few are trained with further seeds, and the mean over
all seeds decides. It is a search of its own in the same storage, whose values are all known: it
goes on, is shared and is told to a cluster as every other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fittingroom.tuning import search
from fittingroom.tuning.plan import TuningPlan
from fittingroom.tuning.tuning import Trial, Tuning, ranked

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage


def best_values(plan: TuningPlan, trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Return the values of the best trials, the best first; none where there is no choice."""
    chosen: list[dict[str, Any]] = []
    for trial in ranked(trials):
        if dict(trial.values) not in chosen:
            chosen.append(dict(trial.values))
    return chosen[: plan.finalists] if len(chosen) > 1 else []


def are_missing(tuning: Tuning, plan: TuningPlan) -> bool:
    """Tell whether some of the best trials are still to be trained again."""
    known = [dict(trial.values) for trial in tuning.again if trial.state != "running"]
    return any(values not in known for values in best_values(plan, tuning.trials))


def begin(
    storage: BaseStorage, plan: TuningPlan, fingerprint: str, wanted: Sequence[dict[str, Any]]
) -> tuple[Study, TuningPlan]:
    """Ask for values to be tried with the further seeds; return the search of them, and its plan.

    Raises
    ------
    TuningError
        If the storage has something else of its name.
    """
    plan = replace(
        plan,
        name=f"{plan.name}: finalists",
        trials=len(wanted),
        seconds=None,
        seeds=plan.further_seeds,
        prune=False,
    )
    study = search.begin(storage, plan, fingerprint, wanted)
    # Those that were the best before a search went on are there as well.
    return study, replace(plan, trials=search.count_values(study))
