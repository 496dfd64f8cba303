"""The commands. Each parses its words, calls one library function and prints what it returned.

Heavy libraries are imported inside the commands, so that `fittingroom --help` answers at once.
"""

from __future__ import annotations

import io
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fittingroom._version import __version__
from fittingroom.cli.options import with_recipe_flags
from fittingroom.cli.terminal import (
    BAD_INPUT,
    EPOCH_COLUMNS,
    INTERRUPTED,
    Terminal,
    complain,
    duration,
    epoch_cells,
    one_line_errors,
)
from fittingroom.errors import RecipeError

if TYPE_CHECKING:
    from fittingroom.data.dataset import DataSplits
    from fittingroom.runs.run import Run
    from fittingroom.training.recipe import Recipe

app = typer.Typer(
    name="fittingroom",
    help="Train, judge and explain small-image classifiers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: half the time until it is there
    context_settings={"help_option_names": ["-h", "--help"]},
)
runs_app = typer.Typer(help="List runs, or show one.", invoke_without_command=True)
data_app = typer.Typer(help="Look at a data set, check it, or draw one.", no_args_is_help=True)
app.add_typer(runs_app, name="runs")
app.add_typer(data_app, name="data")

DataOption = Annotated[
    str,
    typer.Option(
        "--data",
        help="auto, fashion-mnist, sketches, or a path: a folder, zip, CSV or npz",
        show_default=False,
    ),
]
ClassesOption = Annotated[
    Path | None, typer.Option("--classes", help="text file with one class name a line")
]
SizeOption = Annotated[
    str | None, typer.Option("--size", help="resize pictures of folders: 28 or HEIGHTxWIDTH")
]
RunsOption = Annotated[Path, typer.Option("--out", "--runs", help="folder of the runs")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="only warnings and errors")]
JsonOption = Annotated[bool, typer.Option("--json", help="the result as JSON, for programs")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="a run's name, folder, or latest")]

RUNS = Path("runs")


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


@app.command()
@with_recipe_flags
def train(
    *,
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="a named recipe, or a TOML file with one")
    ] = None,
    data: DataOption = "auto",
    classes: ClassesOption = None,
    size: SizeOption = None,
    device: DeviceOption = "auto",
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads")] = None,
    out: RunsOption = RUNS,
    name: Annotated[str | None, typer.Option("--name", help="the run's name")] = None,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="RUN", help="go on with an unfinished run")
    ] = None,
    figures: Annotated[bool, typer.Option(help="draw the figures")] = True,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    **fields: Any,
) -> None:
    """Train a model, judge it and draw its figures.

    The notebook's best network and setting by default.
    """
    with one_line_errors():
        terminal = Terminal(quiet=quiet, as_json=as_json)
        own_network = own_network_of(resume, fields)
        if resume is not None and (fields or recipe):
            changed = ", ".join([*fields, "recipe"] if recipe else fields)
            raise RecipeError(f"--resume goes on with the run's own recipe; leave out {changed}")
        settled = None if resume else settle_recipe(recipe, fields)
        splits = None
        if settled or data != "auto":
            splits = load_data(terminal, data, classes, size)
        from fittingroom.runs import train as conductor

        set_threads(threads)
        with terminal.follow_training() as on_progress:
            if settled is None:
                run = conductor.resume(
                    str(resume),
                    splits,
                    runs=out,
                    device=None if device == "auto" else device,
                    network=own_network,
                    figures=figures,
                    on_start=lambda run: announce_run(terminal, run),
                    on_progress=on_progress,
                )
            else:
                run = conductor.train(
                    settled,
                    splits or "auto",
                    device=device,
                    out=out,
                    name=name,
                    figures=figures,
                    command=shlex.join(["fittingroom", *sys.argv[1:]]),
                    on_start=lambda run: announce_run(terminal, run),
                    on_progress=on_progress,
                )
        show_finished(terminal, run)


def own_network_of(resume: str | None, fields: dict[str, Any]) -> str | None:
    """Take `--model module:Class` beside `--resume` out of the fields: it names, not changes."""
    if resume is None or ":" not in fields.get("model", ""):
        return None
    return str(fields.pop("model"))


def settle_recipe(name: str | None, fields: dict[str, Any]) -> Recipe:
    """Return the recipe that the flags describe."""
    from fittingroom.training.recipe import recipe, recipe_for_model

    if name is not None:
        return recipe(name, **fields)
    if "model" in fields:
        return recipe_for_model(**fields)
    return recipe(**fields)


def load_data(
    terminal: Terminal, source: str, classes: Path | None = None, size: str | None = None
) -> DataSplits:
    """Load a data set and say what a person should know about it.

    What takes time is told on the standard error, what is so on the standard output.
    """
    from fittingroom.data.sources import load

    splits = load(source, classes=classes, size=read_size(size), announce=terminal.whisper)
    for note in splits.notes:
        terminal.say(f"note: {note}")
    return splits


