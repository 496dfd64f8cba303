"""From a recipe and data to a finished run folder: divide, build, train, evaluate, draw, write."""

from __future__ import annotations

import datetime as dt
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.data.sources import load
from fittingroom.errors import FittingroomError, ModelError, RunError
from fittingroom.evaluation.evaluate import Evaluation
from fittingroom.models import MODELS, Classifier, Preprocessing, build_network, import_network
from fittingroom.models.build import call_network, check_name
from fittingroom.runs import folder as files
from fittingroom.runs.environment import describe_environment
from fittingroom.runs.figures import draw_figures
from fittingroom.runs.run import DEFAULT_FOLDER, Run, divide, judge, open_run
from fittingroom.training.checkpoint import Checkpoint
from fittingroom.training.device import Device, memory_errors, seed_everything, select_device
from fittingroom.training.history import Progress
from fittingroom.training.loop import Fit, check_they_fit, fit
from fittingroom.training.recipe import Recipe, recipe_for_model

# A crash costs at most this much training, and the disk is not kept busy by short epochs.
CHECKPOINT_SECONDS = 10.0

OwnNetwork = nn.Module | Callable[..., nn.Module]


class Interrupted(KeyboardInterrupt):
    """Training was stopped by Ctrl-C, after what there is was saved in `folder`."""

    def __init__(self, folder: Path, hint: str) -> None:
        super().__init__(f"interrupted; {hint}")
        self.folder = folder


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
    check_they_fit(classifier, splits, recipe)
    usual_name = f"{splits.name}-{recipe.model}-seed{recipe.seed}"
    folder = files.new_folder(Path(out), name or usual_name)
    record = new_record(folder.name, recipe, splits, place, classifier, command)
    return conduct(
        folder, record, classifier, splits, recipe, place, figures, on_start, on_progress
    )


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
    return conduct(
        run.folder,
        {k: v for k, v in run.record.items() if k not in {"error", "error_type"}},
        classifier,
        splits,
        recipe,
        place,
        figures,
        on_start,
        on_progress,
        checkpoint,
    )


def conduct(
    folder: Path,
    record: dict[str, Any],
    classifier: Classifier,
    splits: DataSplits,
    recipe: Recipe,
    device: Device,
    figures: bool,
    on_start: Callable[[Run], None],
    on_progress: Callable[[Progress], None],
    checkpoint: Checkpoint | None = None,
) -> Run:
    """Train, evaluate, draw and write; the folder says at each moment how far it came."""
    diary = Diary(folder, record)
    diary.status(files.RUNNING)
    on_start(Run(folder))
    try:
        with memory_errors(recipe.batch_size), stop_at_ctrl_c() as should_stop:
            result = fit(
                classifier,
                splits,
                recipe,
                device,
                on_progress=on_progress,
                on_checkpoint=diary.checkpoint_if_due,
                should_stop=should_stop,
                resume=checkpoint,
            )
        diary.checkpoint(result.checkpoint)
        if not result.completed or should_stop():  # asked after the last step, or before
            raise KeyboardInterrupt  # noqa: TRY301 - handled as one that comes by itself
        with memory_errors(recipe.batch_size):
            evaluation = judge(classifier, splits, recipe, device.autocast_dtype)
        diary.results(classifier, evaluation)
        if figures:
            draw_figures(folder / files.FIGURES, evaluation, splits, result.history)
    except KeyboardInterrupt:
        diary.status(files.INTERRUPTED)
        raise Interrupted(folder, Run(folder).how_to_go_on) from None
    except FittingroomError as error:
        with suppress(RunError):  # of the two, the first error is the one to hear of
            diary.status(files.FAILED, error=str(error), error_type=type(error).__name__)
        raise
    diary.status(
        files.FINISHED,
        finished=now(),
        results=summarise(result, evaluation, splits),
        files=diary.digests(),
    )
    (folder / files.CHECKPOINT).unlink(missing_ok=True)
    return Run(folder, None if recipe.model in MODELS else classifier.network)


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

    def status(self, status: str, **more: Any) -> None:
        """Write run.json anew with this status."""
        files.write_json(self.folder / files.RECORD, self.record | {"status": status} | more)

    def checkpoint_if_due(self, make: Callable[[], Checkpoint]) -> None:
        """Write a checkpoint unless the last one is only seconds old."""
        if time.perf_counter() - self.last_checkpoint >= CHECKPOINT_SECONDS:
            self.checkpoint(make())

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write what the run needs to go on, and the history so far."""
        files.write_whole(self.folder / files.CHECKPOINT, checkpoint.to_bytes())
        epochs = (epoch.to_dict() for epoch in checkpoint.history)
        files.write_json_lines(self.folder / files.HISTORY, epochs)
        self.last_checkpoint = time.perf_counter()

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
    )
    classifier.check_scores()
    return classifier


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


def summarise(result: Fit, evaluation: Evaluation, splits: DataSplits) -> dict[str, Any]:
    """Return the results that run.json holds."""
    kept = result.history[result.kept_epoch - 1]
    return {
        "test": evaluation.to_dict(),
        "validation": None
        if kept.validation_accuracy is None
        else {
            "accuracy": kept.validation_accuracy,
            "loss": kept.validation_loss,
            "count": len(splits.validation),
        },
        "epochs": len(result.history),
        "kept_epoch": result.kept_epoch,
        "training_seconds": result.seconds,
        "images_per_second": len(splits.train) * len(result.history) / result.seconds,
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
