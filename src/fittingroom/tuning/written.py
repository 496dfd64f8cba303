"""best.toml and front.toml: what a tuning found, in the form that other commands take."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fittingroom.runs.folder import write_text
from fittingroom.training.recipe import Recipe
from fittingroom.tuning.space import written
from fittingroom.tuning.tuning import Trial


def write_best(path: Path, trial: Trial, data: str) -> None:
    """Write the winner for `fittingroom train --recipe`.

    Parameters
    ----------
    data
        What the pictures are called that it was chosen on.
    """
    lines = [
        f"# The best of a tuning on {in_comment(data)}:",
        f"# trial {trial.number}, {trial.mean:.2%} on the validation pictures.",
        *(f"# A file has no word for it: give {flag} beside it." for flag in flags(trial.recipe)),
        *field_lines(fields_of(trial.recipe)),
    ]
    write_text(path, "\n".join(lines) + "\n")


def write_front(path: Path, trials: Sequence[Trial], seeds: Sequence[int], data: str) -> None:
    """Write the trials that none beats in both accuracy and seconds for `fittingroom study`.

    Nothing is written where a study could not follow their recipes: networks of a person's own.

    Parameters
    ----------
    seeds
        Of the study.
    data
        What the pictures are called that they were chosen on.
    """
    if any(flags(trial.recipe) for trial in trials):
        return
    lines = [f"# The best trade-offs of a tuning on {in_comment(data)}, the fastest first."]
    lines += [f"seeds = {list(seeds)}"] if seeds else []
    for trial in trials:
        chosen = ", ".join(f"{name}={written(value)}" for name, value in trial.values.items())
        lines += ["", f"# {trial.accuracy:.2%} on the validation pictures in {trial.seconds:.2f} s"]
        lines += [f'[settings."trial {trial.number}"]', f"label = {toml(chosen)}"]
        lines += field_lines(fields_of(trial.recipe))
    write_text(path, "\n".join(lines) + "\n")


def fields_of(recipe: Recipe) -> dict[str, Any]:
    """Return the fields that a recipe file needs to mean this recipe, whatever the defaults."""
    fields = recipe.model_dump(mode="json", exclude={"seed"}, exclude_none=True)
    options = {name: v for name, v in recipe.model_options.items() if v is not None}
    if ":" in recipe.model:  # a recipe file cannot name a network whose code would run
        del fields["model"]
    return fields | {"model_options": options}


def flags(recipe: Recipe) -> list[str]:
    """Return what a recipe file cannot say, as flags of `fittingroom train`."""
    own = [f"--model {in_comment(recipe.model)}"] if ":" in recipe.model else []
    nothing = [name for name, value in recipe.model_options.items() if value is None]
    return own + [f"--option {in_comment(name)}=null" for name in nothing]


def in_comment(text: str) -> str:
    """Return a text as it may stand in one line of a comment."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def field_lines(fields: Mapping[str, Any]) -> list[str]:
    """Write a table's fields, one a line."""
    return [f"{name} = {toml(value)}" for name, value in fields.items()]


def toml(value: Any) -> str:
    """Write a JSON value as TOML; a missing one has no place there.

    Raises
    ------
    ValueError
        If it is None, or holds it.
    """
    if value is None:
        raise ValueError("TOML has no word for nothing")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{toml(str(k))} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    # JSON's texts, numbers, true and false are TOML's; what JSON may leave, TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
