"""Scores of many pictures, batch by batch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fittingroom.errors import ModelError
from fittingroom.models import Classifier, ConvNet
from fittingroom.models.inference import compute_scores, pictures_at_once

SHAPE = (1, 8, 8)


@pytest.fixture
def classifier() -> Classifier:
    """Return a classifier whose answers differ between training and evaluation mode."""
    network = nn.Sequential(nn.Dropout(0.5), ConvNet(SHAPE, 3, widths=(4, 6, 8)))
    return Classifier(network, ("a", "b", "c"), SHAPE)


@pytest.fixture
def images() -> Tensor:
    return torch.randint(0, 256, (17, *SHAPE), dtype=torch.uint8)


def test_scores_do_not_depend_on_the_batches(classifier: Classifier, images: Tensor) -> None:
    with torch.no_grad():
        expected = classifier.eval()(images)
    classifier.train()
    for size in (1, 5, 17, 1000):
        torch.testing.assert_close(compute_scores(classifier, images.split(size)), expected)


def test_convolutions_on_a_cpu_see_fewer_pictures_at_a_time(classifier: Classifier) -> None:
    cpu, flat = torch.device("cpu"), nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    assert pictures_at_once(classifier, cpu) < pictures_at_once(flat, cpu)
    assert pictures_at_once(classifier, torch.device("cuda")) == pictures_at_once(flat, cpu)


def test_every_part_has_its_mode_back(classifier: Classifier, images: Tensor) -> None:
    frozen = classifier.network.get_submodule("1.stem").eval()
    before = [part.training for part in classifier.modules()]
    compute_scores(classifier, images.split(5))
    assert [part.training for part in classifier.modules()] == before
    assert not frozen.training
    with pytest.raises(RuntimeError):
        compute_scores(classifier, [images[:, :, :1, :1]])
    assert [part.training for part in classifier.modules()] == before


def test_half_precision_scores_come_back_as_float32(images: Tensor) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3).bfloat16())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = compute_scores(network, (images / 255).split(5))
    assert found.dtype == torch.float32


def test_no_pictures_have_no_scores(classifier: Classifier, images: Tensor) -> None:
    assert compute_scores(classifier, images[:0].split(5)).shape == (0, 3)


class Answer(nn.Module):
    """Answers with whatever it was given."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, x: Tensor) -> Any:
        del x
        return self.answer


@pytest.mark.parametrize(
    "answer", [None, torch.zeros(17), torch.zeros(4, 3), torch.zeros(17, 3, 1)]
)
def test_anything_but_a_row_of_scores_a_picture_is_refused(answer: Any, images: Tensor) -> None:
    with pytest.raises(ModelError, match=r"\(batch, classes\) = \(17, K\), found"):
        compute_scores(Answer(answer), [images])
