"""What is no garment is flagged."""

from __future__ import annotations

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.serving.predictor import RunPredictor
from strange import strange

FEWEST_FLAGGED = 0.8

pytestmark = [pytest.mark.slow, pytest.mark.real_data]


@pytest.fixture(scope="module", params=["fast", "notebook-three-layer"])
def predictor(
    request: pytest.FixtureRequest,
    fashion_mnist: DataSplits,
    tmp_path_factory: pytest.TempPathFactory,
) -> RunPredictor:
    out = tmp_path_factory.mktemp("runs")
    run = fr.train(fr.recipe(request.param), fashion_mnist, out=out, figures=False)
    return RunPredictor(run, fashion_mnist)


def test_what_is_no_garment_is_flagged_and_one_real_picture_in_twenty(
    predictor: RunPredictor, fashion_mnist: DataSplits
) -> None:
    test = fashion_mnist.test.images

    def flagged(images: np.ndarray) -> float:
        return float((predictor.answer(images).novelty > predictor.threshold).mean())

    assert 0.04 < flagged(test) < 0.06
    found = {name: flagged(pictures) for name, pictures in strange(test).items()}
    assert min(found.values()) >= FEWEST_FLAGGED, found
