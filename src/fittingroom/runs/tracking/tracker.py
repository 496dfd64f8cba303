"""What every tracker can do: find or begin its record of a run, add epochs, and close it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, ClassVar, Protocol

from fittingroom.runs.run import Run
from fittingroom.training.history import Epoch

# The fields of an epoch that are curves, under the names that trackers give them.
CURVES = (
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "learning_rate",
)
SCORES = ("precision", "recall", "f1")


class Tracker(Protocol):
    """A tracker's record of one run. To make one changes nothing; `begin` does.

    Parameters
    ----------
    run
        The run; its folder is what is tracked.
    labels
        What belongs to it beside what its folder says: the study and the setting.
    """

    package: ClassVar[str]
    """What has to be installed: also the name of the extra of fittingroom that brings it."""

    status: str | None
    """The run's status as it was tracked last; None for a run that was not tracked before."""

    epochs: set[int]
    """The epochs that are tracked already."""

    run: Run

    def __init__(self, run: Run, labels: Mapping[str, str]) -> None: ...

    @staticmethod
    def load() -> None:
        """Import the library, which may take seconds."""

    @staticmethod
    def address() -> str:
        """Return where it writes, in words for a person."""

    @property
    def place(self) -> str:
        """What to type, or to open, to look at it."""

    def begin(self) -> None:
        """Track the recipe and where the run and its data are; or go on where it stopped."""

    def add(self, moments: Iterable[tuple[float, Epoch]]) -> None:
        """Track epochs, each with the second since 1970 at which it ended."""

    def end(self, run: Run) -> None:
        """Track how it ended: the results, figures, files, status."""


def recipe_fields(run: Run) -> dict[str, str]:
    """Return every field of a run's recipe, as text; what has fields of its own as JSON."""
    fields = run.recipe.model_dump(mode="json")
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in fields.items()
    }


def facts(run: Run, labels: Mapping[str, str]) -> dict[str, str]:
    """Return where a run, its data and its numbers come from."""
    data, environment = run.record["data"], run.record["environment"]
    found = {
        "run": str(run.record["name"]),
        "started": str(run.record.get("started", "")),
        "folder": str(run.folder.absolute()),
        "data": data["name"],
        "data_fingerprint": data["fingerprint"],
        "sketches": "yes" if data["sketches"] else "no",
        "device": f"{environment['device']} ({environment['device_name']})",
        "precision": environment["precision"],
        "version": str(environment.get("fittingroom", "")),
        "command": str(run.record.get("command") or ""),
    }
    return {name: value for name, value in (found | dict(labels)).items() if value}


def curves(epoch: Epoch) -> dict[str, float]:
    """Return what an epoch adds to each curve."""
    values = {name: getattr(epoch, name) for name in CURVES}
    return {name: value for name, value in values.items() if value is not None}


def final_scores(run: Run) -> dict[str, float]:
    """Return a finished run's scores on the test pictures, of single classes as "name/class"."""
    test = (run.record.get("results") or {}).get("test")
    if not test:
        return {}
    low, high = test["interval"]
    found = {
        "test_accuracy": test["accuracy"],
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_loss": test["loss"],
        "test_calibration_error": test["calibration_error"],
    }
    of_classes = {
        f"test_{name}/{score['name']}": score[name]
        for name in SCORES
        for score in test.get("per_class", ())
    }
    return found | of_classes


def moments(run: Run, history: Sequence[Epoch]) -> dict[int, float]:
    """Return when each epoch ended, in seconds since 1970: the start and the seconds of all."""
    began = seconds_of(run.record.get("started"))
    ends = accumulate((epoch.seconds for epoch in history), initial=began)
    next(ends)
    return {epoch.epoch: end for epoch, end in zip(history, ends, strict=True)}


def seconds_of(moment: Any) -> float:
    """Return the seconds since 1970 of an ISO 8601 moment; of none, those of now."""
    try:
        return dt.datetime.fromisoformat(str(moment)).timestamp()
    except ValueError:
        return dt.datetime.now(dt.UTC).timestamp()
