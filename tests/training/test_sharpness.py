"""Sharpness-aware steps beside the same written out by hand."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fittingroom.training.sharpness import uphill


@pytest.fixture
def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3)
    )


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(16, 1, 8, 8, generator=generator)
    return images, torch.randint(0, 3, (16,), generator=generator)


def test_a_step_is_the_papers(
    network: nn.Sequential, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    x, y = batch
    rho, lr = 0.3, 0.1
    by_hand = copy.deepcopy(network)

    optimizer = torch.optim.SGD(network.parameters(), lr=lr)
    F.cross_entropy(network(x), y).backward()
    with uphill(network, rho):
        optimizer.zero_grad()
        F.cross_entropy(network(x), y).backward()
    optimizer.step()

    weights = list(by_hand.parameters())
    first = torch.autograd.grad(F.cross_entropy(by_hand(x), y), weights)
    length = torch.cat([g.flatten() for g in first]).norm()
    statistics = by_hand.get_buffer("1.running_mean").clone()
    before = [w.detach().clone() for w in weights]
    with torch.no_grad():
        for w, g in zip(weights, first, strict=True):
            w.add_(rho * g / length)
    second = torch.autograd.grad(F.cross_entropy(by_hand(x), y), weights)
    for ours, was, g in zip(network.parameters(), before, second, strict=True):
        torch.testing.assert_close(ours.detach(), was - lr * g)
    torch.testing.assert_close(network.get_buffer("1.running_mean"), statistics)


def test_the_climb_is_as_long_as_it_should_be_and_is_undone_to_the_bit(
    network: nn.Sequential, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    x, y = batch
    before = [weight.detach().clone() for weight in network.parameters()]
    loss = F.cross_entropy(network(x), y)
    loss.backward()
    with uphill(network, 0.05):
        moved = [w.detach() - b for w, b in zip(network.parameters(), before, strict=True)]
        assert torch.cat([m.flatten() for m in moved]).norm() == pytest.approx(0.05, rel=1e-4)
        assert F.cross_entropy(network(x), y) > loss
    for weight, its in zip(network.parameters(), before, strict=True):
        assert torch.equal(weight, its)
    assert network[1].momentum == 0.1


def test_no_gradient_no_climb(network: nn.Sequential) -> None:
    for weight in network.parameters():
        weight.grad = torch.zeros_like(weight)
    before = [weight.detach().clone() for weight in network.parameters()]
    with uphill(network, 1.0):
        for weight, its in zip(network.parameters(), before, strict=True):
            assert torch.equal(weight, its)


def test_what_is_frozen_stays(
    network: nn.Sequential, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    frozen = network.get_parameter("0.weight").requires_grad_(False)
    before = frozen.clone()
    F.cross_entropy(network(batch[0]), batch[1]).backward()
    with uphill(network, 1.0):
        assert torch.equal(frozen, before)
