"""What answers: a trained run, or a file that was exported from one. Both answer alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, TypeGuard

import numpy as np
from numpy.typing import NDArray

from fittingroom.data.dataset import Images
from fittingroom.serving.preparation import Preparation

if TYPE_CHECKING:
    from torch import nn

    from fittingroom.data.dataset import DataSplits
    from fittingroom.runs.run import Run
    from fittingroom.serving.answering import Answering
    from fittingroom.serving.fitted import Fitted

RUNS = Path("runs")


class Answers(NamedTuple):
    """Answers for N pictures.

    Parameters
    ----------
    probabilities
        float32, shape (N, K), calibrated.
    novelty
        float32, shape (N,): how unlike everything known a picture is.
    """

    probabilities: NDArray[np.float32]
    novelty: NDArray[np.float32]


@dataclass(frozen=True)
class Tested:
    """What came out on the test pictures.

    Parameters
    ----------
    accuracy
        0 to 1.
    interval
        Its 95% confidence interval, lower and upper bound.
    count
        Number of pictures.
    """

    accuracy: float
    interval: tuple[float, float]
    count: int

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Read it from JSON values, whatever else there is.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is not there.
        """
        low, high = fields["interval"]
        return cls(float(fields["accuracy"]), (float(low), float(high)), int(fields["count"]))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return vars(self) | {"interval": list(self.interval)}


class Predictor(Protocol):
    """What answers.

    `name` is the run's; `classes` the K class names; `preparation` how a photo becomes a picture;
    `threshold` the novelty beyond which an answer should not be believed; `fitted_on` what
    confidence and threshold were fitted on, "validation" or "training"; `data_name` the data set's
    name and `sketches` whether it is the program's own drawings; `tested` what came out on the test
    pictures.
    """

    name: str
    classes: tuple[str, ...]
    preparation: Preparation
    threshold: float
    fitted_on: str
    data_name: str
    sketches: bool
    tested: Tested

    def answer(self, images: Images) -> Answers:
        """Answer for pictures, uint8 (N, C, H, W), N at least 1. Not for several threads at once.

        Raises
        ------
        FittingroomError
            If they cannot be answered for.
        """
        ...


class RunPredictor:
    """Answers by a run's model.

    Parameters
    ----------
    run
        Finished.
    data
        Where its data are now, which are needed the first time; None for where they were.
    """

    def __init__(self, run: Run, data: DataSplits | str | Path | None = None) -> None:
        from fittingroom.serving.keeping import answering_of

        self.run = run
        self.name = run.name
        answering, fitted = answering_of(run, data)
        self.answering: Answering = answering
        self.fitted: Fitted = fitted
        self.classes: tuple[str, ...] = answering.classifier.classes
        self.preparation = fitted.preparation
        self.threshold = fitted.threshold
        self.fitted_on = fitted.fitted_on
        self.data_name = str(run.record["data"]["name"])
        self.sketches = bool(run.record["data"]["sketches"])
        self.tested = Tested.from_dict(run.record["results"]["test"])

    def answer(self, images: Images) -> Answers:
        """See `Predictor.answer`."""
        return Answers(*self.answering.answer(images))


def open_predictor(
    what: Run | Predictor | str | Path = "latest",
    *,
    data: DataSplits | str | Path | None = None,
    runs: str | Path = RUNS,
    network: nn.Module | str | None = None,
) -> Predictor:
    """Open a run, by itself, its folder, its name or "latest", or a file that was exported.

    Raises
    ------
    FittingroomError
        If there is no such thing, it is damaged, or the run's data are needed and not there.
    """
    if is_exported(what):
        from fittingroom.serving.onnx_file import OnnxPredictor

        return OnnxPredictor(Path(what))
    from fittingroom.runs.run import Run, open_run

    if isinstance(what, str | Path):
        what = open_run(what, runs=runs, network=network)
    return RunPredictor(what, data) if isinstance(what, Run) else what


def is_exported(what: object) -> TypeGuard[str | Path]:
    """Return whether something is the name of a file that was exported, there or not."""
    return isinstance(what, str | Path) and Path(what).suffix.lower() == ".onnx"
