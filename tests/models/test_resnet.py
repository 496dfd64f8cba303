"""ResNet: the field's own size, any picture from 8x8 on, and its memory layout."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from fittingroom.errors import ModelError
from fittingroom.models import Classifier, ResNet, build_network


def test_the_default_is_the_fields_resnet_18() -> None:
    # Known from the usual ResNet-18 for CIFAR-10, which has three colours and as many classes.
    assert sum(p.numel() for p in ResNet((3, 32, 32)).parameters()) == 11_173_962
    layers = [m for m in ResNet().modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    on_the_way = [m for m in layers if not (isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1))]
    assert len(on_the_way) == 18


def test_its_work_is_that_of_the_fields_resnet_18() -> None:
    # 0.56 billion multiply-adds at 32x32 are what the field quotes.
    classifier = Classifier(ResNet((3, 32, 32)), [str(n) for n in range(10)], (3, 32, 32))
    assert classifier.count_multiply_adds() == pytest.approx(0.56e9, rel=0.02)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 30), (3, 8, 8)])
def test_scores_fit_any_picture_and_number_of_classes(shape: tuple[int, int, int]) -> None:
    network = ResNet(shape, 7, blocks=(1, 1, 1, 1)).train()
    scores = network(torch.rand(2, *shape))
    assert scores.shape == (2, 7)
    scores.sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_convolutions_and_what_flows_between_them_lie_channels_last() -> None:
    network = ResNet(blocks=(1, 1, 1, 1)).eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            assert module.weight.is_contiguous(memory_format=torch.channels_last)
    assert network.stages(network.stem(torch.rand(2, 1, 28, 28))).is_contiguous(
        memory_format=torch.channels_last
    )


@pytest.mark.parametrize("shape", [(1, 7, 28), (1, 28, 7), (1, 1, 1)])
def test_pictures_too_small_to_halve_three_times_are_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ModelError, match=f"at least 8x8, found {shape[1]}x{shape[2]}"):
        ResNet(shape)


@pytest.mark.parametrize("blocks", [[2, 2, 2], [2, 2, 2, 0], [2, 2, 2, 1.5], [], 5, "many"])
def test_nonsense_blocks_are_refused_in_one_line(blocks: Any) -> None:
    with pytest.raises(ModelError, match="resnet") as caught:
        build_network("resnet", (1, 28, 28), 10, {"blocks": blocks})
    assert "\n" not in str(caught.value)
