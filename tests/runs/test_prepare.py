"""Normalization constants, counted from pixel values, are those of the pixels themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.data.shards.writing import save
from fittingroom.data.sources import load
from fittingroom.models import Preprocessing
from fittingroom.runs.prepare import build_preprocessing
from fittingroom.training.recipe import Recipe

STANDARD = Recipe(model="convnet", normalization="standard")


def from_pixels(images: NDArray[np.uint8]) -> Preprocessing:
    """Take mean and deviation of each channel's pixels, as NumPy does."""
    pixels = np.moveaxis(images, 1, 0).reshape(images.shape[1], -1) / np.float32(255)
    means = pixels.mean(axis=1, dtype=np.float64)
    return Preprocessing(means.tolist(), pixels.std(axis=1, dtype=np.float64).tolist())


def assert_same(one: Preprocessing, other: Preprocessing) -> None:
    assert torch.equal(one.mean, other.mean)
    assert torch.equal(one.std, other.std)


@pytest.mark.parametrize("seed", range(5))
def test_constants_are_bit_for_bit_those_of_the_pixels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(rng.integers(0, 200), 256, (300, 3, 9, 7), np.uint8)
    train = ImageDataset(images, np.zeros(300, np.int64), ("a",))
    assert_same(build_preprocessing(STANDARD, train), from_pixels(images))


@pytest.mark.real_data
def test_constants_of_fashion_mnist_have_not_changed(fashion_mnist: DataSplits) -> None:
    train = fashion_mnist.learning
    assert_same(build_preprocessing(STANDARD, train), from_pixels(train.images))


@pytest.mark.parametrize("value", [0, 17, 255])
def test_a_channel_that_is_the_same_everywhere_is_not_scaled(value: int) -> None:
    images = np.full((50, 1, 5, 5), value, np.uint8)
    found = build_preprocessing(STANDARD, ImageDataset(images, np.zeros(50, np.int64), ("a",)))
    assert found.std.item() == 1
    assert found.mean.item() == pytest.approx(value / 255)


def test_constants_of_pictures_on_disk_are_those_in_memory(
    shapes: DataSplits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(shapes, tmp_path / "set", 70)
    monkeypatch.setattr("fittingroom.data.passes.PIECE_BYTES", 1000)
    stored = load(tmp_path / "set").with_validation(40)
    assert_same(
        build_preprocessing(STANDARD, stored.train), build_preprocessing(STANDARD, shapes.train)
    )
