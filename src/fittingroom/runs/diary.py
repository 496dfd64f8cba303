"""What a run's folder is told while the run goes on: run.json, history, checkpoint, results."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import FittingroomError
from fittingroom.evaluation.evaluate import Evaluation
from fittingroom.models import Classifier
from fittingroom.runs import checkpoints
from fittingroom.runs import folder as files
from fittingroom.runs.environment import describe_environment
from fittingroom.training.checkpoint import Checkpoint
from fittingroom.training.course import Course
from fittingroom.training.device import Device
from fittingroom.training.history import Epoch
from fittingroom.training.loop import Fit
from fittingroom.training.recipe import Recipe


class Diary:
    """Writes a run's folder while the run goes on.

    Parameters
    ----------
    folder
        Of the run; it exists.
    record
        What run.json says from the start.
    pace
        How often to write a checkpoint.
    """

    def __init__(
        self, folder: Path, record: dict[str, Any], pace: checkpoints.Pace = checkpoints.PACE
    ) -> None:
        self.folder = folder
        self.record = record
        self.pace = pace
        self.last_checkpoint = time.perf_counter()
        self.steps_since = 0
        self.ended = False

    def status(self, status: str, **more: Any) -> None:
        """Write run.json anew with this status."""
        self.record = self.record | {"status": status} | more
        files.write_record(self.folder / files.RECORD, self.record)

    def end(self, status: str, **more: Any) -> None:
        """Write run.json for the last time, unless that was done already."""
        if not self.ended:
            self.status(status, **more)
            self.ended = True

    def failed(self, error: FittingroomError) -> None:
        """Let the run end with this error, unless it had ended before."""
        self.end(files.FAILED, error=str(error), error_type=type(error).__name__)

    def checkpoint_if_due(self, make: Callable[[], Checkpoint], epoch_ended: bool) -> None:
        """Write a checkpoint, if it is time; to be called after each step."""
        self.steps_since += 1
        seconds = time.perf_counter() - self.last_checkpoint
        if self.pace.is_due(seconds, self.steps_since, epoch_ended=epoch_ended):
            self.checkpoint(make())

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write what the run needs to go on, and the history so far."""
        checkpoints.keep(self.folder, checkpoint, self.record)
        self.history(checkpoint.history)
        self.last_checkpoint = time.perf_counter()
        self.steps_since = 0

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
        """Return the SHA-256 of the files that the run wrote, by their paths in its folder."""
        figures = sorted((self.folder / files.FIGURES).glob("*"))
        names = [files.HISTORY, files.MODEL, files.PREDICTIONS]
        names += [f"{files.FIGURES}/{path.name}" for path in figures]
        return {name: files.digest(self.folder / name) for name in names}


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
