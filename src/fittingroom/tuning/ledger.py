"""Which trials of a storage count, what they came to, and which are to be tried again.

A trial that ended has its result beside it, as one attribute. One that was interrupted has none;
its values wait to be tried again, and it is not spoken of any more. Neither is one that was begun
where the budget was used up already.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fittingroom.tuning.plan import TuningPlan
from fittingroom.tuning.search import restored
from fittingroom.tuning.tuning import Trial, recipe_of

if TYPE_CHECKING:
    from optuna import Study
    from optuna import Trial as Asked
    from optuna.trial import FrozenTrial

RESULT = "result"


def counted(study: Study) -> list[FrozenTrial]:
    """Return the trials that a budget counts, by number: ended with a result, or going on."""
    trials = study.get_trials(deepcopy=False)
    return [trial for trial in trials if is_running(trial) or RESULT in trial.user_attrs]


def is_running(trial: FrozenTrial) -> bool:
    """Tell whether some process works on a trial, or has died over it."""
    return trial.state.name == "RUNNING"


def rank(study: Study, number: int) -> int:
    """Return how many trials that count lie before one."""
    return sum(trial.number < number for trial in counted(study))


def with_result(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials that came to something."""
    return [trial for trial in trials if RESULT in trial.user_attrs]


def same_values(study: Study, ours: Asked) -> dict[str, Any] | None:
    """Return the result of a trial with the same values that failed or came to its end."""
    for trial in with_result(study.get_trials(deepcopy=False)):
        result: dict[str, Any] = trial.user_attrs[RESULT]
        if trial.params == ours.params and result["state"] != "pruned":
            return result
    return None


def trials_of(study: Study, plan: TuningPlan) -> list[Trial]:
    """Return the trials that count, as a tuning has them."""
    names = {parameter.name for parameter in plan.space.parameters}
    # One that was asked for this moment has not all of its values yet.
    return [trial_of(trial, plan) for trial in counted(study) if names <= set(trial.params)]


def trial_of(trial: FrozenTrial, plan: TuningPlan) -> Trial:
    """Return one of Optuna's trials as a tuning has it."""
    values = restored(plan.space, trial.params)
    result = trial.user_attrs.get(RESULT) or going_on(trial, plan)
    lists = ("accuracies", "curve", "train_curve")
    result = result | {name: tuple(result.get(name, ())) for name in lists}
    return Trial(trial.number, values=values, recipe=recipe_of(plan, values), **result)


def going_on(trial: FrozenTrial, plan: TuningPlan) -> dict[str, Any]:
    """Return what is known of a trial that has not ended."""
    curve = [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)]
    return {
        "state": "running",
        "accuracy": curve[-1] if curve else None,
        "epochs": len(curve) * len(plan.seeds),
        "curve": curve,
    }


def note(trial: Asked, result: Mapping[str, Any]) -> None:
    """Write down what a trial came to: the fields of `tuning.Trial` as JSON values."""
    trial.set_user_attr(RESULT, dict(result))


def seconds_spent(study: Study) -> float:
    """Return how long trials that came to a result were at work, side by side or not."""
    spans = [
        (trial.datetime_start, trial.datetime_complete)
        for trial in with_result(study.get_trials(deepcopy=False))
        if trial.datetime_start and trial.datetime_complete
    ]
    spent, until = dt.timedelta(), dt.datetime.min  # noqa: DTZ901 - as Optuna's, in local time
    for start, end in sorted(spans):
        spent += max(end - max(start, until), dt.timedelta())
        until = max(until, end)
    return spent.total_seconds()


def try_again(study: Study, trial: FrozenTrial) -> None:
    """Have the values of a trial whose process has died tried again, before any others."""
    # One that was told its values may have died before it asked for them.
    values = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
    if values and RESULT not in trial.user_attrs:
        study.enqueue_trial(values)
