"""Validation of one and of many, beside torch's own numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import ModelError
from fittingroom.models import Classifier
from fittingroom.models.stacked import Stacked
from fittingroom.training import validation
from fittingroom.training.device import Device
from fittingroom.training.recipe import Recipe
from fittingroom.training.validation import measure

MakeClassifier = Callable[..., Classifier]
RECIPE = Recipe(model_options={"hidden": [16, 8]})


@pytest.mark.parametrize("size", [1000, 40, 7])
@pytest.mark.parametrize("runs", [1, 3])
def test_every_run_is_measured_on_every_picture(
    runs: int,
    size: int,
    splits: DataSplits,
    make_classifier: MakeClassifier,
    cpu: Device,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(validation, "pictures_at_once", lambda _model, _device: size)
    monkeypatch.setattr(validation, "LEAST", 5)
    classifiers = [make_classifier(RECIPE) for _ in range(runs)]
    for number, classifier in enumerate(classifiers, start=1):
        for weight in classifier.parameters():
            weight.data *= number
    images = torch.tensor(splits.validation.images)
    labels = torch.tensor(splits.validation.labels)
    model = classifiers[0] if runs == 1 else Stacked(classifiers)
    found = measure(model, images, labels, cpu)
    assert len(found) == runs
    for (loss, accuracy), classifier in zip(found, classifiers, strict=True):
        with torch.no_grad():
            scores = classifier(images)
        assert loss == pytest.approx(float(F.cross_entropy(scores, labels)), rel=1e-5)
        assert accuracy == float((scores.argmax(1) == labels).double().mean())


def test_no_pictures_have_no_marks(
    splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    images, labels = torch.tensor(splits.test.images[:0]), torch.tensor(splits.test.labels[:0])
    classifier = make_classifier(RECIPE)
    assert measure(classifier, images, labels, cpu) == [(None, None)]
    assert measure(Stacked([classifier] * 2), images, labels, cpu) == [(None, None)] * 2


def test_a_network_that_answers_otherwise_in_evaluation_mode_is_refused(
    splits: DataSplits, cpu: Device
) -> None:
    class Moody(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.flatten(1)[: len(x) if self.training else 1]

    classifier = Classifier(Moody(), splits.classes, (1, 8, 8))
    images = torch.tensor(splits.validation.images)
    with pytest.raises(ModelError, match="must return scores of shape"):
        measure(classifier, images, torch.tensor(splits.validation.labels), cpu)
