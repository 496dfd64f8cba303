"""One trial: a recipe trained with a few seeds, judged on the validation pictures alone.

The test pictures are not even there: `learning_only` leaves none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from statistics import fmean
from typing import Any

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DeviceError, DivergenceError, ModelError, RecipeError, TuningError
from fittingroom.models import Classifier
from fittingroom.runs.prepare import build_classifier
from fittingroom.runs.run import divide
from fittingroom.training.compatibility import most_together, together
from fittingroom.training.device import Device, flushed_denormals, memory_errors
from fittingroom.training.history import Epoch, Progress
from fittingroom.training.loop import Fit, fit
from fittingroom.training.recipe import Recipe
from fittingroom.tuning.tuning import State

# What makes a trial fail; another try with the same values would fail too.
FAILURES = (DivergenceError, DeviceError, ModelError, RecipeError)


def learning_only(splits: DataSplits, recipe: Recipe) -> DataSplits:
    """Divide the pictures as the recipe says, without any of the test set.

    Raises
    ------
    TuningError
        If no pictures are left to choose on.
    """
    divided = divide(splits, recipe)
    if len(divided.validation) == 0:
        raise TuningError(
            f"{splits.source}: no validation pictures to choose on: of "
            f"{len(splits.learning):,} training pictures none is held back; say how many with "
            "--validation-size"
        )
    without = replace(divided, test=divided.test.subset(divided.validation_indices[:0]))
    return without.with_fingerprint(divided.fingerprint)  # of all pictures: it tells data apart


@dataclass
class Marks:
    """What a trial came to, so far.

    Parameters
    ----------
    epochs
        For each seed the record of each finished epoch.
    accuracies
        On the validation pictures, of the seeds that came to their end.
    seconds
        Of each of these seeds.
    """

    epochs: list[list[Epoch]] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def curve(self) -> list[float]:
        """After each epoch the mean accuracy on the validation pictures."""
        return self._mean("validation_accuracy")

    @property
    def train_curve(self) -> list[float]:
        """After each epoch the mean training loss."""
        return self._mean("train_loss")

    @property
    def count(self) -> int:
        """Epochs trained, all seeds added up."""
        return sum(map(len, self.epochs))

    def result(self, state: State, reason: str = "") -> dict[str, Any]:
        """Return the fields of `tuning.Trial` as JSON values."""
        curve = self.curve
        complete = state == "complete"
        return {
            "state": state,
            "accuracy": fmean(self.accuracies) if complete else (curve[-1] if curve else None),
            "accuracies": self.accuracies if complete else [],
            "seconds": fmean(self.seconds) if complete else None,
            "epochs": self.count,
            "curve": curve,
            "train_curve": self.train_curve,
            "reason": reason,
        }

    def _mean(self, name: str) -> list[float]:
        """Return the mean of something over the seeds that came as far as each epoch."""
        rows = zip_longest(*self.epochs)
        return [fmean(getattr(e, name) for e in row if e is not None) for row in rows]


class Stopped(Exception):  # noqa: N818 - no error
    """A trial was stopped from outside: it is hopeless, or time is up."""


@dataclass(frozen=True)
class Trainer:
    """Trains recipes for a tuning.

    Parameters
    ----------
    splits
        What `learning_only` returns.
    device
        Where.
    seeds
        Of each trial.
    pulse
        Called several times a second.
    should_stop
        Asked after each step.
    """

    splits: DataSplits
    device: Device
    seeds: Sequence[int]
    pulse: Callable[[], None] = lambda: None
    should_stop: Callable[[], bool] = lambda: False

    @flushed_denormals()
    def train(self, recipe: Recipe, marks: Marks, is_hopeless: Callable[[float], bool]) -> None:
        """Train a recipe with every seed, and write into `marks` how it goes.

        Seeds are trained at once where that is possible; `is_hopeless` then hears the mean accuracy
        after each epoch, else that of the first seed. After the last epoch it is not asked.

        Raises
        ------
        DivergenceError
            If the loss of one seed becomes NaN or infinite.
        Stopped
            If the trial was hopeless, or `should_stop` said so.
        """
        left = list(self.seeds)
        while left:
            classifiers = self._build(recipe, left)
            seeds, left = left[: len(classifiers)], left[len(classifiers) :]
            asked = (lambda _mean: False) if marks.epochs else is_hopeless
            self._train_together(recipe, seeds, classifiers, marks, asked)

    def _build(self, recipe: Recipe, seeds: Sequence[int]) -> list[Classifier]:
        """Build the networks of the first seeds, as many as are best trained at once."""
        with memory_errors(recipe.batch_size, len(seeds)):
            first = build_classifier(recipe.but(seed=seeds[0]), self.splits)
            others = seeds[1 : most_together(recipe, first, self.device)]
            return [first] + [build_classifier(recipe.but(seed=s), self.splits) for s in others]

    def _train_together(
        self,
        recipe: Recipe,
        seeds: Sequence[int],
        classifiers: Sequence[Classifier],
        marks: Marks,
        is_hopeless: Callable[[float], bool],
    ) -> None:
        epochs: list[list[Epoch]] = [[] for _ in seeds]
        marks.epochs += epochs
        hopeless = False

        def look(progress: Progress) -> None:
            nonlocal hopeless
            self.pulse()
            for run, record in progress.records.items():
                epochs[run].append(record)
            whole = len(progress.records) == len(seeds)
            if whole and progress.epoch < progress.epochs:
                found = (record.validation_accuracy for record in progress.records.values())
                hopeless = is_hopeless(fmean(value for value in found if value is not None))
            elif progress.records and not whole:
                hopeless = True  # a seed has diverged, and with it the trial

        with memory_errors(recipe.batch_size, len(seeds)):
            result = fit(
                together(recipe, classifiers),
                self.splits,
                recipe.but(seed=seeds[0]),
                self.device,
                seeds=seeds,
                on_progress=look,
                should_stop=lambda: hopeless or self.should_stop(),
            )
        finish(result, seeds, marks)


def try_out(
    trainer: Trainer, recipe: Recipe, is_hopeless: Callable[[float, int], bool]
) -> dict[str, Any] | None:
    """Train a recipe for a trial.

    Parameters
    ----------
    is_hopeless
        Hears the accuracy after each epoch, and its number.

    Returns
    -------
    The fields of `tuning.Trial` as JSON values; None where training was stopped from outside.
    """
    marks, hopeless = Marks(), False

    def look(accuracy: float) -> bool:
        nonlocal hopeless
        hopeless = is_hopeless(accuracy, len(marks.curve))
        return hopeless

    try:
        trainer.train(recipe, marks, look)
    except FAILURES as error:
        return marks.result("failed", str(error))
    except Stopped:
        return marks.result("pruned") if hopeless else None
    return marks.result("complete")


def finish(result: Fit, seeds: Sequence[int], marks: Marks) -> None:
    """Write down how seeds that were trained at once ended.

    Raises
    ------
    DivergenceError
        If one of them has diverged.
    Stopped
        If they did not come to their end.
    """
    for run, error in result.errors.items():
        raise DivergenceError(f"seed {seeds[run]}: {error}" if len(seeds) > 1 else str(error))
    if not result.completed:
        raise Stopped
    kept = [history[result.kept_epoch - 1].validation_accuracy for history in result.histories]
    marks.accuracies += [accuracy for accuracy in kept if accuracy is not None]
    marks.seconds += [result.seconds] * len(seeds)
