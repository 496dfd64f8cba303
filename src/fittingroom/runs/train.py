"""From a recipe and data to a finished run folder: divide, build, train, evaluate, draw, write."""

from __future__ import annotations

import datetime as dt
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.data.sources import load
from fittingroom.errors import (
    DivergenceError,
    FittingroomError,
    ModelError,
    RecipeError,
    RunError,
)
from fittingroom.evaluation.evaluate import Evaluation
from fittingroom.models import MODELS, Classifier, Preprocessing, build_network, import_network
from fittingroom.models.build import call_network, check_name
from fittingroom.models.stacked import Stacked
from fittingroom.runs import folder as files
from fittingroom.runs.environment import describe_environment
from fittingroom.runs.figures import draw_figures
from fittingroom.runs.run import DEFAULT_FOLDER, Run, divide, judge, open_run
from fittingroom.training.checkpoint import Checkpoint
from fittingroom.training.compatibility import can_train_together, check_they_fit, together
from fittingroom.training.course import Course
from fittingroom.training.device import (
    Device,
    flushed_denormals,
    memory_errors,
    seed_everything,
    select_device,
)
from fittingroom.training.history import Epoch, Progress
from fittingroom.training.loop import Fit, fit
from fittingroom.training.recipe import Recipe, recipe_for_model

# A crash costs at most this much training, and the disk is not kept busy by short epochs.
CHECKPOINT_SECONDS = 10.0

# Pictures are enough for what a network finds in them before it is trained: 10,000 gave the fast
# recipe the same accuracy. Of large pictures fewer: 64 MB in float32.
SAMPLE = 3000
SAMPLED_NUMBERS = 2**24

OwnNetwork = nn.Module | Callable[..., nn.Module]


class Interrupted(KeyboardInterrupt):
    """Training was stopped by Ctrl-C, after what there is was saved in `folder`."""

    def __init__(self, folder: Path, hint: str) -> None:
        super().__init__(f"interrupted; {hint}")
        self.folder = folder


@flushed_denormals()
def train(
    model: str | Recipe | OwnNetwork = "three-layer",
    data: DataSplits | str | Path = "auto",
    *,
    device: str = "auto",
    out: str | Path = DEFAULT_FOLDER,
    name: str | None = None,
    figures: bool = True,
    command: str | None = None,
    on_start: Callable[[Run], None] = lambda _run: None,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    **fields: Any,
) -> Run:
    """Train a model, judge it on the test pictures, and write all of it to a run folder.

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
    recipe, network = settle_recipe(model, fields)
    place = settle_device(recipe, device)
    splits = divide(data if isinstance(data, DataSplits) else load(data), recipe)
    with memory_errors(recipe.batch_size):
        classifier = build_classifier(recipe, splits, network)
    check_they_fit(classifier, splits, recipe, place)
    usual_name = f"{splits.name}-{recipe.model}-seed{recipe.seed}"
    folder = files.new_folder(Path(out), name or usual_name)
    diary = Diary(folder, new_record(folder.name, recipe, splits, place, classifier, command))
    (run,) = conduct(
        [diary],
        [classifier],
        splits,
        [recipe],
        place,
        figures=figures,
        on_start=on_start,
        on_progress=on_progress,
    )
    return run


@flushed_denormals()
def train_together(
    recipes: Sequence[Recipe],
    data: DataSplits,
    *,
    names: Sequence[str],
    device: str = "auto",
    out: str | Path = DEFAULT_FOLDER,
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
    on_progress
        Called with the progress of all together.

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
    first = recipes[0]
    place = settle_device(first, device)
    splits = divide(data, first)
    with memory_errors(first.batch_size):
        classifiers = [build_classifier(recipe, splits) for recipe in recipes]
    check_they_fit(classifiers[0], splits, first, place)
    check_they_stack(recipes, classifiers)
    shared = new_record("", first, splits, place, classifiers[0], None)
    shared["stacked"] = len(recipes)
    diaries = []
    for recipe, name in zip(recipes, names, strict=True):
        folder = files.new_folder(Path(out), name)
        own = {"name": folder.name, "recipe": recipe.model_dump(mode="json")}
        diaries.append(Diary(folder, shared | own))
    return conduct(diaries, classifiers, splits, recipes, place, on_progress=on_progress)


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


@flushed_denormals()
def resume(
    run: Run | str | Path = "latest",
    data: DataSplits | str | Path | None = None,
    *,
    runs: str | Path = DEFAULT_FOLDER,
    device: str | None = None,
    network: OwnNetwork | str | None = None,
    figures: bool = True,
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

    Raises
    ------
    RunError
        If the run is finished already, or its checkpoint is damaged.
    DataError
        If the data are not those of the run.
    """
    run = run if isinstance(run, Run) else open_run(run, runs=runs)
    if run.status == files.FINISHED:
        raise RunError(f"{run.folder}: the run is finished; there is nothing to go on with")
    recipe = run.recipe
    run.check_network(network)
    place = select_device(device or run.record["environment"]["device"], recipe.precision)
    splits = run.data(data)
    path = run.folder / files.CHECKPOINT
    checkpoint = Checkpoint.load(path) if path.exists() else None
    with memory_errors(recipe.batch_size):
        own = None if isinstance(network, str) else network
        classifier = build_classifier(recipe, splits, own)
    forgotten = {"error", "error_type", "stacked"}
    diary = Diary(run.folder, {k: v for k, v in run.record.items() if k not in forgotten})
    (finished,) = conduct(
        [diary],
        [classifier],
        splits,
        [recipe],
        place,
        figures=figures,
        on_start=on_start,
        on_progress=on_progress,
        checkpoint=checkpoint,
    )
    return finished


