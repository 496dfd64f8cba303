"""See whether every file of a run folder is still what the run wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fittingroom.errors import ModelError, RunError
from fittingroom.models.tensor_file import unpack
from fittingroom.runs import folder as files
from fittingroom.training.checkpoint import Checkpoint


@dataclass(frozen=True)
class Damage:
    """A file that is not what it was, or is gone.

    Parameters
    ----------
    path
        Of the file.
    reason
        What is wrong with it and what to do: a line that names the file.
    """

    path: Path
    reason: str


def verify_run(folder: Path) -> list[Damage]:
    """Return what is damaged in a run folder.

    Reports are not looked at: `fittingroom report` writes them again at any time.
    """
    try:
        record = files.read_record(folder)
    except RunError as error:
        return [Damage(folder / files.RECORD, str(error))]
    found = [*damaged_files(folder, record), *damaged_tensors(folder, record)]
    if record["status"] != files.FINISHED:
        found += damaged_history(folder)
    return found


def is_run(folder: Path) -> bool:
    """Tell whether a folder is a run's, even one that has lost its record."""
    names = (files.RECORD, files.HISTORY, files.MODEL, files.PREDICTIONS, files.CHECKPOINT)
    return any((folder / name).exists() for name in names)


def damaged_files(folder: Path, record: dict[str, Any]) -> Iterator[Damage]:
    """Go through the files whose SHA-256 the record has."""
    for name in record.get("files", {}):
        try:
            files.check_file(folder, name, record)
        except RunError as error:
            yield Damage(folder / name, str(error))


def damaged_tensors(folder: Path, record: dict[str, Any]) -> Iterator[Damage]:
    """Go through the safetensors files that hold their SHA-256 themselves."""
    for path in sorted(folder.glob("*.safetensors")):
        if path.name in record.get("files", {}):
            continue
        try:
            unpack(path, "tensor")
        except ModelError as error:
            known = {files.CHECKPOINT, files.CHECKPOINT_BEFORE}
            to_do = "the other one is used" if path.name in known else "it is made anew if needed"
            yield Damage(path, f"{error}; remove it, {to_do}")


def damaged_history(folder: Path) -> Iterator[Damage]:
    """Compare the history of an unfinished run with what its checkpoints remember of it."""
    path = folder / files.HISTORY
    remembered = [found for found in histories(folder) if found is not None]
    all_there = len(remembered) == 2
    try:
        history = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        if history in remembered or not remembered:
            return
        if not all_there and any(history[: len(found)] == found for found in remembered):
            return
        reason = "its checkpoints remember another one"
    except FileNotFoundError:
        if not any(remembered):
            return
        reason = "it is gone"
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error)
    yield Damage(path, f"{path}: damaged: {reason}; --resume writes it again")


def histories(folder: Path) -> Iterator[list[dict[str, Any]] | None]:
    """Return the history in each of a run's checkpoints, None of one that cannot be read."""
    for name in (files.CHECKPOINT, files.CHECKPOINT_BEFORE):
        try:
            yield [epoch.to_dict() for epoch in Checkpoint.load(folder / name).history]
        except RunError:
            yield None
