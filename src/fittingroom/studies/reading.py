"""A study's plan, read from TOML or from a dict of the same shape.

A TOML file::

    name = "rates"
    seeds = 5                              # 0 to 4; or a list: [0, 7, 11]

    [base]                                 # where every setting begins
    recipe = "notebook-three-layer"        # a shipped recipe; then any field of a recipe
    epochs = 5

    [settings.slow]                        # named settings ...
    lr = 0.0001
    label = { en = "slow", ko = "느리게" }

    [grid]                                 # ... or every combination of these values
    lr = [0.01, 0.001]
    batch_size = [64, 256]

    [[claims]]
    id = "slow-is-worse"
    kind = "better"
    pairs = [["lr=0.001, batch_size=64", "slow"]]
    text = "a tiny learning rate costs accuracy"
"""

from __future__ import annotations

import itertools
import math
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from fittingroom.data.records import read_record
from fittingroom.errors import RecipeError, StudyError
from fittingroom.studies.plan import StudyPlan, check_number_of_runs, seed_list, validate
from fittingroom.training.recipe import Recipe, chosen_recipe, shown

DEFAULT_SEEDS = 5


def shipped_plans() -> list[str]:
    """Return the names of the studies that come with the program."""
    files = resources.files("fittingroom.studies").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def read_plan(name: str | Path) -> StudyPlan:
    """Read a shipped study by its name, or a TOML file.

    Raises
    ------
    StudyError
        If there is no such study or file, or what it says makes no sense.
    """
    path = Path(name)
    if str(name) in shipped_plans():
        content = resources.files("fittingroom.studies").joinpath(f"{name}.toml").read_bytes()
    elif path.suffix == ".toml":
        try:
            content = read_record(path)
        except OSError as error:
            raise StudyError(f"{path}: cannot be read: {error.strerror or error}") from error
        except ValueError as error:
            raise StudyError(f"{path}: not a study: {error}") from error
    else:
        raise StudyError(
            f"unknown study {str(name)!r}; known are {', '.join(shipped_plans())}, "
            "or the path of a .toml file"
        )
    try:
        fields = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{path}: not a TOML file: {error}") from error
    return plan_of(fields, where=str(name), name=path.stem)


def plan_of(fields: Mapping[str, Any], *, where: str = "study", name: str = "study") -> StudyPlan:
    """Make a plan of what a TOML file, or a dict of the same shape, says.

    Parameters
    ----------
    fields
        As in the module's text. In Python a value of `settings` may also be a Recipe.
    where
        What an error message names as the place.
    name
        The study's name where `fields` has none.

    Raises
    ------
    StudyError
        If it makes no sense.
    """
    rest = dict(fields)
    base = table(rest.pop("base", {}), where, "base")
    named = table(rest.pop("settings", {}), where, "settings")
    grid = table(rest.pop("grid", {}), where, "grid")
    seeds = seed_list(rest.pop("seeds", DEFAULT_SEEDS), where)
    if not named and not grid:
        raise StudyError(f"{where}: a study of nothing: name [settings], or values in a [grid]")
    combinations = grid_of(grid, where)
    try:
        check_number_of_runs(len(named) + math.prod(map(len, grid.values())) * bool(grid), seeds)
    except ValueError as error:
        raise StudyError(f"{where}: {error}") from None
    settings = [setting_of(key, value, base, where) for key, value in named.items()]
    settings += [setting_of(key, value, base, where) for key, value in combinations]
    title = rest.pop("title", rest.get("name", name))
    return validate(
        {"name": name, **rest, "title": title, "seeds": seeds, "settings": settings}, where
    )


def table(value: Any, where: str, name: str) -> dict[str, Any]:
    """Return a table of a TOML file as a dict."""
    if not isinstance(value, Mapping):
        raise StudyError(f"{where}: {name} must be a table, found {shown(value)}")
    return dict(value)


def grid_of(grid: Mapping[str, Any], where: str) -> itertools.chain[tuple[str, dict[str, Any]]]:
    """Return each combination of a grid's values with a name made of them, as they are needed."""
    for field, values in grid.items():
        if not isinstance(values, list | tuple) or not values:
            raise StudyError(
                f"{where}: grid.{field} must be a list of one or more values, found {shown(values)}"
            )
    choices = (dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values()))
    named = ((", ".join(f"{k}={v}" for k, v in choice.items()), choice) for choice in choices)
    return itertools.chain(named if grid else ())


def setting_of(name: str, value: Any, base: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return one setting: the base's fields, then its own."""
    if isinstance(value, Recipe):
        return {"name": name, "label": name, "recipe": value.but(seed=0)}
    fields = {"label": name, **base, **table(value, where, f"settings.{name}")}
    label, recipe = fields.pop("label"), fields.pop("recipe", None)
    if "seed" in fields:
        raise StudyError(f"{where}: setting {name!r}: seeds are named once, for all settings")
    if ":" in str(fields.get("model", "")):
        raise StudyError(
            f"{where}: setting {name!r}: a study cannot name a network of your own, since that "
            "would run its code; in Python, give its Recipe"
        )
    try:
        return {"name": name, "label": label, "recipe": chosen_recipe(recipe, **fields)}
    except (RecipeError, TypeError) as error:
        raise StudyError(f"{where}: setting {name!r}: {error}") from error
