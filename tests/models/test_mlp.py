"""The notebook's two networks, beside the same layers put together by torch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from fittingroom.errors import ModelError
from fittingroom.models import ThreeLayer, TwoLayer


def number_of_weights(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def test_parameter_counts_are_those_of_the_notebook() -> None:
    assert number_of_weights(TwoLayer()) == 101_770
    assert number_of_weights(ThreeLayer()) == 235_146


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 14), (1, 1, 1)])
def test_two_layers_are_linear_relu_linear(shape: tuple[int, int, int]) -> None:
    network = TwoLayer(shape, 7, hidden=[5])
    same = nn.Sequential(nn.Flatten(), network.fc1, nn.ReLU(), network.fc2)
    x = torch.randn(11, *shape)
    assert network(x).shape == (11, 7)
    assert torch.equal(network(x), same(x))


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 14), (1, 1, 1)])
def test_three_layers_are_two_times_linear_relu_then_linear(shape: tuple[int, int, int]) -> None:
    network = ThreeLayer(shape, 7, hidden=[6, 5])
    same = nn.Sequential(nn.Flatten(), network.fc1, nn.ReLU(), network.fc2, nn.ReLU(), network.fc3)
    x = torch.randn(11, *shape)
    assert network(x).shape == (11, 7)
    assert torch.equal(network(x), same(x))


@pytest.mark.parametrize("kind", [TwoLayer, ThreeLayer])
def test_scores_are_no_probabilities(kind: type[nn.Module]) -> None:
    scores = kind()(torch.rand(20, 1, 28, 28))
    assert (scores < 0).any()
    assert not torch.isclose(scores.sum(dim=1), torch.tensor(1.0)).any()


@pytest.mark.parametrize("hidden", [[], [0], [-5], [5.5], ["128"], [256, 128], 0])
def test_nonsense_widths_of_two_layers_are_refused(hidden: Any) -> None:
    with pytest.raises(ModelError, match="two-layer: expected 1 positive layer width, found"):
        TwoLayer(hidden=hidden)


@pytest.mark.parametrize("hidden", [[], [128], [256, 0], [256, 128, 64], "ab"])
def test_nonsense_widths_of_three_layers_are_refused(hidden: Any) -> None:
    with pytest.raises(ModelError, match="three-layer: expected 2 positive layer widths, found"):
        ThreeLayer(hidden=hidden)


def test_one_width_needs_no_list() -> None:
    assert TwoLayer(hidden=16).fc1.out_features == 16  # type: ignore[arg-type]
