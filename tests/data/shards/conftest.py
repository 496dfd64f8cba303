"""Small sets in shards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.data.shards.writing import save


def make_splits(channels: int = 1, num_classes: int = 3) -> DataSplits:
    """Return 50 + 20 pictures of noise, (channels, 4, 3)."""
    rng = np.random.default_rng(channels)
    classes = ("치마", "🧦 sock", "bag", *(f"class {k}" for k in range(3, num_classes)))
    learning, test = (
        ImageDataset(
            rng.integers(0, 256, (count, channels, 4, 3), np.uint8),
            rng.permutation(np.arange(count) * (num_classes // 3) % num_classes),
            classes,
        )
        for count in (50, 20)
    )
    return DataSplits("noise", "made for a test", learning, test, notes=("A note, 메모.",))


@pytest.fixture(scope="session")
def noise() -> Callable[..., DataSplits]:
    """Make 50 + 20 pictures of noise: `noise(channels=1, num_classes=3)`."""
    return make_splits


@pytest.fixture
def splits() -> DataSplits:
    """50 + 20 grey pictures of noise."""
    return make_splits()


@pytest.fixture
def folder(tmp_path: Path, splits: DataSplits) -> Path:
    """The same in shards of 20."""
    save(splits, tmp_path / "옷장 👗", 20)
    return tmp_path / "옷장 👗"
