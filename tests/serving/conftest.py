"""A run of garments that answers for photos, and photos of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.conftest import encoded

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.serving.predictor import RunPredictor


@pytest.fixture(scope="session")
def garments(tmp_path_factory: pytest.TempPathFactory) -> DataSplits:
    """Sketches of Fashion-MNIST's classes: 3,000 to learn from."""
    del tmp_path_factory
    return fr.load("sketches").with_validation()


@pytest.fixture(scope="session")
def garments_run(garments: DataSplits, tmp_path_factory: pytest.TempPathFactory) -> fr.Run:
    """A run on them, which has answered before; tests that change its folder copy it."""
    run = fr.train(
        fr.recipe("fast", epochs=3), garments, out=tmp_path_factory.mktemp("runs"), figures=False
    )
    RunPredictor(run, garments)
    return run


@pytest.fixture(scope="session")
def predictor(garments_run: fr.Run, garments: DataSplits) -> RunPredictor:
    """What answers by it."""
    return RunPredictor(garments_run, garments)


Photograph = Callable[[int], bytes]


@pytest.fixture
def photograph(garments: DataSplits) -> Photograph:
    """Return a test picture as a photo: on white, ten times as large, with a border; a PNG."""

    def take(number: int) -> bytes:
        return png(enlarged(garments.test.images[number, 0]))

    return take


def enlarged(grey: NDArray[np.uint8], times: int = 10, border: int = 30) -> NDArray[np.uint8]:
    """Turn a picture back into dark on light, larger, with a border."""
    large = np.kron(255 - grey, np.ones((times, times), np.uint8))
    return np.pad(large, border, constant_values=255)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return pixels as the content of a PNG file."""
    return encoded(Image.fromarray(pixels))


@pytest.fixture
def photos(photograph: Photograph, tmp_path: Path) -> Path:
    """A folder with three photos."""
    folder = tmp_path / "사진"
    folder.mkdir()
    for number, name in enumerate(("부츠 1.png", "b.png", "👟.png")):
        (folder / name).write_bytes(photograph(number))
    return folder
