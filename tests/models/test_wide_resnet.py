"""Wide residual networks: the paper's sizes, any picture from 8x8 on, and dropout."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from fittingroom.errors import ModelError
from fittingroom.models import WideResNet, build_network


@pytest.mark.parametrize(
    ("depth", "width", "millions"),
    # Zagoruyko and Komodakis 2016, table 4, for CIFAR-10.
    [(40, 1, 0.6), (40, 2, 2.2), (40, 4, 8.9), (16, 8, 11.0), (22, 8, 17.2), (28, 10, 36.5)],
)
def test_sizes_are_the_papers(depth: int, width: int, millions: float) -> None:
    with torch.device("meta"):
        network = WideResNet((3, 32, 32), 10, depth, width)
    count = sum(p.numel() for p in network.parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 30), (3, 8, 8)])
def test_scores_fit_any_picture_and_number_of_classes(shape: tuple[int, int, int]) -> None:
    network = WideResNet(shape, 7, depth=10, width=1).train()
    scores = network(torch.rand(1, *shape))
    assert scores.shape == (1, 7)
    scores.sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_dropout_is_for_training_only() -> None:
    network, x = WideResNet((1, 8, 8), 3, depth=10, width=1, dropout=0.5), torch.rand(4, 1, 8, 8)
    network.eval()
    assert torch.equal(network(x), network(x))
    network.train()
    assert not torch.equal(network(x), network(x))


@pytest.mark.parametrize("shape", [(1, 7, 28), (1, 28, 7), (1, 1, 1)])
def test_pictures_too_small_are_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ModelError, match=f"at least 8x8, found {shape[1]}x{shape[2]}"):
        WideResNet(shape)


@pytest.mark.parametrize(
    "options",
    [{"depth": 11}, {"depth": 4}, {"depth": -2}, {"depth": "deep"}, {"width": 0}, {"dropout": 1}],
)
def test_nonsense_options_are_refused_in_one_line(options: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="wide-resnet") as caught:
        build_network("wide-resnet", (1, 28, 28), 10, options)
    assert "\n" not in str(caught.value)
