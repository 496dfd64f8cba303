from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import nn

import fittingroom as fr
from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.evaluation.metrics import calibration, softmax
from fittingroom.models import Classifier
from fittingroom.serving.answering import fit_answering, fit_temperature, with_features
from fittingroom.serving.predictor import RunPredictor

pytestmark = pytest.mark.usefixtures("isolated")


def test_the_temperature_is_the_one_that_makes_the_labels_likeliest() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2000, 5)).astype(np.float32)
    chances = softmax(logits)
    labels = np.array([rng.choice(5, p=p / p.sum()) for p in chances.astype(np.float64)])

    def loss(power: np.ndarray) -> float:
        p = softmax((3 * logits / np.exp(power[0])).astype(np.float32))
        return float(-np.log(p[np.arange(len(labels)), labels].clip(1e-12)).mean())

    expected = float(np.exp(minimize(loss, [0.0], method="Nelder-Mead").x[0]))
    assert fit_temperature(3 * logits, labels) == pytest.approx(expected, rel=1e-2)
    assert expected == pytest.approx(3, rel=0.1)


def test_probabilities_are_calibrated_and_answers_stay(
    predictor: RunPredictor, garments: DataSplits, garments_run: fr.Run
) -> None:
    images, labels = garments.test.images, garments.test.labels
    answers = predictor.answer(images)
    assert np.allclose(answers.probabilities.sum(axis=1), 1, atol=1e-5)
    predicted = answers.probabilities.argmax(axis=1)
    assert (predicted == garments_run.evaluation.predicted).mean() > 0.999
    before = garments_run.evaluation.calibration_error
    after = calibration(answers.probabilities.max(axis=1), predicted == labels).error
    assert after < before


def test_one_picture_is_answered_for_as_among_many(
    predictor: RunPredictor, garments: DataSplits
) -> None:
    images = garments.test.images[:40]
    together = predictor.answer(images)
    alone = [predictor.answer(image[None]) for image in images]
    assert np.allclose(together.probabilities, [one.probabilities[0] for one in alone], atol=1e-5)
    # A rank among the validation pictures may change by one where two scores are equal but for
    # rounding.
    apart = np.abs(together.novelty - [one.novelty[0] for one in alone])
    assert np.median(apart) < 1e-6
    assert apart.max() < 1


def test_the_test_pictures_are_never_looked_at(garments: DataSplits, garments_run: fr.Run) -> None:
    blank = ImageDataset(
        np.zeros_like(garments.test.images), garments.test.labels, garments.classes
    )
    _, fitted = fit_answering(garments_run.classifier, garments)
    _, without = fit_answering(garments_run.classifier, replace(garments, test=blank))
    assert fitted == without


def test_without_validation_pictures_training_pictures_stand_in_and_it_is_said(
    shapes: DataSplits,
) -> None:
    run = fr.train("two-layer", shapes, protocol="notebook", epochs=1, figures=False)
    _, fitted = fit_answering(run.classifier, run.data(shapes))
    assert fitted.fitted_on == "training"
    assert fitted.pictures == 120


class NoLinear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(64, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1) @ self.weight


def test_a_network_without_a_linear_layer_is_judged_by_its_scores(shapes: DataSplits) -> None:
    classifier = Classifier(NoLinear(), shapes.classes, (1, 8, 8)).eval()
    images = torch.from_numpy(shapes.test.images[:6])
    scores, features = with_features(classifier, images)
    assert torch.equal(scores, features)
    answering, fitted = fit_answering(classifier, shapes)
    assert answering.answer(shapes.test.images)[0].shape == (80, 4)
    assert fitted.fitted_on == "validation"


def test_of_several_views_the_features_are_those_of_the_picture_as_it_is(
    shapes: DataSplits,
) -> None:
    run = fr.train("convnet", shapes, epochs=1, batch_size=32, views="shifts", figures=False)
    images = torch.from_numpy(shapes.test.images[:6])
    with torch.inference_mode():
        scores, features = with_features(run.classifier, images)
        plain, same = with_features(run.classifier, images, all_views=False)
        assert torch.equal(scores, run.classifier(images))
    assert torch.equal(features, same)
    assert not torch.equal(scores, plain)


def test_colour_pictures_and_many_classes_are_answered_for(tmp_path: object) -> None:
    del tmp_path
    rng = np.random.default_rng(0)
    labels = (np.arange(300) % 30).astype(np.int64)
    images = rng.integers(0, 256, (300, 3, 12, 10)).astype(np.uint8)
    data = ImageDataset(images, labels, tuple(f"class {n}" for n in range(30)))
    splits = DataSplits("colour", "made for a test", data, data).with_validation(30)
    run = fr.train("two-layer", splits, epochs=1, figures=False)
    predictor = RunPredictor(run, splits)
    answers = predictor.answer(images[:7])
    assert answers.probabilities.shape == (7, 30)
    assert np.isfinite(answers.novelty).all()
    assert not predictor.preparation.alone