def read_size(text: str | None) -> tuple[int, int] | None:
    """Read "28" or "32x24" (height x width).

    Raises
    ------
    RecipeError
        If it is neither.
    """
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise RecipeError(f"--size must be 28 or HEIGHTxWIDTH, e.g. 32x24, found {text!r}")
    return int(parts[0]), int(parts[-1])


def set_threads(threads: int | None) -> None:
    """Let torch use so many CPU threads."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def announce_run(terminal: Terminal, run: Run) -> None:
    """Say what is about to be trained, on what, where."""
    data, environment = run.record["data"], run.record["environment"]
    kind = " (sketches, not Fashion-MNIST)" if data["sketches"] else ""
    terminal.say(
        f"data: {data['name']}{kind}, {data['train']:,} to train, {data['validation']:,} to "
        f"validate, {data['test']:,} to test, fingerprint {data['fingerprint'][:12]}"
    )
    terminal.say(
        f"model: {run.recipe.model}, {run.record['model']['parameters']:,} parameters, on "
        f"{environment['device']} ({environment['device_name']}), {environment['precision']}"
    )
    if run.recipe.protocol == "notebook":
        terminal.say(
            "protocol notebook: trained on every training picture; the score is read on the "
            "test set, so do not choose settings by it"
        )


def show_finished(terminal: Terminal, run: Run) -> None:
    """Print the epochs, the evaluation and where everything lies."""
    if terminal.console.is_terminal:
        terminal.table(EPOCH_COLUMNS, [epoch_cells(epoch) for epoch in run.history])
    else:
        terminal.say()
    results = run.record["results"]
    terminal.result(str(run.evaluation), run.record | {"folder": str(run.folder)})
    terminal.say()
    terminal.say(
        f"trained {results['epochs']} epochs in {duration(results['training_seconds'])} "
        f"({results['images_per_second']:,.0f} images/s)"
    )
    terminal.say(f"everything lies in {run.folder}")


@app.command()
def evaluate(
    run: RunArgument = "latest",
    data: Annotated[
        str | None, typer.Option("--data", help="other data than the run's own")
    ] = None,
    classes: ClassesOption = None,
    model: Annotated[
        str | None, typer.Option("--model", help="module:Class, for a run of a network of your own")
    ] = None,
    out: RunsOption = RUNS,
    as_json: JsonOption = False,
) -> None:
    """Judge a trained model again, or on other data."""
    with one_line_errors():
        from fittingroom.runs.run import open_run

        terminal = Terminal(as_json=as_json)
        opened = open_run(run, runs=out, network=model)
        splits = None
        if data is not None:
            height, width = opened.classifier.input_shape[1:]
            splits = load_data(terminal, data, classes, f"{height}x{width}")
        evaluation = opened.evaluate(splits)
        terminal.result(str(evaluation), evaluation.to_dict())


@runs_app.callback()
def runs(context: typer.Context, out: RunsOption = RUNS, as_json: JsonOption = False) -> None:
    """List the runs, the oldest first."""
    context.obj = out  # `runs --out X show` means `runs show --out X`
    if context.invoked_subcommand is not None:
        return
    with one_line_errors():
        from fittingroom.runs.run import list_runs

        terminal = Terminal(as_json=as_json)
        records = list_runs(out)
        if as_json:
            terminal.result("", records)
        elif not records:
            terminal.say(f"no runs in {out} yet; train one with `fittingroom train`")
        else:
            terminal.table(RUN_COLUMNS, [run_cells(record) for record in records], words=2)


RUN_COLUMNS = ("run", "model and data", "epochs", "lr", "test accuracy", "95% interval")


def run_cells(record: dict[str, Any]) -> list[str]:
    """Return a run's record as the cells of RUN_COLUMNS, its status where it has no result."""
    from fittingroom.evaluation.summary import percent_interval

    if record["status"] == "damaged":
        return [record["name"], "-", "-", "-", "damaged", "-"]
    recipe = record["recipe"]
    test = record["results"]["test"] if record["status"] == "finished" else None
    return [
        record["name"],
        f"{recipe.get('model', '-')} on {record['data']['name']}",
        str(recipe.get("epochs", "-")),
        str(recipe.get("lr", "-")),
        f"{test['accuracy']:.2%}" if test else record["status"],
        percent_interval(test["interval"]) if test else "-",
    ]


