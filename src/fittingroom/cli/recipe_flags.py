"""The recipe's fields as command-line flags: each field is one flag, described where it is."""

from __future__ import annotations

import functools
import inspect
import json
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any

import typer

from fittingroom.cli.terminal import one_line_errors
from fittingroom.errors import RecipeError
from fittingroom.training.recipe import Recipe

# Two fields are not typed as their own names: --model is the command's own way in, and a network's
# arguments come one by one.
MODEL_OPTIONS = "model_options"


def with_recipe_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one optional flag for each field of the recipe.

    The command takes them as `**fields`; it gets only those that were typed.
    """

    @functools.wraps(command)
    def with_fields(**arguments: Any) -> None:
        with one_line_errors():
            fields = given_fields({name: arguments.pop(name) for name in Recipe.model_fields})
        command(**arguments, **fields)

    own = [
        parameter
        for parameter in inspect.signature(command, eval_str=True).parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    flags = [flag(name) for name in Recipe.model_fields]
    parameters = own + flags
    with_fields.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_fields.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_fields


def flag(name: str) -> inspect.Parameter:
    """Return the command's parameter for one field of the recipe."""
    field = Recipe.model_fields[name]
    spelled = "--option" if name == MODEL_OPTIONS else "--" + name.replace("_", "-")
    description = f"{field.description}"
    if name == MODEL_OPTIONS:
        kind: Any = list[str]
        description += "; may be given several times"
    else:
        kind = plain_type(field.annotation)
    if kind is bool:
        spelled = f"{spelled}/--no-{name.replace('_', '-')}"
    option = typer.Option(spelled, help=description, show_default=False)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )


def plain_type(annotation: Any) -> type:
    """Return bool, int, float or str: what the words on the command line are read as.

    Choices are read as text, for the recipe itself says what is wrong with one.
    """
    candidates = typing.get_args(annotation) if is_union(annotation) else (annotation,)
    return next((kind for kind in (bool, int, float) if kind in candidates), str)


def is_union(annotation: Any) -> bool:
    """Tell whether an annotation is `A | B`."""
    return typing.get_origin(annotation) in {typing.Union, types.UnionType}


def given_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that were typed, the network's arguments as one dictionary."""
    given = {name: value for name, value in fields.items() if value not in (None, [])}
    if MODEL_OPTIONS in given:
        given[MODEL_OPTIONS] = dict(read_option(text) for text in given[MODEL_OPTIONS])
    return given


def read_option(text: str) -> tuple[str, Any]:
    """Read "hidden=[512,256]": a name and a JSON value; what is no JSON is text.

    Raises
    ------
    RecipeError
        If there is no name.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise RecipeError(f"--option must be name=value, e.g. hidden=[512,256], found {text!r}")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value
