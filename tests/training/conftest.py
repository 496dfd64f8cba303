"""Small pictures that can be learned in moments, and classifiers for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.models import Classifier, Preprocessing, build_network
from fittingroom.training.bf16 import try_on_cpu
from fittingroom.training.device import Device, select_device
from fittingroom.training.recipe import Recipe

CLASSES = ("셔츠", "앵클 부츠", "bag")


class Shaky(nn.Module):
    """Has all that makes a run hard to repeat: dropout, running averages, channels last."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, 4, 3, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 6, 3)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(6, len(CLASSES))
        nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.first(x)))
        x = torch.relu(self.second(x)).amax(dim=(2, 3))
        scores: Tensor = self.head(self.dropout(x))
        return scores


@pytest.fixture
def cpu() -> Device:
    return select_device("cpu")


@pytest.fixture
def make_splits() -> Callable[..., DataSplits]:
    """Return a function that draws data: noise over one pattern a class."""

    def make(
        train: int = 130,
        validation: int = 40,
        shape: tuple[int, int, int] = (1, 8, 8),
        noise: float = 60,
    ) -> DataSplits:
        rng = np.random.default_rng(0)
        patterns = rng.integers(0, 256, (len(CLASSES), *shape))

        def draw(count: int) -> ImageDataset:
            labels = rng.integers(0, len(CLASSES), count)
            pictures = patterns[labels] + rng.normal(0, noise, (count, *shape))
            return ImageDataset(pictures.clip(0, 255).astype(np.uint8), labels, CLASSES)

        splits = DataSplits("patterns", "drawn", draw(train + validation), draw(10))
        return splits.with_validation(validation)

    return make


@pytest.fixture
def splits(make_splits: Callable[..., DataSplits]) -> DataSplits:
    """130 pictures to learn from, so that a batch of 32 leaves one of 2; 40 for validation."""
    return make_splits()


@pytest.fixture
def make_classifier() -> Callable[..., Classifier]:
    """Return a function that builds the recipe's network, the same each time."""

    def make(
        recipe: Recipe, shape: tuple[int, int, int] = (1, 8, 8), **preprocessing: Any
    ) -> Classifier:
        with torch.random.fork_rng([]):
            torch.manual_seed(123)
            network = (
                Shaky(shape[0])
                if recipe.model == "test:Shaky"
                else build_network(recipe.model, shape, len(CLASSES), recipe.model_options)
            )
        return Classifier(
            network,
            CLASSES,
            shape,
            preprocessing=Preprocessing(**preprocessing),
            architecture=recipe.model,
            options=dict(recipe.model_options),
        )

    return make


@pytest.fixture
def bf16_cpu() -> Device:
    """Return the CPU in half precision, if a trial in another process found that sound."""
    if not try_on_cpu().sound:
        pytest.skip("this CPU does not compute soundly in bfloat16")
    return Device(torch.device("cpu"), torch.bfloat16)
