"""The command `fittingroom`: its sub-commands put together, and its way out."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from fittingroom._version import __version__
from fittingroom.cli.data import data_app
from fittingroom.cli.recipes import recipes
from fittingroom.cli.runs import runs_app
from fittingroom.cli.terminal import BAD_INPUT, INTERRUPTED, complain
from fittingroom.cli.training import evaluate, train

app = typer.Typer(
    name="fittingroom",
    help="Train, judge and explain small-image classifiers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: half the time until it is there
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(train)
app.command()(evaluate)
app.command()(recipes)
app.add_typer(runs_app, name="runs")
app.add_typer(data_app, name="data")

# typer brings click's exceptions with it from 0.2x on and takes them from click before:
# ClickException, the base of what is wrong with the words on the command line.
WordsError: type[Exception] = typer.BadParameter.__mro__[2]


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A Windows console or pipe may lack the letters of a class name.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False, prog_name="fittingroom")
    except WordsError as error:
        text = error.format_message()  # type: ignore[attr-defined]
        if "\n" in text:  # the help, where a command is missing
            sys.stderr.write(text + "\n")
        else:
            complain(text)
        code = BAD_INPUT
    except (typer.Abort, KeyboardInterrupt):
        complain("interrupted")
        code = INTERRUPTED
    sys.exit(code)


@app.callback(invoke_without_command=True)
def program(
    version: Annotated[bool, typer.Option("--version", help="print the version")] = False,
) -> None:
    """Train, judge and explain small-image classifiers, with Fashion-MNIST as home ground."""
    if version:
        sys.stdout.write(f"fittingroom {__version__}\n")
        raise typer.Exit
