"""The training loop.

It reads from top to bottom: shuffle, take a batch, zero the gradients, forward, loss, backward,
step; after each epoch look at the validation pictures. All pictures stay in one tensor on the
device, uint8 as they came from the file: no workers, no second copy.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.errors import DivergenceError, ModelError, RecipeError
from fittingroom.models.classifier import Classifier
from fittingroom.models.inference import compute_scores
from fittingroom.training.augment import augment
from fittingroom.training.checkpoint import Checkpoint, TrainingState, restore_random_states
from fittingroom.training.device import Device, repeatable, seed_everything
from fittingroom.training.history import Epoch, Pace, Progress, best_epoch
from fittingroom.training.meter import Meter
from fittingroom.training.optimizers import build_optimizer, learning_rate
from fittingroom.training.recipe import Recipe

EVALUATION_BATCH = 1000


@dataclass(frozen=True)
class Fit:
    """What training came to.

    Parameters
    ----------
    history
        One record for each finished epoch.
    seconds
        Wall-clock time of training and validation.
    completed
        False if training was stopped from outside before its end.
    kept_epoch
        The epoch whose weights the classifier now has.
    checkpoint
        Where training ended, to go on from if it was stopped.
    """

    history: tuple[Epoch, ...]
    seconds: float
    completed: bool
    kept_epoch: int
    checkpoint: Checkpoint


def fit(
    classifier: Classifier,
    splits: DataSplits,
    recipe: Recipe,
    device: Device,
    *,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    on_checkpoint: Callable[[Callable[[], Checkpoint]], None] = lambda _make: None,
    should_stop: Callable[[], bool] = lambda: False,
    resume: Checkpoint | None = None,
) -> Fit:
    """Train `classifier` in place on `splits.train`, following `recipe`.

    Parameters
    ----------
    classifier
        Its weights are what training starts from. It is moved to the device.
    splits
        Divided as the recipe says. The test pictures are not touched.
    on_progress
        Called ten times a second at most, and at the end of each epoch.
    on_checkpoint
        Called after each epoch with a function that makes a checkpoint, to call if one is wanted.
    should_stop
        Asked after each step; once it says True, training ends there.
    resume
        A checkpoint of the same recipe and data to go on from.

    Raises
    ------
    DivergenceError
        If the loss becomes NaN or infinite.
    ModelError, RecipeError
        If the network, the data and the recipe do not go together.
    """
    check_they_fit(classifier, splits, recipe)
    images, labels = to_device(splits.train, device)
    validation = to_device(splits.validation, device)
    classifier.to(device.torch_device)
    count, batch_size = len(labels), recipe.batch_size
    steps = math.ceil(count / batch_size)
    state = TrainingState(classifier, build_optimizer(classifier.parameters(), recipe))
    if resume is not None:
        state.restore(resume)
    pace = Pace(recipe.epochs, steps, batch_size)
    meter = Meter(steps, device)

    def keep_going() -> bool:
        if pace.step_is_due():
            loss = finite_loss(meter, state, recipe, count)
            on_progress(pace.progress(state.epoch + 1, state.step, loss))
        return not should_stop()

    with repeatable(device):
        while state.epoch < recipe.epochs and not out_of_patience(state.history, recipe):
            started = time.perf_counter()
            seed_everything(recipe.seed, state.epoch + 1)
            order = torch.randperm(count).to(device.torch_device)
            meter = Meter(steps, device)
            if resume is not None and state.step:
                restore_random_states(device, resume.part("random"))
                meter.restore(resume.part("epoch"))

            train_epoch(state, images, labels, order, recipe, device, meter, keep_going)
            if state.step < steps:
                state.seconds += time.perf_counter() - started
                break

            train_loss = finite_loss(meter, state, recipe, count)
            validation_loss, validation_accuracy = measure(classifier, *validation, device)
            record = Epoch(
                epoch=state.epoch + 1,
                train_loss=train_loss,
                train_accuracy=meter.accuracy(count),
                validation_loss=validation_loss,
                validation_accuracy=validation_accuracy,
                learning_rate=state.optimizer.param_groups[0]["lr"],
                seconds=time.perf_counter() - started,
            )
            state.finish_epoch(record, keep_best=recipe.early_stopping is not None)
            on_progress(replace(pace.progress(record.epoch, steps, train_loss), finished=record))
            on_checkpoint(partial(state.checkpoint, meter, device))

        checkpoint = state.checkpoint(meter, device)

    completed = state.step == 0 and (
        state.epoch == recipe.epochs or out_of_patience(state.history, recipe)
    )
    if completed and state.best:
        classifier.load_state_dict(state.best)
    kept = best_epoch(state.history).epoch if completed and state.best else state.epoch
    classifier.eval()
    return Fit(tuple(state.history), state.seconds, completed, kept, checkpoint)


def train_epoch(
    state: TrainingState,
    images: Tensor,
    labels: Tensor,
    order: Tensor,
    recipe: Recipe,
    device: Device,
    meter: Meter,
    keep_going: Callable[[], bool],
) -> None:
    """Go through the pictures once in the given order, or until `keep_going` says no."""
    classifier, optimizer, size = state.classifier, state.optimizer, recipe.batch_size
    steps = len(meter.losses)
    classifier.train()
    while state.step < steps:
        batch = order[state.step * size : (state.step + 1) * size]
        # index_select: on a Xeon, images[batch] took 15 times as long.
        x, y = augment(images.index_select(0, batch), recipe), labels.index_select(0, batch)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(
                recipe, state.epoch * steps + state.step, recipe.epochs * steps
            )

        optimizer.zero_grad()
        with device.autocast():
            scores = classifier(x)
            loss = F.cross_entropy(scores.float(), y, label_smoothing=recipe.label_smoothing)
        loss.backward()
        optimizer.step()

        meter.add(state.step, loss, scores, y)
        state.step += 1
        if not keep_going():
            break


def check_they_fit(classifier: Classifier, splits: DataSplits, recipe: Recipe) -> None:
    """See that this network can be trained on these data by this recipe.

    Raises
    ------
    ModelError
        If the network has no weights to train.
    RecipeError
        If a batch is larger than the training set, a shift takes pictures out of sight, or early
        stopping has no validation pictures to look at.
    """
    count, size = len(splits.train), min(splits.image_shape[1:])
    if classifier.num_parameters == 0:
        raise ModelError(f"{classifier.architecture}: the network has no weights to train")
    if recipe.batch_size > count:
        raise RecipeError(
            f"batch_size must be at most the {count:,} training pictures, "
            f"found {recipe.batch_size:,}; try --batch-size {max(1, count // 8)}"
        )
    if recipe.shift >= size:
        raise RecipeError(
            f"shift must be less than the pictures' {size} pixels, found {recipe.shift:,}"
        )
    if recipe.early_stopping is not None and len(splits.validation) == 0:
        raise RecipeError(
            "early_stopping needs validation pictures, and none are held back; "
            "give --validation-size"
        )


def to_device(dataset: ImageDataset, device: Device) -> tuple[Tensor, Tensor]:
    """Return images, uint8 (N, C, H, W), and labels, int64 (N,), on the device."""
    # Copied only where torch cannot use them as they are: read-only, or mirrored by their strides.
    images, labels = (
        torch.from_numpy(np.require(array, requirements=("C", "W")))
        for array in (dataset.images, dataset.labels)
    )
    return images.to(device.torch_device), labels.to(device.torch_device)


def measure(
    classifier: Classifier, images: Tensor, labels: Tensor, device: Device
) -> tuple[float | None, float | None]:
    """Return mean cross-entropy and accuracy (0 to 1) on these pictures; None without any."""
    if len(labels) == 0:
        return None, None
    with device.autocast():
        scores = compute_scores(classifier, images.split(EVALUATION_BATCH))
    correct = int((scores.argmax(dim=1) == labels).sum())
    return float(F.cross_entropy(scores, labels)), correct / len(labels)


def out_of_patience(history: list[Epoch], recipe: Recipe) -> bool:
    """Tell whether early stopping ends the run here."""
    if recipe.early_stopping is None or not history:
        return False
    return len(history) - best_epoch(history).epoch >= recipe.early_stopping


def finite_loss(meter: Meter, state: TrainingState, recipe: Recipe, count: int) -> float:
    """Return the mean loss of the epoch so far.

    Raises
    ------
    DivergenceError
        If it is not a number any more.
    """
    size = recipe.batch_size
    loss = meter.mean_loss(state.step, size, min(state.step * size, count))
    if math.isfinite(loss):
        return loss
    step, steps = meter.first_bad_step(), len(meter.losses)
    value = meter.losses[step - 1].item()
    lr = learning_rate(recipe, state.epoch * steps + step - 1, recipe.epochs * steps)
    raise DivergenceError(
        f"the loss became {value} in epoch {state.epoch + 1}, step {step} of {steps}, "
        f"at learning rate {lr:g}; try a lower one, e.g. --lr {min(recipe.lr / 10, 0.001):g}"
    )
