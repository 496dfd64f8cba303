"""What a tuning is: where it starts, what may vary, and how much work it may cost.

A plan is made of a network's or recipe's name, or read from TOML: the fields of a recipe, and what
varies::

    base = "notebook-three-layer"          # a shipped recipe; then any field of a recipe
    epochs = 5

    [vary]
    lr = { low = 1e-4, high = 1e-1, log = true }
    batch_size = [64, 128, 256]
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

from fittingroom.errors import TuningError
from fittingroom.studies.plan import MOST_NAME_LETTERS
from fittingroom.training.recipe import (
    MAX_SEED,
    Recipe,
    read_recipe_file,
    recipe,
    recipe_for_model,
    shipped_recipes,
    shown,
)
from fittingroom.tuning.reading import space_of
from fittingroom.tuning.space import Space

Objective = Literal["accuracy", "accuracy-seconds"]

DEFAULT_TRIALS = 30
DEFAULT_FINAL_SEEDS = 5
DEFAULT_FINALISTS = 3
# Of a finalist, beside those of every trial.
FURTHER_SEEDS = 2
MOST_TRIALS = 100_000
MOST_SEEDS = 1_000
MOST_FINALISTS = 1_000

# The table of spaces.toml for a network that is not one of ours.
OWN = "of your own"


@dataclass(frozen=True)
class TuningPlan:
    """Everything that a tuning is asked to do.

    Parameters
    ----------
    name
        What people call it, and its folder.
    start
        The recipe that every trial begins with, and that the winner is held against; its seed is 0.
    space
        What varies.
    trials, seconds
        The budget: sets of values to try, and time to try them in; None for no limit of the kind.
    seeds
        Of each trial.
    final_seeds
        Of the runs in which the winner is held against the start; none of them is a trial's.
    finalists
        So many of the best trials are trained again before one of them wins.
    further_seeds
        With which.
    objective
        accuracy: the highest on the validation pictures; accuracy-seconds: the best accuracies
        for their training time too.
    prune
        Whether trials that look hopeless are stopped early.
    sampler_seed
        Decides which values are tried.
    """

    name: str
    start: Recipe
    space: Space
    trials: int | None
    seconds: float | None
    seeds: tuple[int, ...]
    final_seeds: tuple[int, ...]
    objective: Objective = "accuracy"
    prune: bool = True
    sampler_seed: int = 0
    finalists: int = 0
    further_seeds: tuple[int, ...] = ()

    @property
    def budget(self) -> float:
        """How many trials there can be: no more than there are values to try."""
        limits = (self.trials, self.space.size)
        return min(math.inf if limit is None else limit for limit in limits)


def plan_of(
    start: str | Path | Recipe,
    vary: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    trials: int | None = None,
    seconds: float | None = None,
    seeds: int = 1,
    final_seeds: int = DEFAULT_FINAL_SEEDS,
    finalists: int = DEFAULT_FINALISTS,
    objective: str = "accuracy",
    prune: bool = True,
    sampler_seed: int = 0,
    **fields: Any,
) -> TuningPlan:
    """Make a plan.

    Parameters
    ----------
    start
        The name of a network (its own recipe is followed) or of a recipe, a TOML file, or a recipe.
    vary
        Name -> values, as `fittingroom.tuning.reading` shows; beside or in place of those in the
        file. None, and no file with any: the network's usual ones, in spaces.toml.
    seeds, final_seeds, finalists
        How many.
    fields
        Fields of the start recipe to change.

    Raises
    ------
    TuningError, RecipeError
        If something is unknown or makes no sense.
    """
    label, recipe, varied = read_start(start, fields)
    check_start(recipe, fields)
    varied = {**varied, **(vary or {})}
    where = f"{start}: vary" if Path(str(start)).suffix == ".toml" else "vary"
    space = space_of(varied or usual_space(recipe.model), recipe, where)
    check_numbers(trials, seconds, seeds, final_seeds, finalists, sampler_seed)
    if objective not in get_args(Objective):
        raise TuningError(
            f"unknown objective {objective!r}; known are {', '.join(get_args(Objective))}"
        )
    if name is not None and not 0 < len(name) <= MOST_NAME_LETTERS:
        raise TuningError(f"a name has 1 to {MOST_NAME_LETTERS} letters, found {len(name):,}")
    # A first look at one seed picks whom luck has favoured; of trade-offs there is no one winner.
    look_again = objective == "accuracy" and finalists > 1
    unseen = seeds + FURTHER_SEEDS
    return TuningPlan(
        name=name or label,
        start=recipe,
        space=space,
        trials=DEFAULT_TRIALS if trials is None and seconds is None else trials,
        seconds=seconds,
        seeds=tuple(range(seeds)),
        final_seeds=tuple(range(unseen, unseen + final_seeds)),
        objective="accuracy" if objective == "accuracy" else "accuracy-seconds",
        prune=prune and objective == "accuracy",
        sampler_seed=sampler_seed,
        finalists=finalists if look_again else 0,
        further_seeds=tuple(range(seeds, unseen)) if look_again else (),
    )


def read_start(
    start: str | Path | Recipe, fields: Mapping[str, Any]
) -> tuple[str, Recipe, dict[str, Any]]:
    """Return what a start is called, its recipe with `fields` changed, and what its file varies.

    Raises
    ------
    TuningError, RecipeError
        If there is none, or it makes no sense.
    """
    if isinstance(start, Recipe):
        return start.model, start.but(**fields), {}
    text = str(start)
    if text in shipped_recipes():
        return text, recipe(text, **fields), {}
    if Path(text).suffix == ".toml":
        found = read_recipe_file(Path(text))
        vary = found.pop("vary", {})
        if not isinstance(vary, Mapping):
            raise TuningError(f"{text}: vary must be a table, found {shown(vary)}")
        return Path(text).stem, Recipe(**{**found, **fields}), dict(vary)
    from fittingroom.models import MODELS

    if text not in MODELS and ":" not in text:
        raise TuningError(
            f"unknown network or recipe {text!r}; known are the networks {', '.join(MODELS)}, "
            f"the recipes {', '.join(shipped_recipes())}, or the path of a .toml file"
        )
    return text, recipe_for_model(text, **fields), {}


def check_start(start: Recipe, fields: Mapping[str, Any]) -> None:
    """See that a recipe is one to tune.

    Raises
    ------
    TuningError
        If it would choose on the test pictures, or names its own seed.
    """
    if start.protocol == "notebook":
        raise TuningError(
            "protocol 'notebook' has no validation pictures, and tuning would choose on the test "
            "set; tune with protocol 'holdout'"
        )
    if "seed" in fields or start.seed:
        raise TuningError("seed: a tuning has seeds of its own; say how many with --seeds")


def usual_space(model: str) -> dict[str, Any]:
    """Return what varies of a network where a person names nothing."""
    text = resources.files("fittingroom.tuning").joinpath("spaces.toml").read_text("utf-8")
    spaces = tomllib.loads(text)
    return dict(spaces.get(model, spaces[OWN]))


def check_numbers(
    trials: int | None,
    seconds: float | None,
    seeds: int,
    final_seeds: int,
    finalists: int,
    sampler_seed: int,
) -> None:
    """See that the numbers of a plan are ones that somebody can mean.

    Raises
    ------
    TuningError
        If one is not.
    """
    if trials is not None and not 1 <= trials <= MOST_TRIALS:
        raise TuningError(f"trials must be 1 to {MOST_TRIALS:,}, found {trials:,}")
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise TuningError(f"time must be more than nothing, found {seconds:g} s")
    if not 1 <= seeds <= MOST_SEEDS:
        raise TuningError(f"seeds must be 1 to {MOST_SEEDS:,}, found {seeds:,}")
    if not 0 <= final_seeds <= MOST_SEEDS:
        raise TuningError(f"final seeds must be 0 to {MOST_SEEDS:,}, found {final_seeds:,}")
    if not 0 <= finalists <= MOST_FINALISTS:
        raise TuningError(f"finalists must be 0 to {MOST_FINALISTS:,}, found {finalists:,}")
    if not 0 <= sampler_seed <= MAX_SEED:
        raise TuningError(f"the sampler's seed must be 0 to {MAX_SEED}, found {sampler_seed}")