def conduct(
    diaries: Sequence[Diary],
    classifiers: Sequence[Classifier],
    splits: DataSplits,
    recipes: Sequence[Recipe],
    device: Device,
    *,
    figures: bool = False,
    on_start: Callable[[Run], None] = lambda _run: None,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    checkpoint: Checkpoint | None = None,
) -> list[Run]:
    """Train, evaluate, draw and write; the folders say at each moment how far they came.

    One run, or several at once that differ in their seeds.
    """
    for diary in diaries:
        diary.status(files.RUNNING)
        on_start(Run(diary.folder))
    recipe, alone = recipes[0], len(recipes) == 1
    trained = together(recipe, classifiers)
    try:
        with memory_errors(recipe.batch_size), stop_at_ctrl_c() as should_stop:
            result = fit(
                trained,
                splits,
                recipe,
                device,
                seeds=[recipe.seed for recipe in recipes],
                on_progress=on_progress,
                on_checkpoint=diaries[0].checkpoint_if_due,
                should_stop=should_stop,
                resume=checkpoint,
            )
        if result.checkpoint is not None:
            diaries[0].checkpoint(result.checkpoint)
        if not result.completed or should_stop():  # asked after the last step, or before
            raise KeyboardInterrupt  # noqa: TRY301 - handled as one that comes by itself
        if isinstance(trained, Stacked):
            trained.unstack()
        for run, (diary, classifier) in enumerate(zip(diaries, classifiers, strict=True)):
            try:
                finish(diary, classifier, splits, recipe, device, result, run, figures)
            except DivergenceError as error:
                diary.failed(error)
                if alone:
                    raise
    except KeyboardInterrupt:
        for diary in diaries:
            diary.end(files.INTERRUPTED)
        folder = diaries[0].folder
        hint = Run(folder).how_to_go_on if alone else "runs that were trained at once begin anew"
        raise Interrupted(folder, hint) from None
    except FittingroomError as error:
        for diary in diaries:
            with suppress(RunError):  # of the two, the first error is the one to hear of
                diary.failed(error)
        raise
    return [
        Run(diary.folder, None if recipe.model in MODELS else classifier.network)
        for diary, classifier in zip(diaries, classifiers, strict=True)
    ]