@runs_app.command("show")
def show_run(
    context: typer.Context,
    run: RunArgument = "latest",
    out: RunsOption = RUNS,
    as_json: JsonOption = False,
) -> None:
    """Show one run: its recipe, history, evaluation and files."""
    with one_line_errors():
        from fittingroom.runs.run import open_run

        terminal = Terminal(as_json=as_json)
        opened = open_run(run, runs=context.obj if out == RUNS else out)
        if as_json:
            terminal.result("", opened.record | {"folder": str(opened.folder)})
            return
        terminal.say(f"{opened.folder}: {opened.status}")
        if "error" in opened.record:
            terminal.say(f"error: {opened.record['error']}")
        announce_run(terminal, opened)
        recipe = opened.recipe.model_dump()
        terminal.table(
            ("field", "value"),
            [(name, str(value)) for name, value in recipe.items()],
            words=2,
        )
        if opened.status == "finished":
            terminal.table(EPOCH_COLUMNS, [epoch_cells(epoch) for epoch in opened.history])
            terminal.say(str(opened.evaluation))
        terminal.say()
        for path in sorted(opened.folder.rglob("*")):
            if path.is_file():
                terminal.say(f"{path}")


@data_app.command("show")
def show_data(
    data: Annotated[str, typer.Argument(metavar="[PATH]", help="path or name")] = "auto",
    classes: ClassesOption = None,
    size: SizeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is in a data set."""
    with one_line_errors():
        from fittingroom.data.inspection import describe

        terminal = Terminal(as_json=as_json)
        description = describe(load_data(terminal, data, classes, size))
        if as_json:
            terminal.result("", description.to_dict())
            return
        channels, height, width = description.image_shape
        kind = " (sketches, not Fashion-MNIST)" if description.sketches else ""
        terminal.say(f"{description.name}{kind}, from {description.source}")
        terminal.say(
            f"{'colour' if channels == 3 else 'grey'} pictures of {height}x{width}, pixel mean "
            f"{description.pixel_mean:.2f} and standard deviation {description.pixel_std:.2f} "
            "on 0-255"
        )
        terminal.say(f"fingerprint {description.fingerprint}")
        rows = [(c.name, c.train, c.validation, c.test) for c in description.classes]
        rows.append(("all", description.train, description.validation, description.test))
        terminal.table(
            ("class", "train", "validation", "test"),
            [(name, *(f"{count:,}" for count in counts)) for name, *counts in rows],
        )


@data_app.command("check")
def check_data(
    data: Annotated[str, typer.Argument(metavar="[PATH]", help="path or name")] = "auto",
    classes: ClassesOption = None,
    size: SizeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check whether a data set is sound.

    Looks for duplicates, overlaps, contradictions, blanks and imbalance.
    """
    with one_line_errors():
        from fittingroom.data.inspection import check

        terminal = Terminal(as_json=as_json)
        findings = check(load_data(terminal, data, classes, size))
        text = "\n".join(f"{finding.severity}: {finding.sentence}" for finding in findings)
        terminal.result(
            text or "nothing to complain of", [finding.to_dict() for finding in findings]
        )


make_app = typer.Typer(help="Write a data set to a folder.", no_args_is_help=True)
data_app.add_typer(make_app, name="make")


@make_app.command("sketches")
def make_sketches(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="where to write the four files")],
    train: Annotated[int, typer.Option("--train", help="training pictures")] = 12_000,
    test: Annotated[int, typer.Option("--test", help="test pictures")] = 2_000,
    seed: Annotated[int, typer.Option("--seed", help="which pictures")] = 0,
    quiet: QuietOption = False,
) -> None:
    """Draw the built-in set of garments and write it as IDX files."""
    with one_line_errors():
        from fittingroom.data.sketches import write_idx

        write_idx(folder, train=train, test=test, seed=seed)
        Terminal(quiet=quiet).say(f"{train:,} + {test:,} sketches lie in {folder}")


@app.command()
def recipes(as_json: JsonOption = False) -> None:
    """List the named recipes, and the fields of a recipe."""
    with one_line_errors():
        from fittingroom.training.recipe import Recipe, recipe, shipped_recipes

        terminal = Terminal(as_json=as_json)
        shipped = shipped_recipes()
        if as_json:
            terminal.result("", {name: recipe(name).model_dump(mode="json") for name in shipped})
            return
        defaults = Recipe().model_dump()
        for name, found in shipped.items():
            terminal.say(f"{name}: {found['about']}")
            fields = (f"{key}={value}" for key, value in found.items() if key != "about")
            terminal.say(f"    {', '.join(fields) or 'the defaults'}\n")
        terminal.say("The fields of a recipe; on the command line --lr, --batch-size and so on:")
        rows = [
            (name, str(defaults[name]), str(field.description))
            for name, field in Recipe.model_fields.items()
        ]
        terminal.table(("field", "default", "meaning"), rows, words=3)
