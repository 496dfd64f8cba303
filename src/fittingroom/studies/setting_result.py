"""What the runs of one setting came to."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fittingroom.evaluation.metrics import Confusion
from fittingroom.evaluation.significance import prediction_interval, t_interval
from fittingroom.studies.plan import Setting, Words
from fittingroom.training.diagnosis import Diagnosis, diagnose
from fittingroom.training.history import Epoch
from fittingroom.training.recipe import training_passes

if TYPE_CHECKING:
    from fittingroom.runs.run import Run

FLOPS_A_MULTIPLY_ADD = 2


@dataclass(frozen=True)
class Failure:
    """A run that came to nothing, e.g. because its loss diverged."""

    seed: int
    message: str


@dataclass(frozen=True, eq=False)
class Marks:
    """What the comparison of settings needs of one run; its predictions are not kept.

    Parameters
    ----------
    accuracy
        On the test pictures, 0 to 1.
    confusion
        int64, shape (K, K): pictures by true (rows) and predicted class (columns).
    correct
        bool, shape (N,): is test picture i predicted correctly?
    pictures
        Equal for two runs that were tested on the same pictures in the same order.
    history
        Its epochs.
    """

    accuracy: float
    confusion: Confusion
    correct: NDArray[np.bool_]
    pictures: str
    history: tuple[Epoch, ...]


def mark(run: Run) -> Marks:
    """Read what a run predicted and how it learned.

    The predictions are read through a copy of the run, so that they are not kept with it: a
    large study would not fit into memory.

    Raises
    ------
    RunError
        If a file of the run is missing or damaged.
    """
    copy = type(run)(run.folder)
    evaluation = copy.evaluation
    labels = hashlib.sha256(evaluation.labels.tobytes()).hexdigest()
    return Marks(
        accuracy=evaluation.accuracy,
        confusion=evaluation.confusion,
        correct=evaluation.labels == evaluation.predicted,
        pictures=f"{evaluation.fingerprint}:{labels}",
        history=copy.history,
    )


@dataclass(frozen=True, eq=False)
class SettingResult:
    """One setting: its finished runs, and every number that follows from them.

    Parameters
    ----------
    setting
        What was trained.
    runs
        Finished ones, by seed; at least one.
    marks
        What they came to, in the same order.
    diagnosis
        What the learning curves of all of them say, beside those of the study's other settings.
    failures
        Runs without a result.
    """

    setting: Setting
    runs: tuple[Run, ...]
    marks: tuple[Marks, ...]
    diagnosis: Diagnosis
    failures: tuple[Failure, ...] = ()

    @property
    def name(self) -> str:
        """The setting's name."""
        return self.setting.name

    @property
    def label(self) -> Words:
        """What people call it."""
        return self.setting.label

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the finished runs."""
        return tuple(run.recipe.seed for run in self.runs)

    @property
    def n(self) -> int:
        """Number of finished runs, at least 1."""
        return len(self.runs)

    @cached_property
    def accuracies(self) -> tuple[float, ...]:
        """Test accuracy of each run, 0 to 1."""
        return tuple(marks.accuracy for marks in self.marks)

    @cached_property
    def mean(self) -> float:
        """Mean accuracy."""
        return float(np.mean(self.accuracies))

    @cached_property
    def sd(self) -> float | None:
        """Standard deviation of the accuracies (over n - 1); None for a single run."""
        return float(np.std(self.accuracies, ddof=1)) if self.n > 1 else None

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """95% interval of the mean (`t_interval`); None for a single run."""
        return t_interval(self.accuracies)

    @cached_property
    def prediction(self) -> tuple[float, float] | None:
        """95% interval for one further run (`prediction_interval`); None for a single run."""
        return prediction_interval(self.accuracies)

    @property
    def minimum(self) -> float:
        """Lowest accuracy."""
        return min(self.accuracies)

    @property
    def maximum(self) -> float:
        """Highest accuracy."""
        return max(self.accuracies)

    @cached_property
    def seconds(self) -> float:
        """Training time of one run, the median."""
        return float(median(run.record["results"]["training_seconds"] for run in self.runs))

    @cached_property
    def epochs(self) -> int:
        """Epochs of one run, the median: fewer than the recipe's where runs stop early."""
        return int(median(run.record["results"]["epochs"] for run in self.runs))

    @cached_property
    def cost(self) -> float | None:
        """Compute of one run's training in FLOPs; None where the network's size is not known.

        6 x multiply-adds of a picture x training pictures x epochs: 2 FLOPs a multiply-add
        forward, twice as many backward (Kaplan et al. 2020, arXiv:2001.08361, section 2.1). Fewer
        where epochs have only the hard pictures, more where steps take longer.
        """
        multiply_adds = self.runs[0].record["model"].get("multiply_adds")
        if multiply_adds is None:
            return None
        pictures = self.runs[0].record["data"]["train"]
        passes = training_passes(self.setting.recipe, self.epochs)
        return float(FLOPS_A_MULTIPLY_ADD * multiply_adds * pictures * passes)

    @cached_property
    def confusion(self) -> Confusion:
        """Confusion matrix, int64 (K, K), summed over the seeds."""
        total: Confusion = np.sum([marks.confusion for marks in self.marks], axis=0)
        return total

    @cached_property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """What the learning curve of each run says by itself."""
        return tuple(
            diagnose(marks.history, held_out_accuracy=marks.accuracy) for marks in self.marks
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the setting and its numbers as JSON values."""
        return {
            "name": self.name,
            "label": self.label.model_dump(),
            "recipe": self.setting.recipe.model_dump(mode="json", exclude={"seed"}),
            "n": self.n,
            "seeds": list(self.seeds),
            "accuracies": list(self.accuracies),
            "mean": self.mean,
            "sd": self.sd,
            "interval": list(self.interval) if self.interval else None,
            "prediction": list(self.prediction) if self.prediction else None,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "seconds": self.seconds,
            "epochs": self.epochs,
            "cost": self.cost,
            "confusion": self.confusion.tolist(),
            "diagnosis": asdict(self.diagnosis),
            "failures": [asdict(failure) for failure in self.failures],
        }
