"""What run.json must hold, so that a damaged one is refused when it is opened, not later."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, JsonValue, ValidationError, model_validator


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

    format: Literal["fittingroom-run/1"]
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


def find_damage(record: object) -> str | None:
    """Say what is wrong with a record; None if nothing is."""
    try:
        Record.model_validate(record)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        return f"{where}: {problem['msg']}" if where else problem["msg"]
    return None
