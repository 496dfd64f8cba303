"""The convolutional network: shapes, memory layout, and what batches it bears."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fittingroom.errors import ModelError
from fittingroom.models import ConvNet

SMALLEST = 8


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 9, 30), (3, SMALLEST, SMALLEST)])
def test_scores_fit_any_picture_and_number_of_classes(shape: tuple[int, int, int]) -> None:
    network = ConvNet(shape, 7, widths=(4, 6, 8))
    assert network(torch.rand(5, *shape)).shape == (5, 7)


def test_scores_are_no_probabilities() -> None:
    scores = ConvNet(widths=(4, 6, 8)).eval()(torch.rand(20, 1, 28, 28))
    assert not torch.isclose(scores.sum(dim=1), torch.tensor(1.0)).any()


def test_a_batch_of_one_smallest_picture_can_be_trained_on() -> None:
    # Batch normalisation needs more than one value a channel.
    network = ConvNet((1, SMALLEST, SMALLEST), 3, widths=(4, 6, 8)).train()
    network(torch.rand(1, 1, SMALLEST, SMALLEST)).sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())


@pytest.mark.parametrize("shape", [(1, SMALLEST - 1, 28), (1, 28, SMALLEST - 1), (1, 1, 1)])
def test_pictures_too_small_to_halve_twice_are_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ModelError, match=f"at least 8x8, found {shape[1]}x{shape[2]}"):
        ConvNet(shape)


def test_convolutions_lie_channels_last_in_memory() -> None:
    kernels = [module.weight for module in ConvNet().modules() if isinstance(module, nn.Conv2d)]
    assert kernels
    assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)


def test_memory_layout_leaves_the_scores_unchanged() -> None:
    network = ConvNet((3, 12, 10), 5, widths=(4, 6, 8)).eval()
    x = torch.rand(6, 3, 12, 10)
    expected = network(x)
    nn.utils.convert_conv2d_weight_memory_format(network, torch.contiguous_format)
    torch.testing.assert_close(network(x), expected)
    torch.testing.assert_close(network(x.to(memory_format=torch.channels_last)), expected)


@pytest.mark.parametrize("widths", [(32, 64), (32, 64, 0), (32, 64, 1.5), ()])
def test_nonsense_widths_are_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="convnet: expected 3 positive layer widths"):
        ConvNet(widths=widths)
