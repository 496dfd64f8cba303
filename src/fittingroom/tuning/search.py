"""Optuna's part: which values to try next, and which trials look hopeless.

What Optuna stores of a choice is the text by which the command line spells it, since its stores
take no lists.
"""

from __future__ import annotations

import importlib
import itertools
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fittingroom.errors import TuningError
from fittingroom.tuning.plan import TuningPlan
from fittingroom.tuning.space import Space, number, written

if TYPE_CHECKING:
    from optuna import Study
    from optuna import Trial as Asked
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage

Direction = Literal["maximize", "minimize"]

# What a storage keeps of the tuning beside its trials.
IDENTITY = "fittingroom"
READY = "ready"

# Whoever finds a tuning that was begun a moment ago waits so long for its first values.
READY_SECONDS = 10.0

# A space of no more points than this is gone through from one end to the other.
MOST_POINTS = 1_000

# Trials that are complete before one is compared with their median.
UNPRUNED_TRIALS = 5


def import_optuna() -> None:
    """Import Optuna, and with it tqdm, which in Jupyter wants a package for bars nobody draws."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")
        importlib.import_module("optuna")


@contextmanager
def quietly() -> Iterator[None]:
    """Let Optuna neither log nor warn that something in it may change."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        # ask() does not see that heartbeat.py gives the signs of life.
        warnings.filterwarnings("ignore", message="Heartbeat of storage is supposed")
        yield


def begin(
    storage: BaseStorage,
    plan: TuningPlan,
    fingerprint: str,
    wanted: Sequence[Mapping[str, Any]] = (),
) -> Study:
    """Begin a tuning in a storage, or find it there.

    Parameters
    ----------
    fingerprint
        Of the data.
    wanted
        Values to try that are known already; none for those that a search begins with.

    Raises
    ------
    TuningError
        If the storage has another tuning of the same name.
    """
    import optuna

    ours = identity(plan, fingerprint)
    directions: list[Direction] = ["maximize"]
    if plan.objective == "accuracy-seconds":
        directions.append("minimize")
    with quietly():
        try:
            study = optuna.create_study(
                storage=storage, study_name=plan.name, directions=directions, sampler=sampler(plan)
            )
        except optuna.exceptions.DuplicatedStudyError:
            study = join(storage, plan)
            check_identity(plan.name, wait_until_ready(study), ours)
        else:
            study.set_user_attr(IDENTITY, ours)
        if READY not in study.user_attrs or all_are_tried(plan) or wanted:
            for values in wanted or first_points(plan):
                study.enqueue_trial(stored(plan.space, values), skip_if_exists=True)
            study.set_user_attr(READY, True)
    return study


def count_values(study: Study) -> int:
    """Return how many different values were asked for, tried or not."""
    trials = study.get_trials(deepcopy=False)
    asked = ({**t.system_attrs.get("fixed_params", {}), **t.params} for t in trials)
    return len({tuple(sorted(values.items())) for values in asked})


def join(storage: BaseStorage, plan: TuningPlan) -> Study:
    """Return a tuning that has been begun in a storage."""
    import optuna

    with quietly():
        return optuna.load_study(storage=storage, study_name=plan.name, sampler=sampler(plan))


def wait_until_ready(study: Study) -> Any:
    """Return what the storage says the tuning is, once who has just begun it has said so."""
    end = time.monotonic() + READY_SECONDS
    while READY not in study.user_attrs and time.monotonic() < end:
        if IDENTITY not in study.user_attrs and study.get_trials(deepcopy=False):
            break  # somebody else's
        time.sleep(0.1)
    return study.user_attrs.get(IDENTITY, {})


def identity(plan: TuningPlan, fingerprint: str) -> dict[str, Any]:
    """Return what makes trials comparable, as JSON values; the budget does not."""
    return {
        "name": plan.name,
        "data": fingerprint,
        **plan.start.model_dump(mode="json"),
        "values to try": str(plan.space),
        "objective": plan.objective,
        "seeds": list(plan.seeds),
    }


