"""What is no garment is flagged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.serving.predictor import RunPredictor
from strange import strange

FEWEST_FLAGGED = 0.8

pytestmark = [pytest.mark.slow, pytest.mark.real_data]


def test_what_is_no_garment_is_flagged_and_one_real_picture_in_twenty(
    fashion_mnist: DataSplits, tmp_path: Path
) -> None:
    """Of other recipes: `python benchmarks trust`."""
    run = fr.train(fr.recipe("fast"), fashion_mnist, out=tmp_path, figures=False)
    predictor = RunPredictor(run, fashion_mnist)
    test = fashion_mnist.test.images

    def flagged(images: np.ndarray) -> float:
        return float((predictor.answer(images).novelty > predictor.threshold).mean())

    assert 0.04 < flagged(test) < 0.06
    found = {name: flagged(pictures) for name, pictures in strange(test).items()}
    assert min(found.values()) >= FEWEST_FLAGGED, found
