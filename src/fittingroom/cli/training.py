"""`train` and `evaluate`."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fittingroom.cli.data import load_data
from fittingroom.cli.options import (
    RUNS,
    ClassesOption,
    DataOption,
    DeviceOption,
    JsonOption,
    LanguageOption,
    OwnNetworkOption,
    QuietOption,
    ReportOption,
    RunArgument,
    RunsOption,
    SizeOption,
    TrackOption,
    chosen_language,
)
from fittingroom.cli.reports import write_report
from fittingroom.cli.terminal import (
    EPOCH_COLUMNS,
    Terminal,
    duration,
    epoch_cells,
    one_line_errors,
)
from fittingroom.errors import RecipeError
from fittingroom.training.torchrun import is_first, launch, starting_words

# Of one thread that trains a convolutional network in fp32: 20 to 40 billion on a Xeon.
MULTIPLY_ADDS_PER_SECOND = 2e10

if TYPE_CHECKING:
    from fittingroom.data.dataset import DataSplits
    from fittingroom.runs.run import Run
    from fittingroom.runs.tracking import Tracking


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
    checkpoint_minutes: Annotated[
        float,
        typer.Option("--checkpoint-minutes", min=0, help="a crash costs so many at most"),
    ] = 1.0,
    checkpoint_steps: Annotated[
        int | None,
        typer.Option("--checkpoint-steps", min=1, help="the same in steps of training"),
    ] = None,
    figures: Annotated[bool, typer.Option(help="draw the figures")] = True,
    track: TrackOption = None,
    report: ReportOption = True,
    language: LanguageOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    **fields: Any,
) -> None:
    """Train a model, judge it, draw its figures and write its report.

    The notebook's best network and setting by default. Several processes share the work under
    `torchrun --nproc-per-node N -m fittingroom train`.
    """
    with one_line_errors(lasting=True):
        terminal = Terminal(quiet=quiet or not is_first(), as_json=as_json and is_first())
        spoken = chosen_language(language)
        own_network = own_network_of(resume, fields)
        if resume is not None and (fields or recipe):
            changed = ", ".join([*fields, "recipe"] if recipe else fields)
            raise RecipeError(f"--resume goes on with the run's own recipe; leave out {changed}")
        from fittingroom.training.recipe import chosen_recipe

        settled = None if resume else chosen_recipe(recipe, **fields)
        from fittingroom.runs.prepare import settle_device
        from fittingroom.runs.tracking import Tracking
        from fittingroom.runs.train import resume as go_on
        from fittingroom.runs.train import train as begin

        tracking = Tracking(track or (), terminal.whisper)
        set_threads(threads)
        if settled is not None:
            settle_device(settled, device)
        splits = load_data(terminal, data, classes, size) if settled or data != "auto" else None
        with terminal.follow_training() as on_progress:
            watch: dict[str, Any] = {
                "figures": figures,
                "checkpoint_minutes": checkpoint_minutes,
                "checkpoint_steps": checkpoint_steps,
                "track": tracking,
                "on_start": lambda run: announce_run(terminal, run),
                "on_progress": on_progress,
            }
            if settled is None:
                where = None if device == "auto" else device
                run = go_on(
                    str(resume), splits, runs=out, device=where, network=own_network, **watch
                )
            else:
                run = begin(
                    settled,
                    splits or "auto",
                    device=device,
                    out=out,
                    name=name,
                    command=shlex.join([*own_starting_words(), *sys.argv[1:]]),
                    **watch,
                )
        if not is_first():
            return  # what follows is told and written once
        show_finished(terminal, run)
        if report:
            write_report(terminal, run, spoken, splits)
        if is_first():
            prepare_to_answer(run, splits)
        say_where(terminal, tracking)
        terminal.say(f"everything lies in {run.folder}")


def prepare_to_answer(run: Run, splits: DataSplits | None) -> None:
    """Fit now, while the data are at hand, what answers for a person's own photos need."""
    from fittingroom.serving.keeping import answering_of

    answering_of(run, splits)


def own_starting_words() -> list[str]:
    """Return what this command began with: its own name, or torchrun and what that was told."""
    here = launch()
    return starting_words(here.size, here.machines) if here else starting_words()


def say_where(terminal: Terminal, tracking: Tracking) -> None:
    """Say how to look at what was tracked."""
    for name, place in tracking.places.items():
        terminal.say(f"tracked by {name}: {place}")


def own_network_of(resume: str | None, fields: dict[str, Any]) -> str | None:
    """Take `--model module:Class` beside `--resume` out of the fields: it names, not changes."""
    if resume is None or ":" not in fields.get("model", ""):
        return None
    return str(fields.pop("model"))


def set_threads(threads: int | None) -> None:
    """Let torch use so many CPU threads."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def announce_run(terminal: Terminal, run: Run) -> None:
    """Say what is about to be trained, on what, where."""
    from fittingroom.training.recipe import is_made_for_cuda

    data, environment = run.record["data"], run.record["environment"]
    kind = " (sketches, not Fashion-MNIST)" if data["sketches"] else ""
    terminal.say(
        f"data: {data['name']}{kind}, {data['train']:,} to train, {data['validation']:,} to "
        f"validate, {data['test']:,} to test, fingerprint {data['fingerprint'][:12]}"
    )
    several = f", {environment['processes']} processes" if "processes" in environment else ""
    terminal.say(
        f"model: {run.recipe.model}, {run.record['model']['parameters']:,} parameters, on "
        f"{environment['device']} ({environment['device_name']}), {environment['precision']}"
        f"{several}"
    )
    if environment["device"] != "cuda" and is_made_for_cuda(run.recipe):
        terminal.say(
            f"this recipe was made for a CUDA GPU; on {environment['device']} it may take "
            f"{rough_duration(run)}"
        )
    if run.recipe.protocol == "notebook":
        terminal.say(
            "protocol notebook: trained on every training picture; the score is read on the "
            "test set, so do not choose settings by it"
        )


def rough_duration(run: Run) -> str:
    """Return about how long training takes on a CPU, from the operations that it needs."""
    from fittingroom.training.recipe import training_passes

    recipe, record = run.recipe, run.record
    passes = training_passes(recipe, recipe.epochs) * record["data"]["train"]
    work = passes * record["model"]["multiply_adds"]
    environment = record["environment"]
    cores = environment.get("threads", 1) * environment.get("processes", 1)
    seconds = work / (MULTIPLY_ADDS_PER_SECOND * cores)
    if seconds < 90:
        return "a minute"
    if seconds < 5400:
        return f"about {round(seconds / 60)} minutes"
    return f"about {round(seconds / 3600):,} hours"


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


def evaluate(
    run: RunArgument = "latest",
    data: Annotated[
        str | None, typer.Option("--data", help="other data than the run's own")
    ] = None,
    classes: ClassesOption = None,
    model: OwnNetworkOption = None,
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
