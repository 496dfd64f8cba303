"""Tiny finished runs to report on, and a browser to look at the reports with."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.runs.train import train

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The names that Debian, Ubuntu and Google give it.
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

# Names that would run, break a table or leave a string if they were not text.
HOSTILE = (
    "<script>window.hacked = 1</script>",
    "</script><img src=x onerror='window.hacked = 2'>",
    '"><svg onload="window.hacked = 3">',
    "한글 이름 🙂",
    "a|b`c`*d*_e_{{ 7 * 7 }} [x](javascript:window.hacked=4)",
    "{name}&amp;<b>&lt;@someone",
)


def noisy_pictures(count: int, classes: tuple[str, ...], seed: int = 0) -> ImageDataset:
    """Draw grey pictures of 6x9, all of them different, a class a brighter row."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % len(classes)).astype(np.int64)
    images = rng.integers(0, 200, (count, 1, 6, 9)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[0, label % 6] = np.minimum(image[0, label % 6] + 40.0, 255).astype(np.uint8)
    return ImageDataset(images, labels, classes)


def splits_of(classes: tuple[str, ...], *, sketches: bool = False) -> DataSplits:
    learning, test = noisy_pictures(240, classes), noisy_pictures(120, classes, seed=1)
    return DataSplits("noise", "made for a test", learning, test, sketches=sketches)


@pytest.fixture
def shapes(shapes: DataSplits) -> DataSplits:
    """The shapes, every third test picture with a wrong label: mistakes of every kind."""
    labels = shapes.test.labels.copy()
    labels[::3] = (labels[::3] + 1 + np.arange(len(labels[::3])) % 3) % 4
    return replace(shapes, test=replace(shapes.test, labels=labels))


@pytest.fixture
def run(isolated: Path, shapes: DataSplits) -> fr.Run:
    """A finished run of three epochs on the shapes, with some mistakes."""
    return train("two-layer", shapes, epochs=3, batch_size=32, lr=0.002, figures=False)


@pytest.fixture
def run_on(isolated: Path) -> Callable[[DataSplits], fr.Run]:
    """Train one epoch on other data."""
    return lambda splits: train("two-layer", splits, epochs=1, lr=0.003, figures=False)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, headless; nothing is fetched for it.

    No longer than a file's tests: playwright's loop runs in this thread, and no second one may.
    """
    if not CHROMIUM:
        pytest.skip("looks at the page in a browser: install chromium, e.g. Debian's package")
    sync_api = pytest.importorskip("playwright.sync_api", reason="drives chromium")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()
