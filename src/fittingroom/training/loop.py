"""The training loop.

It reads from top to bottom: shuffle, take a batch, zero the gradients, forward, loss, backward,
step; after each epoch look at the validation pictures. All pictures stay in one tensor on the
device, uint8 as they came from the file: no workers, no second copy. Only those of a set in
shards that is too large for it stay in their files (pictures.py).

The same lines train one classifier or a stack of them. Each run of a stack has its own order of
the pictures, the one it would have alone; a batch holds the first run's pictures, then the
second's, and so on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean

import torch
from torch import Tensor

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DivergenceError
from fittingroom.models.classifier import Classifier
from fittingroom.models.stacked import Stacked
from fittingroom.training.averaging import WeightAverage
from fittingroom.training.checkpoint import Checkpoint, TrainingState, restore_epoch
from fittingroom.training.compatibility import check_they_fit
from fittingroom.training.course import Course
from fittingroom.training.device import Device, repeatable, seed_everything
from fittingroom.training.difficulty import Difficulty
from fittingroom.training.history import Epoch, Pace, Progress, best_epoch
from fittingroom.training.meter import Meter
from fittingroom.training.optimizers import build_optimizer, set_learning_rate
from fittingroom.training.parallel import ALONE, Processes
from fittingroom.training.pictures import Fetched, to_device
from fittingroom.training.recipe import Recipe
from fittingroom.training.replay import Step
from fittingroom.training.step import make_step
from fittingroom.training.uncompiled import without_compiler
from fittingroom.training.validation import measure


@dataclass(frozen=True)
class Fit:
    """What training came to.

    Parameters
    ----------
    histories
        For each run one record for each finished epoch, as far as its loss was a number.
    errors
        Of the runs of a stack, counted from 0, those whose loss became NaN or infinite.
    seconds
        Wall-clock time of training and validation; of a stack divided by the number of runs.
    completed
        False if training was stopped from outside before its end.
    kept_epoch
        The epoch whose weights the classifier now has.
    checkpoint
        Where training ended, to go on from if it was stopped; None for more runs than one.
    """

    histories: tuple[tuple[Epoch, ...], ...]
    errors: Mapping[int, DivergenceError]
    seconds: float
    completed: bool
    kept_epoch: int
    checkpoint: Checkpoint | None

    @property
    def history(self) -> tuple[Epoch, ...]:
        """The records of a run that was alone; of a stack those of its first run."""
        return self.histories[0]


@without_compiler()
def fit(
    classifier: Classifier | Stacked,
    splits: DataSplits,
    recipe: Recipe,
    device: Device,
    *,
    seeds: Sequence[int] | None = None,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    on_checkpoint: Callable[[Callable[[], Checkpoint], bool], None] = lambda _make, _ended: None,
    should_stop: Callable[[], bool] = lambda: False,
    resume: Checkpoint | None = None,
    processes: Processes = ALONE,
) -> Fit:
    """Train `classifier` in place on `splits.train`, following `recipe`.

    Parameters
    ----------
    classifier
        Its weights are what training starts from. It is moved to the device. Of several in a
        stack each ends where it would have ended alone, within rounding.
    splits
        Divided as the recipe says. The test pictures are not touched.
    seeds
        One for each run of a stack, in its order; None for the recipe's own.
    on_progress
        Called ten times a second at most, and at the end of each epoch.
    on_checkpoint
        Called after each step with a function that makes a checkpoint, to call if one is
        wanted, and whether an epoch ended with it; not for more runs than one.
    should_stop
        Asked after each step; once it says True, training ends there.
    resume
        A checkpoint of the same recipe and data to go on from, of a run that was alone.
    processes
        Which share a run that is alone: all call this with the same, and end with the same.

    Raises
    ------
    DivergenceError
        If the loss of a run that is alone becomes NaN or infinite. In a stack the others go on.
    ProcessError
        If one of the processes ended before the run did.
    DeviceError, ModelError, RecipeError
        If the network, the data, the recipe and the device do not go together.
    """
    check_they_fit(classifier, splits, recipe, device)
    images, labels = to_device(splits.train, device)
    validation = to_device(splits.validation, device)
    classifier.to(device.torch_device)
    # Other machines may have initialised them with other last bits.
    processes.copy_from_first([*classifier.parameters(), *classifier.buffers()])
    course = Course(len(labels), recipe)
    state = TrainingState(
        classifier,
        build_optimizer(classifier.parameters(), recipe),
        WeightAverage(classifier, recipe.average) if recipe.average else None,
        Difficulty(len(labels), device.torch_device) if recipe.hard_share < 1 else None,
    )
    if resume is not None:
        state.restore(resume)
    step = make_step(state, images, labels, recipe, device, processes)
    pace = Pace(course, state.runs)
    meter = Meter(course.steps(0), device, state.runs)

    def wants_to_go_on() -> bool:
        if state.runs == 1 and state.step < len(meter.losses):
            on_checkpoint(partial(state.checkpoint, meter, device), False)
        if pace.step_is_due():
            losses = sound_losses(meter, state, course)
            if not losses:
                return False
            loss = fmean(losses.values())
            on_progress(pace.progress(state.epoch + 1, state.step, loss))
        return not should_stop()

    def keep_going() -> bool:
        return processes.agree(wants_to_go_on())

    with repeatable(device):
        while state.epoch < recipe.epochs and not out_of_patience(state.history, recipe):
            started = time.perf_counter()
            if state.difficulty is not None and state.step == 0:
                state.difficulty.begin_epoch()
            orders = draw_orders(seeds or [recipe.seed], course, state)
            processes.copy_from_first([orders])
            steps = course.steps(state.epoch)
            meter = Meter(steps, device, state.runs)
            if resume is not None and state.step:
                restore_epoch(resume, device, meter)
            if isinstance(images, Fetched):
                images.begin(batches_to_come(orders, course, state.epoch, state.step))

            train_epoch(state, step, orders.to(device.torch_device), course, meter, keep_going)
            train_losses = sound_losses(meter, state, course)
            if state.step < steps or not train_losses:
                state.seconds += (time.perf_counter() - started) / state.runs
                break

            train_accuracies = meter.accuracies(course.pictures(state.epoch))
            if state.difficulty is not None:  # of all pictures, not of the hard ones of this epoch
                train_losses = {0: state.difficulty.mean_loss()}
                train_accuracies = [state.difficulty.accuracy()]
            with state.averaged_weights():
                marks = measure(classifier, *validation, device, processes)
            seconds = (time.perf_counter() - started) / state.runs
            records = {
                run: Epoch(
                    epoch=state.epoch + 1,
                    train_loss=loss,
                    train_accuracy=train_accuracies[run],
                    validation_loss=marks[run][0],
                    validation_accuracy=marks[run][1],
                    learning_rate=course.learning_rate(state.epoch, steps - 1),
                    seconds=seconds,
                )
                for run, loss in train_losses.items()
            }
            state.finish_epoch(records, keep_best=recipe.early_stopping is not None)
            progress = pace.progress(state.epoch, steps, fmean(train_losses.values()))
            first = next(iter(records.values()))
            on_progress(replace(progress, finished=first, records=records))
            if state.runs == 1:
                on_checkpoint(partial(state.checkpoint, meter, device), True)

        if state.runs == 1 and state.errors:
            raise state.errors[0]
        checkpoint = state.checkpoint(meter, device) if state.runs == 1 else None

    completed = not state.sound or (
        state.step == 0 and (state.epoch == recipe.epochs or out_of_patience(state.history, recipe))
    )
    if completed:
        state.put_result()
    kept = best_epoch(state.history).epoch if completed and state.best else state.epoch
    classifier.eval()
    histories = tuple(tuple(history) for history in state.histories)
    return Fit(histories, state.errors, state.seconds, completed, kept, checkpoint)


def draw_orders(seeds: Sequence[int], course: Course, state: TrainingState) -> Tensor:
    """Return for each seed the pictures of the epoch in their order, int64 (runs, pictures)."""
    orders = []
    for seed in seeds:
        seed_everything(seed, state.epoch + 1)
        if state.difficulty is None or state.epoch == 0:
            orders.append(torch.randperm(course.count))
        else:
            orders.append(state.difficulty.draw(course.pictures(state.epoch)))
    return torch.stack(orders)


def train_epoch(
    state: TrainingState,
    step: Step,
    orders: Tensor,
    course: Course,
    meter: Meter,
    keep_going: Callable[[], bool],
) -> None:
    """Go through the pictures in the given orders, or until `keep_going` says no."""
    steps = len(meter.losses)
    epoch = torch.tensor(state.epoch, device=orders.device)
    state.classifier.train()
    while state.step < steps:
        batch = batch_of(orders, course, state.epoch, state.step)
        set_learning_rate(state.optimizer, course.learning_rate(state.epoch, state.step))

        losses, scores, y = step(batch, epoch)

        if state.average is not None:
            state.average.update()
        if state.difficulty is not None:
            state.difficulty.note(batch, scores, y)
        meter.add(state.step, losses, scores, y)
        state.step += 1
        if not keep_going():
            break


def batch_of(orders: Tensor, course: Course, epoch: int, step: int) -> Tensor:
    """Return the pictures of a step, int64 (runs*B,)."""
    size, last = course.recipe.batch_size, course.steps(epoch) - 1
    return orders[:, step * size : None if step == last else (step + 1) * size].flatten()


def batches_to_come(orders: Tensor, course: Course, epoch: int, step: int) -> Iterator[Tensor]:
    """Go through the pictures of the steps of an epoch from `step` on."""
    for number in range(step, course.steps(epoch)):
        yield batch_of(orders, course, epoch, number)


def out_of_patience(history: list[Epoch], recipe: Recipe) -> bool:
    """Tell whether early stopping ends the run here."""
    if recipe.early_stopping is None or not history:
        return False
    return len(history) - best_epoch(history).epoch >= recipe.early_stopping


def sound_losses(meter: Meter, state: TrainingState, course: Course) -> dict[int, float]:
    """Return the mean losses of the epoch so far of the runs, counted from 0, that have one.

    A run whose loss is not a number any more gets its error noted in `state`.
    """
    size = course.recipe.batch_size
    whole = state.step == len(meter.losses)
    pictures = course.pictures(state.epoch) if whole else state.step * size
    losses = meter.mean_losses(state.step, size, pictures)
    for run in state.sound:
        if not math.isfinite(losses[run]):
            state.errors[run] = divergence(meter, run, state.epoch, course)
    return {run: losses[run] for run in state.sound}


def divergence(meter: Meter, run: int, epoch: int, course: Course) -> DivergenceError:
    """Say where a run's loss became NaN or infinite, and what to do."""
    step, steps = meter.first_bad_step(run), len(meter.losses)
    value = meter.losses[step - 1, run].item()
    lr = course.learning_rate(epoch, step - 1)
    lower = min(course.recipe.lr / 10, 0.001)
    return DivergenceError(
        f"the loss became {value} in epoch {epoch + 1}, step {step} of {steps}, "
        f"at learning rate {lr:g}; try a lower one, e.g. --lr {lower:g}"
    )
