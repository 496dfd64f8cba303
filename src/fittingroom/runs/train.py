"""A recipe and data in, a finished run out: `train`, `train_together`, `resume`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from fittingroom.data.dataset import DataSplits
from fittingroom.data.sources import load
from fittingroom.errors import RecipeError, RunError
from fittingroom.models import Classifier
from fittingroom.models.defaults import defaults
from fittingroom.runs import folder as files
from fittingroom.runs.assist import share_run
from fittingroom.runs.checkpoints import PACE, Pace
from fittingroom.runs.conduct import conduct
from fittingroom.runs.diary import Diary, new_record
from fittingroom.runs.lock import at_work
from fittingroom.runs.prepare import OwnNetwork, build_classifier, settle_device, settle_recipe
from fittingroom.runs.run import DEFAULT_FOLDER, Run, divide
from fittingroom.runs.tracking import Track, Tracking, tracking_by
from fittingroom.training.compatibility import can_train_together, check_they_fit
from fittingroom.training.device import flushed_denormals, memory_errors
from fittingroom.training.ending import ending_by_signals
from fittingroom.training.history import Progress
from fittingroom.training.parallel import Processes, join_processes
from fittingroom.training.recipe import Recipe
from fittingroom.training.torchrun import launch


@ending_by_signals()
@defaults()
@flushed_denormals()
def train(
    model: str | Recipe | OwnNetwork = "three-layer",
    data: DataSplits | str | Path = "auto",
    *,
    device: str = "auto",
    out: str | Path = DEFAULT_FOLDER,
    name: str | None = None,
    figures: bool = True,
    track: Track = (),
    checkpoint_minutes: float = PACE.minutes,
    checkpoint_steps: int | None = PACE.steps,
    command: str | None = None,
    on_start: Callable[[Run], None] = lambda _run: None,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    **fields: Any,
) -> Run:
    """Train a model, judge it on the test pictures, and write all of it to a run folder.

    Processes that torchrun started share the run: each calls this, and each returns it.

    Parameters
    ----------
    model
        The name of a network of ours (its own recipe is followed), "module:Class" of yours, a
        recipe, or your own torch.nn.Module: an instance, or its class, which is then built anew
        from the seed.
    data
        What `fittingroom.load` returns, or the argument for it.
    device
        auto, cpu, cuda, cuda:N or mps.
    out, name
        The folder for runs, and the run's name in it; by default data, model and seed.
    figures
        Whether to draw the figures too.
    track
        "mlflow", "tensorboard", or both in a list: where to write the run down beside its folder,
        while it goes on. A tracker that fails is warned of, and the run goes on.
    checkpoint_minutes, checkpoint_steps
        After how many minutes and steps at the latest to write down what the run needs to go on
        after a crash; at ends of epochs it is written every ten seconds anyway.
    command
        The command line that repeats the run, if there is one.
    on_start, on_progress
        Called with the run once its folder is there, and with its progress.
    fields
        Fields of the recipe to change, e.g. `epochs=5, lr=0.001`.

    Returns
    -------
    The finished run; `run.evaluation` is its judgement on the test pictures.

    Raises
    ------
    FittingroomError
        Of the kinds that `fittingroom.errors` names, in one line.
    Interrupted
        (a KeyboardInterrupt) at Ctrl-C, after what there is was saved.
    """
    with (
        join_processes() as processes,
        tracking_of(processes, track).follow(on_start, on_progress) as (tell_start, tell_progress),
        ExitStack() as locks,
    ):
        pace = Pace(checkpoint_minutes, checkpoint_steps)
        recipe, network = settle_recipe(model, fields)
        place = settle_device(recipe, device)
        splits = divide(data if isinstance(data, DataSplits) else load(data), recipe)
        with memory_errors(recipe.batch_size):
            classifier = build_classifier(recipe, splits, network)
        check_they_fit(classifier, splits, recipe, place)

        def open_diary() -> Diary:
            usual_name = f"{splits.name}-{recipe.model}-seed{recipe.seed}"
            folder = files.new_folder(Path(out), name or usual_name)
            locks.enter_context(at_work(folder))
            record = new_record(folder.name, recipe, splits, place, classifier, command)
            return Diary(folder, record, pace)

        return share_run(
            processes,
            open_diary,
            classifier,
            splits,
            recipe,
            place,
            figures=figures,
            on_start=tell_start,
            on_progress=tell_progress,
        )


@ending_by_signals()
@defaults()
@flushed_denormals()
def train_together(
    recipes: Sequence[Recipe],
    data: DataSplits,
    *,
    names: Sequence[str],
    device: str = "auto",
    out: str | Path = DEFAULT_FOLDER,
    on_start: Callable[[Run], None] = lambda _run: None,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
) -> list[Run]:
    """Train one recipe with several seeds at once, to the same ends as one after another.

    Within rounding, that is; on one thread of a CPU, bit for bit. Each run has a folder as if it
    had been trained alone, but no checkpoint and no figures, and its run.json says under
    "stacked" how many there were. Its seconds are those of all divided by their number.

    Parameters
    ----------
    recipes
        They differ in nothing but their seeds.
    data
        What `fittingroom.load` returns.
    names
        Of the runs, in the same order.
    device
        auto, cpu, cuda, cuda:N or mps.
    out
        The folder for runs.
    on_start, on_progress
        Called with each run once its folder is there, and with the progress of all together.

    Returns
    -------
    The runs in their order. Those whose loss diverged have failed, and their record says why.

    Raises
    ------
    FittingroomError
        Of the kinds that `fittingroom.errors` names, in one line; a DivergenceError only where
        there is but one run.
    Interrupted
        (a KeyboardInterrupt) at Ctrl-C. What was not finished begins anew.
    """
    if launch() is not None:
        raise RecipeError(
            "processes that torchrun started share one run by `train`; several at once need one "
            "process: start them without torchrun"
        )
    first = recipes[0]
    place = settle_device(first, device)
    splits = divide(data, first)
    with memory_errors(first.batch_size, len(recipes)):
        classifiers = [build_classifier(recipe, splits) for recipe in recipes]
    check_they_fit(classifiers[0], splits, first, place)
    check_they_stack(recipes, classifiers)
    shared = new_record("", first, splits, place, classifiers[0], None)
    shared["stacked"] = len(recipes)
    diaries = []
    with ExitStack() as locks:
        for recipe, name in zip(recipes, names, strict=True):
            folder = files.new_folder(Path(out), name)
            locks.enter_context(at_work(folder))
            own = {"name": folder.name, "recipe": recipe.model_dump(mode="json")}
            diaries.append(Diary(folder, shared | own))
        return conduct(
            diaries,
            classifiers,
            splits,
            recipes,
            place,
            on_start=on_start,
            on_progress=on_progress,
        )


def tracking_of(processes: Processes, track: Track) -> Tracking:
    """Return the tracking of a run: of processes that share it, one tracks."""
    return tracking_by(track if processes.is_first else ())


def check_they_stack(recipes: Sequence[Recipe], classifiers: Sequence[Classifier]) -> None:
    """See that runs can be trained at once.

    Raises
    ------
    RecipeError
        If their recipes differ in more than the seed, or are of a kind that cannot.
    """
    if len(recipes) > 1 and not can_train_together(recipes[0], classifiers[0]):
        raise RecipeError(
            f"runs of {recipes[0].model} by this recipe cannot be trained at once; "
            "train them one by one"
        )
    if any(recipe.but(seed=0) != recipes[0].but(seed=0) for recipe in recipes):
        raise RecipeError("recipes that are followed at once may differ in their seeds only")


@ending_by_signals()
@defaults()
@flushed_denormals()
def resume(
    run: Run | str | Path = "latest",
    data: DataSplits | str | Path | None = None,
    *,
    runs: str | Path = DEFAULT_FOLDER,
    device: str | None = None,
    network: OwnNetwork | str | None = None,
    figures: bool = True,
    track: Track = (),
    checkpoint_minutes: float = PACE.minutes,
    checkpoint_steps: int | None = PACE.steps,
    on_start: Callable[[Run], None] = lambda _run: None,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
) -> Run:
    """Go on with a run that was interrupted or crashed, to the same end as if it had not been.

    Parameters
    ----------
    run
        A run, its folder or name, or "latest".
    data
        Where its data are now; None for where they were.
    device
        None for the kind of device it ran on.
    network
        Only for a run of a network of your own: an instance of it, its class, or its name,
        "module:Class". A run folder never makes fittingroom import code.
    track
        Trackers, as in `train`; what they know of the run already is gone on with.
    checkpoint_minutes, checkpoint_steps
        As in `train`.

    Raises
    ------
    RunError
        If the run is finished already, another process trains it, or both its checkpoints are
        damaged.
    DataError
        If the data are not those of the run.
    """
    with (
        join_processes() as processes,
        tracking_of(processes, track).follow(on_start, on_progress) as (tell_start, tell_progress),
        ExitStack() as locks,
    ):
        pace = Pace(checkpoint_minutes, checkpoint_steps)
        if processes.is_first:  # the folder may be out of the others' sight
            folder = run.folder if isinstance(run, Run) else files.find_folder(run, Path(runs))
            locks.enter_context(at_work(folder))
            begun = Run(folder)  # now: another process may have finished it until then
            processes.say("begun", json.dumps([str(begun.folder), begun.record]))
        else:
            where, known = json.loads(processes.hear("begun"))
            begun = Run(Path(where), record=known)
        if begun.status == files.FINISHED:
            raise RunError(f"{begun.folder}: the run is finished; there is nothing to go on with")
        recipe = begun.recipe
        begun.check_network(network)
        place = settle_device(recipe, device or begun.record["environment"]["device"])
        splits = begun.data(data)
        with memory_errors(recipe.batch_size):
            own = None if isinstance(network, str) else network
            classifier = build_classifier(recipe, splits, own)
        forgotten = {"error", "error_type", "stacked"}
        record = {k: v for k, v in begun.record.items() if k not in forgotten}
        return share_run(
            processes,
            lambda: Diary(begun.folder, record, pace),
            classifier,
            splits,
            recipe,
            place,
            resume_from=begun.folder,
            figures=figures,
            on_start=tell_start,
            on_progress=tell_progress,
        )
