"""Pictures, predictions and a machine with a known set of fonts, shared by this room's tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fittingroom.data.dataset import ImageDataset
from fittingroom.data.fashion_mnist import CLASSES
from fittingroom.evaluation import Evaluation
from fittingroom.evaluation.figures import fonts

Builder = Callable[..., Evaluation]

KOREAN = (
    "티셔츠",
    "바지",
    "풀오버",
    "드레스",
    "코트",
    "샌들",
    "셔츠",
    "운동화",
    "가방",
    "앵클 부츠",
)


@pytest.fixture
def korean() -> tuple[str, ...]:
    """Ten class names in Korean, one of two words."""
    return KOREAN


@pytest.fixture
def build() -> Builder:
    """Build an evaluation: of labels and predicted classes, or drawn at random and mostly right."""

    def evaluation(
        labels: Any = None,
        predicted: Any = None,
        classes: tuple[str, ...] = CLASSES,
        **said: Any,
    ) -> Evaluation:
        rng = np.random.default_rng(0)
        labels = rng.integers(0, len(classes), 300) if labels is None else np.asarray(labels)
        logits = rng.normal(size=(len(labels), len(classes))).astype(np.float32)
        favoured = labels if predicted is None else np.asarray(predicted)
        logits[np.arange(len(labels)), favoured] += 2 if predicted is None else 20
        known: dict[str, Any] = {"data_name": "pets", "fingerprint": "ab" * 32, "split": "test"}
        return Evaluation.from_predictions(
            labels, logits, classes, **(known | {"sketches": False} | said)
        )

    return evaluation


@pytest.fixture
def pictures() -> Callable[..., ImageDataset]:
    """Build a data set of noise with the given labels."""

    def dataset(
        labels: NDArray[np.int64],
        classes: tuple[str, ...] = CLASSES,
        shape: tuple[int, int, int] = (1, 28, 28),
    ) -> ImageDataset:
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (len(labels), *shape), dtype=np.uint8)
        return ImageDataset(images, np.asarray(labels, np.int64), classes)

    return dataset


@pytest.fixture
def bundled_fonts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that the machine has no fonts but matplotlib's own, and has not warned of it yet."""
    from matplotlib import font_manager, get_data_path

    bundled = [
        font
        for font in font_manager.fontManager.ttflist
        if str(font.fname).startswith(get_data_path())
    ]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", bundled)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    fonts._warn_once.cache_clear()