def check_identity(name: str, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """See that a tuning that is there already is the one that is meant.

    Raises
    ------
    TuningError
        If it is another.
    """
    if not theirs:
        raise TuningError(
            f"the storage has something else of the name {name!r}; choose another --name"
        )
    for part, value in ours.items():
        if theirs.get(part) != value:
            raise TuningError(
                f"a tuning {name!r} is there already, begun with other {part}: expected "
                f"{short(theirs.get(part))}, found {short(value)}; choose another --name"
            )


def short(value: Any) -> str:
    """Return a value in not too many letters."""
    text = written(value)
    return text if len(text) <= 150 else f"{text[:147]}..."


def first_points(plan: TuningPlan) -> list[dict[str, Any]]:
    """Return the values to try before any are looked for: the start's, or all there are."""
    start = plan.space.values_of(plan.start)
    points = [] if start is None else [start]
    if all_are_tried(plan):
        points += [point for point in shuffled_points(plan) if point != start]
    return points


def all_are_tried(plan: TuningPlan) -> bool:
    """Tell whether every point of a space is to be tried."""
    return plan.space.size is not None and plan.space.size <= min(plan.budget, MOST_POINTS)


def shuffled_points(plan: TuningPlan) -> list[dict[str, Any]]:
    """Return every point of a space that has few, in an order drawn by the sampler's seed."""
    names = [parameter.name for parameter in plan.space.parameters]
    every = itertools.product(*(parameter.values for parameter in plan.space.parameters))
    points = [dict(zip(names, values, strict=True)) for values in every]
    order = np.random.default_rng(plan.sampler_seed).permutation(len(points))
    return [points[place] for place in order]


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Return the space as Optuna has it."""
    from optuna import distributions as kinds

    found: dict[str, BaseDistribution] = {}
    for p in space.parameters:
        if p.kind == "choice":
            found[p.name] = kinds.CategoricalDistribution([written(c) for c in p.choices])
        elif p.kind == "int":
            low, high, step = int(number(p.low)), int(number(p.high)), int(p.step or 1)
            found[p.name] = kinds.IntDistribution(low, high, log=p.log, step=step)
        else:
            ends = float(number(p.low)), float(number(p.high))
            found[p.name] = kinds.FloatDistribution(*ends, log=p.log, step=p.step)
    return found


def ask(trial: Asked, space: Space) -> dict[str, Any]:
    """Return the values that a trial is to try."""
    from optuna import distributions as kinds

    for name, found in distributions(space).items():
        if isinstance(found, kinds.CategoricalDistribution):
            trial.suggest_categorical(name, found.choices)
        elif isinstance(found, kinds.IntDistribution):
            trial.suggest_int(name, found.low, found.high, log=found.log, step=found.step)
        elif isinstance(found, kinds.FloatDistribution):
            trial.suggest_float(name, found.low, found.high, log=found.log, step=found.step)
    return restored(space, trial.params)


def stored(space: Space, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as Optuna stores them."""
    return {
        p.name: written(values[p.name]) if p.kind == "choice" else values[p.name]
        for p in space.parameters
    }


def restored(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that Optuna stored."""
    return {
        p.name: next(c for c in p.choices if written(c) == params[p.name])
        if p.kind == "choice"
        else params[p.name]
        for p in space.parameters
    }


def sampler(plan: TuningPlan) -> BaseSampler:
    """Return what finds the values to try next."""
    from fittingroom.tuning.sampler import SeededByPlace, tpe

    return SeededByPlace(tpe, plan.sampler_seed)


def pruner(plan: TuningPlan, epochs: int) -> BasePruner:
    """Return what tells whether a trial of so many epochs is hopeless.

    It is where its best accuracy so far lies under the median of what complete trials had after as
    many epochs (Golovin et al. 2017, "Google Vizier", section 3.2); not in the first quarter.
    """
    from optuna.pruners import MedianPruner, NopPruner

    if not plan.prune:
        return NopPruner()
    return MedianPruner(n_startup_trials=UNPRUNED_TRIALS, n_warmup_steps=max(1, epochs // 4))
