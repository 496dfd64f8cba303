"""What may vary, as a person writes it.

On the command line, and in the table `[vary]` of a TOML file::

    lr=1e-4..1e-1:log            lr = { low = 1e-4, high = 1e-1, log = true }
    epochs=3..12:step=3          epochs = { low = 3, high = 12, step = 3 }
    batch_size=64,128,256        batch_size = [64, 128, 256]
    hidden=[128],[256,128]       hidden = [[128], [256, 128]]

A TOML file may use the command line's spelling too, as a string, and say
`lr = { times = [0.1, 10], log = true }`: a range from a tenth to ten times the start recipe's own.
A name that is no field of a recipe is an option of the network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal, get_args

from pydantic import JsonValue

from fittingroom.errors import RecipeError, TuningError
from fittingroom.training.recipe import Recipe, shown
from fittingroom.tuning.space import (
    Number,
    Parameter,
    Space,
    is_number,
    number,
    plain,
    same,
    written,
)

# What decides how trials are compared cannot differ between them.
FIXED = {
    "seed": "every trial has the same seeds; say how many with --seeds",
    "protocol": "tuning chooses on validation pictures, always the same",
    "validation_size": "tuning chooses on validation pictures, always the same",
    "validation_seed": "tuning chooses on validation pictures, always the same",
    "model": "tune one network at a time, and compare the winners with `fittingroom study`",
    "model_options": "name an option of the network itself, e.g. hidden=[128],[256,128]",
}
# These decide what a network's pictures and answers are, not what it is like.
SHAPES = ("input_shape", "num_classes")
RANGE = re.compile(r"(?P<low>.+?)\.\.(?P<high>[^:]+)(?P<rest>(?::[^:]*)*)")
KEYS = ("low", "high", "log", "step", "times")


def space_of(vary: Mapping[str, Any], start: Recipe, where: str = "vary") -> Space:
    """Make a space of what a person said.

    Parameters
    ----------
    vary
        Name -> values, in one of the forms that the module's text shows.
    start
        The recipe that the values are put into.
    where
        What an error message names as the place.

    Raises
    ------
    TuningError
        If a name is unknown, or its values make no sense; or nothing varies.
    """
    if not vary:
        raise TuningError(
            f"{where}: nothing varies; name a parameter and its values, e.g. lr=1e-4..1e-1:log"
        )
    options = options_of(start.model)
    try:
        parameters = [parameter_of(name, value, start, options) for name, value in vary.items()]
    except (TuningError, RecipeError) as error:
        raise TuningError(f"{where}: {error}") from None
    return Space(tuple(parameters))


def options_of(model: str) -> dict[str, Any] | None:
    """Return a network's options and their defaults; None where it is a person's own."""
    import inspect

    from fittingroom.models import MODELS

    if model not in MODELS:
        return None
    parameters = inspect.signature(MODELS[model]).parameters
    return {
        name: plain(parameter.default)
        for name, parameter in parameters.items()
        if name not in SHAPES
    }


def parameter_of(
    name: str, value: Any, start: Recipe, options: Mapping[str, Any] | None
) -> Parameter:
    """Make one parameter of what a person said; its ends are tried out in the start recipe."""
    if name in FIXED:
        raise TuningError(f"{name} cannot vary: {FIXED[name]}")
    in_options = name not in Recipe.model_fields
    if in_options and options is not None and name not in options:
        fields = [field for field in Recipe.model_fields if field not in FIXED]
        raise TuningError(
            f"unknown parameter {name!r}; known are {', '.join(fields)}, and of the network "
            f"{start.model} {', '.join(options)}"
        )
    default = (options or {}).get(name)
    blank = Parameter(name, "choice", in_options=in_options, default=default)
    said = read_text(name, value) if isinstance(value, str) else value
    if isinstance(said, Mapping):
        parameter = range_of(blank, said, start)
    elif isinstance(said, Sequence) and not isinstance(said, str):
        parameter = choice_of(blank, said, start)
    else:
        flag = f"--option {name}={value}" if in_options else f"--{name.replace('_', '-')} {value}"
        raise TuningError(f"{name}: one value is nothing to vary; fix it with {flag}")
    for end in parameter.ends:
        Space((parameter,)).recipe(start, {name: end})
    return parameter


def read_text(name: str, text: str) -> Any:
    """Read the command line's spelling: a range becomes a dict, a list of values a list."""
    match = RANGE.fullmatch(text.strip())
    if match is None:
        return read_list(name, text)
    found: dict[str, Any] = {end: read_number(name, match[end]) for end in ("low", "high")}
    for word in filter(None, match["rest"].split(":")):
        key, _, value = word.strip().partition("=")
        if word.strip() == "log":
            found["log"] = True
        elif key == "step":
            found["step"] = read_number(name, value)
        else:
            raise TuningError(
                f"{name}: expected :log or :step=NUMBER after a range, found {word!r}"
            )
    return found


