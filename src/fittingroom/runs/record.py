"""What run.json must hold, so that a damaged one is refused when it is opened, not later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, JsonValue, ValidationError, model_validator

from fittingroom.data.records import read_record
from fittingroom.errors import FittingroomError
from fittingroom.runs.seal import seal_holds, without_seal

TO_DO = "put back a copy of it; the files beside it are untouched"


class Data(BaseModel):
    """The data of the run."""

    name: str
    source: str
    fingerprint: str
    sketches: bool
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    train: int
    validation: int
    test: int


class Environment(BaseModel):
    """What the run was computed with, as far as it is read back."""

    device: str
    device_name: str
    precision: str
    processes: Annotated[int, Field(strict=True, gt=0)] = 1
    machines: Annotated[int, Field(strict=True, gt=0)] = 1


class Network(BaseModel):
    """The network's size."""

    parameters: int
    multiply_adds: int | None = None


class Score(BaseModel):
    """The result on the test pictures, as far as it is read back."""

    accuracy: float
    interval: tuple[float, float]
    count: int


class Results(BaseModel):
    """What the run came to."""

    test: Score
    epochs: int
    training_seconds: float
    images_per_second: float


class Record(BaseModel):
    """run.json, as far as it is read back."""

    format: str
    name: str
    status: Literal["running", "interrupted", "failed", "finished"]
    recipe: dict[str, JsonValue]
    data: Data
    environment: Environment
    model: Network
    results: Results | None = None
    files: dict[str, str] = {}
    error: str | None = None
    stacked: Annotated[int, Field(strict=True, gt=0)] = 1

    @model_validator(mode="after")
    def _finished_with_results(self) -> Self:
        if self.status == "finished" and self.results is None:
            raise ValueError("a finished run has results")
        return self


def read_described(
    path: Path,
    kind: str,
    formats: tuple[str, str],
    model: type[BaseModel],
    error: type[FittingroomError],
) -> dict[str, Any]:
    """Return what the JSON file holds that makes a folder a run, or whatever `kind` it is.

    Parameters
    ----------
    formats
        What the file may say its format is: the one that is sealed, and the one before it.
    model
        The record as far as it is read back.
    error
        What is raised if it is missing, damaged or of another version.
    """
    try:
        record = json.loads(read_record(path).decode("utf-8"))
    except FileNotFoundError:
        raise error(f"{path.parent}: no {kind} here: expected a folder with {path.name}") from None
    except (OSError, ValueError, RecursionError) as reason:
        raise error(f"{path}: the {kind}'s record cannot be read: {reason}; {TO_DO}") from reason
    found = record.get("format") if isinstance(record, dict) else None
    if found not in formats:
        raise error(
            f"{path}: a {kind} of another version: expected format {formats[0]!r}, found "
            f"{found!r}; use the fittingroom that made it, or another --out"
        )
    problem = find_damage(record, model)
    if problem:
        raise error(f"{path}: the {kind}'s record is damaged: {problem}; {TO_DO}")
    if not seal_holds(record, needed=found == formats[0]):
        raise error(
            f"{path}: the {kind}'s record is damaged, or was changed by hand: its SHA-256 is not "
            f"the one that it holds; {TO_DO}"
        )
    return without_seal(record)


def find_damage(record: object, model: type[BaseModel] = Record) -> str | None:
    """Say what is wrong with a record; None if nothing is."""
    try:
        model.model_validate(record)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        return f"{where}: {problem['msg']}" if where else problem["msg"]
    return None
