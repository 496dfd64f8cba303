"""What goes together: a network, data and a recipe; and runs that are trained at once."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import ModelError, RecipeError
from fittingroom.models.classifier import Classifier
from fittingroom.models.stacked import Stacked, can_stack
from fittingroom.training.device import Device
from fittingroom.training.memory import check_memory
from fittingroom.training.pictures import fetched_bytes
from fittingroom.training.recipe import Recipe

# What a stack's runs may be told; of any other field, only its default. Augmentation would draw
# other random numbers than for a run alone, and early stopping would end runs at different times.
STACKABLE_FIELDS = {
    "model",
    "model_options",
    "protocol",
    "validation_size",
    "validation_seed",
    "epochs",
    "batch_size",
    "lr",
    "schedule",
    "weight_decay",
    "label_smoothing",
    "normalization",
    "precision",
    "seed",
}
# They change each weight by its own gradient alone.
STACKABLE_OPTIMIZERS = {"adam", "adamw", "sgd"}

# From 6 on, runs of three-layer on a Xeon became slower again: the caches are full.
MOST_ON_CPU = 5
MOST_ON_GPU = 128

# Numbers in all weights of a stack, or in all pictures of its batch: 1 GiB in float32.
MOST_NUMBERS = 2**28


def check_they_fit(
    classifier: Classifier | Stacked, splits: DataSplits, recipe: Recipe, device: Device
) -> None:
    """See that this network can be trained on these data by this recipe on this device.

    Raises
    ------
    DeviceError
        If a step needs more memory than there is.
    ModelError
        If the network has no weights to train.
    RecipeError
        If a batch is larger than the training set or too small for the network, a shift
        takes pictures out of sight, or early stopping has no validation pictures to look at.
    """
    count, size = len(splits.train), min(splits.image_shape[1:])
    if recipe.batch_size == 1 and isinstance(classifier, Classifier):
        check_one_picture(classifier)
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
    if isinstance(classifier, Classifier):
        check_memory(classifier, recipe.batch_size, device, fetched_bytes(splits.train))


def check_one_picture(classifier: Classifier) -> None:
    """See that the network can be trained on one picture at a time.

    Raises
    ------
    RecipeError
        If it cannot, as batch normalisation of what is one number a channel.
    """
    trial = copy.deepcopy(classifier).train()
    device = next(trial.parameters()).device
    blank = torch.zeros((1, *classifier.input_shape), dtype=torch.uint8, device=device)
    try:
        with torch.random.fork_rng([]), torch.no_grad():
            trial(blank)
    except ValueError as error:
        raise RecipeError(
            f"batch_size must be 2 or more for {classifier.architecture}: {error}"
        ) from error


def can_train_together(recipe: Recipe, classifier: Classifier) -> bool:
    """Tell whether runs of this recipe that differ in their seeds can be trained as a stack."""
    usual = all(
        getattr(recipe, name) == field.default
        for name, field in Recipe.model_fields.items()
        if name not in STACKABLE_FIELDS | {"optimizer"}
    )
    return usual and recipe.optimizer in STACKABLE_OPTIMIZERS and can_stack(classifier)


def together(recipe: Recipe, classifiers: Sequence[Classifier]) -> Classifier | Stacked:
    """Return what `fit` trains: a stack of them, or the only one where it cannot be stacked.

    A run alone is a stack of one: so it ends with the same bits as among others.
    """
    if can_train_together(recipe, classifiers[0]):
        return Stacked(classifiers)
    (classifier,) = classifiers
    return classifier


def most_together(recipe: Recipe, classifier: Classifier, device: Device) -> int:
    """Return how many such runs are best trained at once on a device: 1 where none can be."""
    if not can_train_together(recipe, classifier):
        return 1
    numbers = max(classifier.num_parameters, recipe.batch_size * math.prod(classifier.input_shape))
    most = MOST_ON_CPU if device.kind == "cpu" else MOST_ON_GPU
    return max(1, min(most, MOST_NUMBERS // numbers))
