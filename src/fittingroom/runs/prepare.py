"""From a recipe and data to a classifier that is ready to be trained, and where."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.data.passes import count_values
from fittingroom.errors import ModelError
from fittingroom.models import MODELS, Classifier, Preprocessing, build_network, import_network
from fittingroom.models.build import call_network, check_name
from fittingroom.training.device import Device, seed_everything, select_device
from fittingroom.training.recipe import Recipe, recipe_for_model
from fittingroom.training.torchrun import own_device

# Pictures are enough for what a network finds in them before it is trained: 10,000 gave the fast
# recipe the same accuracy. Of large pictures fewer: 64 MB in float32.
SAMPLE = 3000
SAMPLED_NUMBERS = 2**24

OwnNetwork = nn.Module | Callable[..., nn.Module]


def settle_recipe(
    model: str | Recipe | OwnNetwork, fields: dict[str, Any]
) -> tuple[Recipe, OwnNetwork | None]:
    """Return the recipe to follow and, if it is a network of one's own, that network."""
    if isinstance(model, Recipe):
        return (model.but(**fields) if fields else model), None
    if isinstance(model, str):
        return recipe_for_model(model, **fields), None
    if not callable(model):
        raise ModelError(f"expected a model's name, recipe or torch.nn.Module, found {model!r}")
    kind = type(model) if isinstance(model, nn.Module) else model
    name = f"{kind.__module__}:{getattr(kind, '__qualname__', repr(kind))}"
    return recipe_for_model(name, **fields), model


def settle_device(recipe: Recipe, device: str) -> Device:
    """Return the device, after a look whether it and the recipe's model are there at all.

    Raises
    ------
    ModelError, DeviceError
        If they are not: better now than after the data were read.
    """
    check_name(recipe.model)
    return select_device(own_device(device), recipe.precision)


def build_classifier(
    recipe: Recipe, splits: DataSplits, network: OwnNetwork | None = None
) -> Classifier:
    """Build the recipe's network, its initial weights drawn from the seed, with preprocessing.

    Raises
    ------
    ModelError
        If there is no such network, or it does not fit the data.
    """
    shape, num_classes = splits.image_shape, len(splits.classes)
    options: dict[str, Any] = dict(recipe.model_options)
    with torch.random.fork_rng([]):
        seed_everything(recipe.seed, 0)
        if isinstance(network, nn.Module):
            built = network
        elif network is not None:
            built = call_network(recipe.model, network, shape, num_classes, options)
        elif ":" in recipe.model:
            built = import_network(recipe.model, shape, num_classes, options)
        else:
            built = build_network(recipe.model, shape, num_classes, options)
    classifier = Classifier(
        built,
        splits.classes,
        shape,
        preprocessing=build_preprocessing(recipe, splits.train),
        architecture=recipe.model,
        options=options,
        views=recipe.views,
    )
    if recipe.model in MODELS:
        initialize_from_data(classifier, splits.train)
    classifier.check_scores()
    return classifier


def initialize_from_data(classifier: Classifier, train: ImageDataset) -> None:
    """Let a network of ours that begins with something found in the pictures look at some."""
    initialize = getattr(classifier.network, "initialize", None)
    if initialize is not None:
        sample = max(1, min(SAMPLE, SAMPLED_NUMBERS // math.prod(train.image_shape)))
        few = train.images[:: math.ceil(len(train) / sample)]  # of all classes, however sorted
        initialize(classifier.preprocessing(torch.from_numpy(few.copy())))


def build_preprocessing(recipe: Recipe, train: ImageDataset) -> Preprocessing:
    """Return the recipe's normalization, its constants measured on the training pictures."""
    if recipe.normalization == "unit":
        return Preprocessing()
    counts = count_values(train.images, count_bytes)
    values = np.arange(256, dtype=np.float32) / np.float32(255)
    means, deviations = zip(
        *(mean_and_deviation(channel, values) for channel in counts), strict=True
    )
    return Preprocessing(means, deviations)


def count_bytes(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count how often each value occurs, int64 (256,): five times as fast as np.bincount."""
    counted = torch.bincount(torch.from_numpy(np.require(pixels, requirements="W")), minlength=256)
    return np.asarray(counted, np.int64)


def mean_and_deviation(
    counts: NDArray[np.int64], values: NDArray[np.float32]
) -> tuple[float, float]:
    """Return mean and standard deviation of pixels, from how often each value occurs."""
    total = int(counts.sum())
    mean = float(counts @ values.astype(np.float64)) / total
    variance = float(counts @ (values - mean) ** 2) / total
    # A channel that is the same everywhere has nothing to scale.
    return mean, 1.0 if np.count_nonzero(counts) == 1 else math.sqrt(variance)
