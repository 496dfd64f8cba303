"""What was fitted beside a run's model, kept in the run's folder: ``answering.safetensors``.

It says of which model it is, and the SHA-256 of its own content. One that is damaged, or of
another model, is made anew. Nothing is pickled.
"""

from __future__ import annotations

import json
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DataError, ModelError, RunError
from fittingroom.models.classifier import Classifier
from fittingroom.models.defaults import defaults
from fittingroom.models.tensor_file import pack, unpack
from fittingroom.runs import folder as files
from fittingroom.runs.run import Run
from fittingroom.serving.answering import Answering, fit_answering
from fittingroom.serving.fitted import Fitted
from fittingroom.serving.novelty import Novelty

NAME = "answering.safetensors"
FORMAT = "fittingroom-answering/1"


@defaults()
def answering_of(run: Run, data: DataSplits | str | Path | None = None) -> tuple[Answering, Fitted]:
    """Return what answers for a run; it is fitted the first time, and kept in the run's folder.

    Parameters
    ----------
    data
        Where the run's data are now, or the data themselves; None for where they were. They are
        needed the first time only.

    Raises
    ------
    RunError
        If the run is unfinished or damaged, or its data are needed and cannot be had.
    """
    check_finished(run)
    classifier = run.classifier
    path = run.folder / NAME
    model = files.digest(run.folder / files.MODEL)
    try:
        return kept(path, classifier, model)
    except ModelError as error:
        if path.exists():
            warnings.warn(f"{error}; it is made anew", stacklevel=2)
    try:
        splits = run.data(data)
    except DataError as error:
        raise RunError(
            f"{run.folder}: to say how sure an answer is, the run's data are needed once: {error}"
        ) from error
    answering, fitted = fit_answering(classifier, splits)
    with suppress(RunError):  # a folder that cannot be written to answers all the same
        files.write_whole(path, content(answering.novelty, fitted, model))
    return answering, fitted


def kept(path: Path, classifier: Classifier, model: str) -> tuple[Answering, Fitted]:
    """Return what answers by the file, once it has been seen to.

    Raises
    ------
    ModelError
        If the file is not there, damaged, of another model, or what is in it does not fit this one.
    """
    try:
        novelty, fitted = read(path, model)
        answering = Answering(classifier, novelty, fitted.temperature)
        probabilities, _ = answering.answer(np.zeros((1, *classifier.input_shape), np.uint8))
    except (KeyError, TypeError, ValueError, OverflowError, RuntimeError, RecursionError) as error:
        raise ModelError(f"{path}: damaged") from error
    fits = fitted.preparation.input_shape == classifier.input_shape
    if not (fits and np.isfinite(probabilities).all()):
        raise ModelError(f"{path}: does not fit the model")
    return answering, fitted


def check_finished(run: Run) -> None:
    """See that a run can answer.

    Raises
    ------
    RunError
        If it is unfinished.
    """
    if run.status != files.FINISHED:
        raise RunError(f"{run.folder}: the run is {run.status}; {run.how_to_go_on}")


def content(novelty: Novelty, fitted: Fitted, model: str) -> bytes:
    """Return what the file holds; `model` is the SHA-256 of the model's file."""
    description = {
        "format": FORMAT,
        "model": model,
        "fitted": json.dumps(fitted.to_dict()),
    }
    return pack(novelty.state_dict(), description)


def read(path: Path, model: str) -> tuple[Novelty, Fitted]:
    """Read what `content` made of the model with this SHA-256.

    Raises
    ------
    ModelError
        If it is not there, damaged, or of another model.
    """
    description, tensors = unpack(path, "fitted", (FORMAT,))
    if description["model"] != model:
        raise ModelError(f"{path}: of another model")
    return Novelty(**tensors), Fitted.from_dict(json.loads(description["fitted"]))
