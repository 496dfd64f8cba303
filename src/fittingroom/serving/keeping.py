"""What was fitted beside a run's model, kept in the run's folder: ``answering.safetensors``.

It says of which model it is, and the SHA-256 of its own content. One that is damaged, or of
another model, is made anew. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DataError, ModelError, RunError
from fittingroom.models.classifier import read_model_file
from fittingroom.runs import folder as files
from fittingroom.runs.run import Run
from fittingroom.serving.answering import Answering, fit_answering
from fittingroom.serving.fitted import Fitted
from fittingroom.serving.novelty import Novelty

if TYPE_CHECKING:
    from torch import Tensor

NAME = "answering.safetensors"
FORMAT = "fittingroom-answering/1"


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
        novelty, fitted = read(path, model)
        return Answering(classifier, novelty, fitted.temperature), fitted
    except (ModelError, KeyError, TypeError, ValueError, RuntimeError):
        pass  # not there, not whole, or not of this model: made anew
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
    from safetensors.torch import save

    tensors = {name: t.contiguous() for name, t in novelty.state_dict().items()}
    description = {
        "format": FORMAT,
        "model": model,
        "fitted": json.dumps(fitted.to_dict()),
    }
    return save(tensors, metadata=description | {"content": digest(description, tensors)})


def read(path: Path, model: str) -> tuple[Novelty, Fitted]:
    """Read what `content` made of the model with this SHA-256.

    Raises
    ------
    ModelError
        If it is not there, damaged, or of another model.
    """
    description, tensors = read_model_file(path, FORMAT)
    expected = description.pop("content", "")
    if digest(description, tensors) != expected:
        raise ModelError(f"{path}: damaged")
    if description["model"] != model:
        raise ModelError(f"{path}: of another model")
    return Novelty(**tensors), Fitted.from_dict(json.loads(description["fitted"]))


def digest(description: dict[str, str], tensors: dict[str, Tensor]) -> str:
    """Return the SHA-256 (hex) of a description and tensors."""
    found = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name in sorted(tensors):
        found.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        found.update(tensors[name].numpy().tobytes())
    return found.hexdigest()