def read_number(name: str, text: str) -> Number:
    """Read a whole number or a float."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise TuningError(
            f"{name}: expected a number, as in 0.001..0.1, found {shown(text.strip())}"
        ) from None


def read_list(name: str, text: str) -> list[Any]:
    """Read values with commas between them: JSON, or else words."""
    try:
        values = json.loads(f"[{text}]")
    except (ValueError, RecursionError):
        values = [read_word(word.strip()) for word in text.split(",")]
    if len(values) == 1:
        raise TuningError(
            f"{name}: one value is nothing to vary: expected a range as 0.001..0.1 or two or more "
            f"values as 64,128, found {shown(text)}"
        )
    return list(values)


def read_word(word: str) -> Any:
    """Read one JSON value; what is no JSON is text."""
    try:
        return json.loads(word)
    except (ValueError, RecursionError):
        return word


def choice_of(blank: Parameter, values: Sequence[Any], start: Recipe) -> Parameter:
    """Make a choice of values, each as the recipe has it."""
    name = blank.name
    choices: list[JsonValue] = []
    for value in values:
        recipe = Space((replace(blank, choices=(value,)),)).recipe(start, {name: value})
        found = plain(blank.of(recipe))
        if any(same(found, choice) for choice in choices):
            raise TuningError(f"{name}: the value {written(found)} is named twice")
        choices.append(found)
    if len(choices) < 2:
        raise TuningError(
            f"{name}: expected two or more values to choose from, found {len(choices)}"
        )
    return replace(blank, choices=tuple(choices))


def range_of(blank: Parameter, said: Mapping[str, Any], start: Recipe) -> Parameter:
    """Make a range of its ends."""
    name = blank.name
    for key, value in said.items():
        if key not in KEYS:
            raise TuningError(
                f"{name}: unknown key {key!r} of a range; known are {', '.join(KEYS)}"
            )
        if key == "log" and not isinstance(value, bool):
            raise TuningError(f"{name}: log must be true or false, found {shown(value)}")
    low, high = ends_of(blank, said, start)
    step = said.get("step")
    numbers = {"low": low, "high": high} | ({} if step is None else {"step": step})
    for key, value in numbers.items():
        if not is_number(value):
            raise TuningError(f"{name}: {key} must be a number, found {shown(value)}")
    kind = kind_of(blank, numbers)
    found = replace(blank, kind=kind, low=low, high=high, log=bool(said.get("log")), step=step)
    if kind == "float":
        found = replace(found, low=float(low), high=float(high))
    check_range(found)
    return replace(found, high=last_of(found))


def ends_of(blank: Parameter, said: Mapping[str, Any], start: Recipe) -> tuple[Any, Any]:
    """Return the ends of a range: as they are said, or as multiples of the start recipe's value."""
    if "times" not in said:
        if "low" not in said or "high" not in said:
            raise TuningError(f"{blank.name}: a range needs low and high, found {', '.join(said)}")
        return said["low"], said["high"]
    times, value = said["times"], blank.of(start)
    if not (isinstance(times, Sequence) and len(times) == 2 and all(map(is_number, times))):
        raise TuningError(f"{blank.name}: times must be two factors, found {shown(times)}")
    if not is_number(value):
        raise TuningError(f"{blank.name}: the start's {shown(value)} cannot be multiplied")
    low, high = (float(f"{factor * value:.12g}") for factor in times)
    return (round(low), round(high)) if isinstance(value, int) else (low, high)


def kind_of(blank: Parameter, numbers: Mapping[str, Number]) -> Literal["float", "int"]:
    """Tell what numbers a range has: those of the recipe's field, of an option those of its ends.

    Raises
    ------
    TuningError
        If the field is no number, or a whole one and an end is not.
    """
    name = blank.name
    whole = all(isinstance(value, int) for value in numbers.values())
    if blank.in_options:
        return "int" if whole else "float"
    annotation = Recipe.model_fields[name].annotation
    kinds = get_args(annotation) or (annotation,)
    if float in kinds:
        return "float"
    if int not in kinds:
        raise TuningError(f"{name} is no number: name the values to choose from, as a,b,c")
    if not whole:
        raise TuningError(
            f"{name} must be a whole number, found {', '.join(str(v) for v in numbers.values())}"
        )
    return "int"


def check_range(found: Parameter) -> None:
    """See that there are values within a range.

    Raises
    ------
    TuningError
        If it is empty or inverted, goes through zero by factors, or its step is none.
    """
    name, low, high = found.name, number(found.low), number(found.high)
    if low == high:
        raise TuningError(f"{name}: the range {low:g}..{high:g} is a single value, nothing to vary")
    if low > high:
        raise TuningError(
            f"{name}: the range {low:g}..{high:g} is empty: its low end lies above its high end"
        )
    if found.log and low <= 0:
        raise TuningError(
            f"{name}: a range by factors (log) must lie above zero, found {low:g}..{high:g}"
        )
    if found.step is not None and found.log:
        raise TuningError(f"{name}: log and step exclude each other; leave out one of them")
    if found.step is not None and not 0 < found.step <= high - low:
        raise TuningError(
            f"{name}: step must be above 0 and at most {high - low:g}, found {found.step:g}"
        )


def last_of(found: Parameter) -> Number:
    """Return the highest value of a range that its steps come to."""
    if found.step is None:
        return number(found.high)
    low, high, step = (Decimal(str(value)) for value in (found.low, found.high, found.step))
    last = low + (high - low) // step * step
    return int(last) if found.kind == "int" else float(last)
