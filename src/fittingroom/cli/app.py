"""The command `fittingroom`: its sub-commands put together, and its way out."""

from __future__ import annotations

import gc
import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, cast

import typer

from fittingroom._version import __version__
from fittingroom.cli.data import data_app
from fittingroom.cli.predict import export, predict
from fittingroom.cli.recipes import recipes
from fittingroom.cli.reports import report
from fittingroom.cli.reproduce import reproduce
from fittingroom.cli.runs import runs_app
from fittingroom.cli.serve import serve
from fittingroom.cli.streams import streams
from fittingroom.cli.studies import study
from fittingroom.cli.terminal import BAD_INPUT, INTERRUPTED, complain_once
from fittingroom.cli.training import evaluate, train
from fittingroom.cli.tuning import tune
from fittingroom.cli.verify import verify
from fittingroom.training.torchrun import launch

# typer brings click's exceptions with it from 0.2x on and takes them from click before:
# ClickException, the base of what is wrong with the words on the command line.
WordsError: type[Exception] = typer.BadParameter.__mro__[2]


def main() -> None:
    """Run the command line."""
    with streams():
        code = run(sys.argv[1:])
    gc.freeze()  # the process ends: to collect all of torch's objects first takes half a second
    sys.exit(code)


def run(words: Sequence[str]) -> int | None:
    """Run a command line of these words; return the exit code."""
    try:
        return cast("int | None", build_app(words)(standalone_mode=False, prog_name="fittingroom"))
    except WordsError as error:
        text = error.format_message()  # type: ignore[attr-defined]
        if "\n" in text:  # the help, where a command is missing
            sys.stderr.write(text + "\n")
        else:
            complain_once(text)
        return BAD_INPUT
    except (typer.Abort, KeyboardInterrupt):
        complain_once("interrupted")
        return INTERRUPTED


def build_app(words: Sequence[str]) -> typer.Typer:
    """Put the commands together for a command line of these words."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain help: half the time until it is there
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(program)
    add_recipe_command(app, train, words)
    app.command()(evaluate)
    app.command()(reproduce)
    app.command()(study)
    add_recipe_command(app, tune, words)
    app.command()(report)
    app.command()(serve)
    app.command()(predict)
    app.command()(export)
    app.command()(verify)
    app.command()(recipes)
    app.add_typer(runs_app, name="runs")
    app.add_typer(data_app, name="data")
    return app


def add_recipe_command(
    app: typer.Typer, command: Callable[..., None], words: Sequence[str]
) -> None:
    """Add a command that has a flag for each field of the recipe.

    Where the words do not name it, it is named in the help and never called: its flags come from
    the recipe, and with it pydantic, whose import would take a third of the time of
    `fittingroom --help`.
    """
    name = command.__name__
    if name in words:
        from fittingroom.cli.recipe_flags import with_recipe_flags

        app.command()(with_recipe_flags(command))
    else:
        app.command(name, help=inspect.getdoc(command))(lambda: None)


def program(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="print the version")] = False,
) -> None:
    """Train, judge and explain small-image classifiers, with Fashion-MNIST as home ground."""
    if version:
        sys.stdout.write(f"fittingroom {__version__}\n")
        raise typer.Exit
    here = launch()
    if here is not None and context.invoked_subcommand not in {None, "train"}:
        raise WordsError(
            f"torchrun is for `train`, which its processes share; all {here.size} of them would do "
            f"the whole work of `{context.invoked_subcommand}`: start it without torchrun"
        )
