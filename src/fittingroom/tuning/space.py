"""What may vary: the parameters of a tuning, and where each may lie."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from pydantic import JsonValue

from fittingroom.training.recipe import Recipe

Number = float | int


@dataclass(frozen=True)
class Parameter:
    """One thing that varies.

    Parameters
    ----------
    name
        A field of Recipe, or an option of the network.
    kind
        A range of floats or of whole numbers, or a choice among values.
    low, high
        Of a range: its ends, which belong to it.
    log
        Whether a range is looked at by factors rather than by differences.
    step
        Of a range: the distance between the values that are tried; None for any float, 1 for ints.
    choices
        The values to choose from.
    in_options
        True if it is an option of the network, which belongs to `recipe.model_options`.
    default
        The value of an option that a recipe does not name.
    """

    name: str
    kind: Literal["float", "int", "choice"]
    low: Number | None = None
    high: Number | None = None
    log: bool = False
    step: Number | None = None
    choices: tuple[JsonValue, ...] = ()
    in_options: bool = False
    default: JsonValue = None

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values that stand for all: the ends of a range, or every choice."""
        return self.choices if self.kind == "choice" else (self.low, self.high)

    @property
    def count(self) -> int | None:
        """How many values there are; None for more than can be counted."""
        if self.kind == "choice":
            return len(self.choices)
        if self.kind == "float" and self.step is None:
            return None
        return round((number(self.high) - number(self.low)) / (self.step or 1)) + 1

    @property
    def values(self) -> tuple[Any, ...]:
        """Every value of a parameter that has a `count`."""
        if self.kind == "choice":
            return self.choices
        low, step = Decimal(str(self.low)), Decimal(str(self.step or 1))
        whole = int if self.kind == "int" else float
        return tuple(whole(low + step * place) for place in range(self.count or 0))

    def has(self, value: Any) -> bool:
        """Tell whether a value is one of the parameter's."""
        if self.kind == "choice":
            return any(same(value, choice) for choice in self.choices)
        if not is_number(value):
            return False
        if not number(self.low) <= value <= number(self.high):
            return False
        steps = (value - number(self.low)) / self.step if self.step else 0.0
        return math.isclose(steps, round(steps), abs_tol=1e-9)

    def of(self, recipe: Recipe) -> Any:
        """Return a recipe's value."""
        if self.in_options:
            return recipe.model_options.get(self.name, self.default)
        return getattr(recipe, self.name)

    def __str__(self) -> str:
        if self.kind == "choice":
            return ",".join(written(choice) for choice in self.choices)
        ends = (
            f"{self.low:g}..{self.high:g}" if self.kind == "float" else f"{self.low}..{self.high}"
        )
        return ends + ":log" * self.log + (f":step={self.step:g}" if self.step else "")


@dataclass(frozen=True)
class Space:
    """Everything that varies; a point in it and a start recipe make a recipe."""

    parameters: tuple[Parameter, ...]

    def recipe(self, start: Recipe, values: Mapping[str, Any]) -> Recipe:
        """Return the start recipe with these values, by the parameters' names.

        Raises
        ------
        RecipeError
            If they do not go together.
        """
        return start.but(**self.fields(start, values))

    def fields(self, start: Recipe, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a recipe that values stand for."""
        options = {p.name: values[p.name] for p in self.parameters if p.in_options}
        fields = {p.name: values[p.name] for p in self.parameters if not p.in_options}
        return fields | ({"model_options": {**start.model_options, **options}} if options else {})

    def values_of(self, recipe: Recipe) -> dict[str, Any] | None:
        """Return where a recipe lies; None where that is outside."""
        values = {parameter.name: parameter.of(recipe) for parameter in self.parameters}
        inside = all(parameter.has(values[parameter.name]) for parameter in self.parameters)
        return values if inside else None

    @property
    def size(self) -> int | None:
        """How many points there are; None for more than can be counted."""
        counts = [parameter.count for parameter in self.parameters]
        return None if None in counts else math.prod(count for count in counts if count)

    def __str__(self) -> str:
        return "  ".join(f"{parameter.name}={parameter}" for parameter in self.parameters)


def number(value: Number | None) -> Number:
    """Return an end of a range, which is there."""
    if value is None:
        raise TypeError("a choice has no ends")
    return value


def same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are the same; unlike in Python, true is not 1."""
    return json.dumps(plain(one)) == json.dumps(plain(other))


def plain(value: Any) -> Any:
    """Return a value as JSON has it: (256, 128), a default of a network's class, as [256, 128]."""
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    return value


def written(value: Any) -> str:
    """Return a value as the command line spells it."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def brief(value: Any) -> str:
    """Return a value for people, floats in three digits; files have all of them."""
    return f"{value:.3g}" if isinstance(value, float) else written(value)


def is_number(value: Any) -> bool:
    """Tell whether a value is a finite number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf
