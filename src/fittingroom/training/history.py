"""What a run reports while it goes on: one record an epoch, and where it stands within one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from fittingroom.training.course import Course

# More updates a second than this no person reads, and each one waits for the device.
UPDATE_SECONDS = 0.1


@dataclass(frozen=True)
class Epoch:
    """One pass over the training pictures.

    Parameters
    ----------
    epoch
        Counted from 1.
    train_loss, train_accuracy
        Means over the pictures as they were trained on, augmentation and label smoothing
        included, while the weights were changing. Accuracies are fractions, 0 to 1. Where an
        epoch has only the hard pictures, means over all pictures as each was last seen, without
        label smoothing.
    validation_loss, validation_accuracy
        Of the weights at the end of the epoch on the validation pictures; None without any.
    learning_rate
        At the last step of the epoch.
    seconds
        Wall-clock time of training and validation; of runs that are trained at once, each one's
        share.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote.

        Raises
        ------
        TypeError, ValueError
            If fields are missing, unknown or no numbers.
        """
        found = cls(**fields)
        if type(found.epoch) is not int or found.epoch < 1:
            raise ValueError("epoch: expected a whole number from 1")
        for name, value in vars(found).items():
            absent = value is None and name in {"validation_loss", "validation_accuracy"}
            if not absent and not is_number(value):
                raise ValueError(f"{name}: expected a number")
        return found


def is_number(value: object) -> bool:
    """Tell whether a value is a number that a float can hold: JSON's may have any length."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return not isinstance(value, int) or abs(value) < 2**63


@dataclass(frozen=True)
class Progress:
    """Where a run stands, or several that are trained at once.

    Parameters
    ----------
    epoch, epochs
        The epoch that is going on, counted from 1, and how many there will be at most.
    step, steps
        Steps done in this epoch, and how many it has.
    loss
        Mean training loss of this epoch so far, over all runs.
    images_per_second
        Training pictures a second since the start, of all runs, validation included.
    seconds_left
        Estimated from the steps done so far.
    finished
        The record of the epoch, once it is over, of the first run; None while it goes on.
    records
        The same of every run whose loss is still a number, by its place; empty while it goes on.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    images_per_second: float
    seconds_left: float
    finished: Epoch | None = None
    records: Mapping[int, Epoch] = field(default_factory=dict)


def best_epoch(history: list[Epoch] | tuple[Epoch, ...]) -> Epoch:
    """Return the epoch with the highest validation accuracy, the earliest of equals."""
    return max(history, key=lambda record: (record.validation_accuracy or 0.0, -record.epoch))


class Pace:
    """Says when an update is due, how fast training goes and how long it will take.

    Parameters
    ----------
    course
        How many steps there are.
    runs
        How many runs take each step.
    """

    def __init__(self, course: Course, runs: int = 1) -> None:
        self.course, self.runs = course, runs
        self.started = self.last_update = time.perf_counter()
        self.steps_timed = 0

    def step_is_due(self) -> bool:
        """Count a step; tell whether a person should hear of it."""
        self.steps_timed += 1
        now = time.perf_counter()
        due = now - self.last_update >= UPDATE_SECONDS
        if due:
            self.last_update = now
        return due

    def progress(self, epoch: int, step: int, loss: float) -> Progress:
        """Describe the moment after `step` steps of `epoch` (counted from 1)."""
        course, recipe = self.course, self.course.recipe
        seconds_a_step = (time.perf_counter() - self.started) / max(self.steps_timed, 1)
        left = course.all_steps - course.steps_before(epoch - 1) - step
        return Progress(
            epoch=epoch,
            epochs=recipe.epochs,
            step=step,
            steps=course.steps(epoch - 1),
            loss=loss,
            images_per_second=recipe.batch_size * self.runs / max(seconds_a_step, 1e-9),
            seconds_left=left * seconds_a_step,
        )