def finish(
    diary: Diary,
    classifier: Classifier,
    splits: DataSplits,
    recipe: Recipe,
    device: Device,
    result: Fit,
    run: int,
    figures: bool,
) -> None:
    """Judge one of the trained classifiers, the `run`th counted from 0, and write its results.

    Raises
    ------
    DivergenceError
        If its loss, or one of its scores, is not a number.
    """
    if result.checkpoint is None:
        diary.history(result.histories[run])
    if run in result.errors:
        raise result.errors[run]
    with memory_errors(recipe.batch_size):
        classifier.to(device.torch_device)
        evaluation = judge(classifier, splits, recipe, device.autocast_dtype)
    diary.results(classifier, evaluation)
    history = result.histories[run]
    if figures:
        draw_figures(diary.folder / files.FIGURES, evaluation, splits, history)
    diary.end(
        files.FINISHED,
        finished=now(),
        results=summarise(history, result, evaluation, splits, recipe),
        files=diary.digests(),
    )
    (diary.folder / files.CHECKPOINT).unlink(missing_ok=True)


class Diary:
    """Writes a run's folder while the run goes on.

    Parameters
    ----------
    folder
        Of the run; it exists.
    record
        What run.json says from the start.
    """

    def __init__(self, folder: Path, record: dict[str, Any]) -> None:
        self.folder = folder
        self.record = record
        self.last_checkpoint = time.perf_counter()
        self.ended = False

    def status(self, status: str, **more: Any) -> None:
        """Write run.json anew with this status."""
        files.write_json(self.folder / files.RECORD, self.record | {"status": status} | more)

    def end(self, status: str, **more: Any) -> None:
        """Write run.json for the last time, unless that was done already."""
        if not self.ended:
            self.status(status, **more)
            self.ended = True

    def failed(self, error: FittingroomError) -> None:
        """Let the run end with this error, unless it had ended before."""
        self.end(files.FAILED, error=str(error), error_type=type(error).__name__)

    def checkpoint_if_due(self, make: Callable[[], Checkpoint]) -> None:
        """Write a checkpoint unless the last one is only seconds old."""
        if time.perf_counter() - self.last_checkpoint >= CHECKPOINT_SECONDS:
            self.checkpoint(make())

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write what the run needs to go on, and the history so far."""
        files.write_whole(self.folder / files.CHECKPOINT, checkpoint.to_bytes())
        self.history(checkpoint.history)
        self.last_checkpoint = time.perf_counter()

    def history(self, history: Sequence[Epoch]) -> None:
        """Write one line for each finished epoch."""
        epochs = (epoch.to_dict() for epoch in history)
        files.write_json_lines(self.folder / files.HISTORY, epochs)

    def results(self, classifier: Classifier, evaluation: Evaluation) -> None:
        """Write the model and the predictions for the test pictures."""
        files.write_whole(self.folder / files.MODEL, classifier.to_bytes())
        files.write_arrays(
            self.folder / files.PREDICTIONS, labels=evaluation.labels, logits=evaluation.logits
        )

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of the files that the run is read back from."""
        names = (files.HISTORY, files.MODEL, files.PREDICTIONS)
        return {name: files.digest(self.folder / name) for name in names}


def settle_recipe(
    model: str | Recipe | OwnNetwork, fields: dict[str, Any]
) -> tuple[Recipe, OwnNetwork | None]:
    """Return the recipe to follow and, if it is a network of one's own, that network."""
    if isinstance(model, Recipe):
        return (model.but(**fields) if fields else model), None
    if isinstance(model, str):
        return recipe_for_model(model, **fields), None
    if not callable(model):
        raise ModelError(f"expected a model's name, recipe or torch.nn.Module, found {model!r}")
    kind = type(model) if isinstance(model, nn.Module) else model
    name = f"{kind.__module__}:{getattr(kind, '__qualname__', repr(kind))}"
    return recipe_for_model(name, **fields), model


def settle_device(recipe: Recipe, device: str) -> Device:
    """Return the device, after a look whether it and the recipe's model are there at all.

    Raises
    ------
    ModelError, DeviceError
        If they are not: better now than after the data were read.
    """
    check_name(recipe.model)
    return select_device(device, recipe.precision)


def build_classifier(
    recipe: Recipe, splits: DataSplits, network: OwnNetwork | None = None
) -> Classifier:
    """Build the recipe's network, its initial weights drawn from the seed, with preprocessing.

    Raises
    ------
    ModelError
        If there is no such network, or it does not fit the data.
    """
    shape, num_classes = splits.image_shape, len(splits.classes)
    options: dict[str, Any] = dict(recipe.model_options)
    with torch.random.fork_rng([]):
        seed_everything(recipe.seed, 0)
        if isinstance(network, nn.Module):
            built = network
        elif network is not None:
            built = call_network(recipe.model, network, shape, num_classes, options)
        elif ":" in recipe.model:
            built = import_network(recipe.model, shape, num_classes, options)
        else:
            built = build_network(recipe.model, shape, num_classes, options)
    classifier = Classifier(
        built,
        splits.classes,
        shape,
        preprocessing=build_preprocessing(recipe, splits.train),
        architecture=recipe.model,
        options=options,
        views=recipe.views,
    )
    if recipe.model in MODELS:
        initialize_from_data(classifier, splits.train)
    classifier.check_scores()
    return classifier


def initialize_from_data(classifier: Classifier, train: ImageDataset) -> None:
    """Let a network of ours that begins with something found in the pictures look at some."""
    initialize = getattr(classifier.network, "initialize", None)
    if initialize is not None:
        sample = max(1, min(SAMPLE, SAMPLED_NUMBERS // math.prod(train.image_shape)))
        few = train.images[:: math.ceil(len(train) / sample)]  # of all classes, however sorted
        initialize(classifier.preprocessing(torch.from_numpy(few.copy())))


def build_preprocessing(recipe: Recipe, train: ImageDataset) -> Preprocessing:
    """Return the recipe's normalization, its constants measured on the training pictures."""
    if recipe.normalization == "unit":
        return Preprocessing()
    channels = [
        train.images[:, channel] / np.float32(255) for channel in range(train.image_shape[0])
    ]
    means = [float(pixels.mean(dtype=np.float64)) for pixels in channels]
    # A channel that is the same everywhere has nothing to scale.
    deviations = [float(pixels.std(dtype=np.float64)) or 1.0 for pixels in channels]
    return Preprocessing(means, deviations)


def new_record(
    name: str,
    recipe: Recipe,
    splits: DataSplits,
    device: Device,
    classifier: Classifier,
    command: str | None,
) -> dict[str, Any]:
    """Return what run.json says at the start of a run."""
    return {
        "format": files.FORMAT,
        "name": name,
        "status": files.RUNNING,
        "started": now(),
        "command": command,
        "recipe": recipe.model_dump(mode="json"),
        "model": {
            "parameters": classifier.num_parameters,
            "multiply_adds": classifier.count_multiply_adds(),
        },
        "data": describe_data(splits),
        "environment": describe_environment(device),
    }


def describe_data(splits: DataSplits) -> dict[str, Any]:
    """Return what run.json says of the data."""
    return {
        "name": splits.name,
        "source": splits.source,
        "fingerprint": splits.fingerprint,
        "sketches": splits.sketches,
        "classes": list(splits.classes),
        "image_shape": list(splits.image_shape),
        "train": len(splits.train),
        "validation": len(splits.validation),
        "test": len(splits.test),
        "notes": list(splits.notes),
    }


def summarise(
    history: Sequence[Epoch],
    result: Fit,
    evaluation: Evaluation,
    splits: DataSplits,
    recipe: Recipe,
) -> dict[str, Any]:
    """Return the results that run.json holds."""
    kept = history[result.kept_epoch - 1]
    trained = Course(len(splits.train), recipe).pictures_before(len(history))
    return {
        "test": evaluation.to_dict(),
        "validation": None
        if kept.validation_accuracy is None
        else {
            "accuracy": kept.validation_accuracy,
            "loss": kept.validation_loss,
            "count": len(splits.validation),
        },
        "epochs": len(history),
        "kept_epoch": result.kept_epoch,
        "training_seconds": result.seconds,
        "images_per_second": trained / result.seconds,
    }


def now() -> str:
    """Return the local time with its offset, ISO 8601, in microseconds."""
    return dt.datetime.now(dt.UTC).astimezone().isoformat(timespec="microseconds")


@contextmanager
def stop_at_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C ask for a stop between two steps; a second one interrupts at once.

    Python delivers signals to the main thread only; elsewhere nothing is changed.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    def ask(number: int, frame: object) -> None:
        del number, frame
        asked.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
