"""Optimizers and schedules beside those of torch."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR

from fittingroom.models import ConvNet, ThreeLayer
from fittingroom.training.optimizers import (
    SCHEDULES,
    build_optimizer,
    learning_rate,
    set_learning_rate,
)
from fittingroom.training.recipe import Recipe

LR = 0.03
LENGTHS = [1, 2, 3, 4, 7, 10, 33, 100, 1000]


def torch_rates(kind: type[LRScheduler], steps: int, **settings: Any) -> list[float]:
    """Return the rates of torch's scheduler at each step."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=LR)
    scheduler = kind(optimizer, **settings)
    rates = []
    for step in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if step < steps - 1:
            scheduler.step()
    return rates


def our_rates(schedule: str, steps: int) -> list[float]:
    recipe = Recipe(lr=LR, schedule=schedule)
    return [learning_rate(recipe, step, steps) for step in range(steps)]


# Schedules


@pytest.mark.parametrize("steps", LENGTHS)
def test_constant_stays(steps: int) -> None:
    assert our_rates("constant", steps) == [LR] * steps


@pytest.mark.parametrize("steps", LENGTHS)
def test_cosine_is_torchs(steps: int) -> None:
    expected = torch_rates(CosineAnnealingLR, steps, T_max=steps)
    assert our_rates("cosine", steps) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("steps", LENGTHS)
def test_one_cycle_is_torchs(steps: int) -> None:
    expected = torch_rates(OneCycleLR, steps, total_steps=steps, max_lr=LR, cycle_momentum=False)
    assert our_rates("one-cycle", steps) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rates_never_exceed_the_recipes_and_are_finite(schedule: str) -> None:
    for steps in range(1, 60):
        rates = our_rates(schedule, steps)
        assert all(math.isfinite(rate) and 0 < rate <= LR * (1 + 1e-12) for rate in rates)


def test_one_cycle_reaches_its_highest_rate_after_three_tenths() -> None:
    rates = our_rates("one-cycle", 100)
    assert max(rates) == rates[29] == LR
    assert rates[0] == pytest.approx(LR / 25)
    assert rates[:30] == sorted(rates[:30])
    assert rates[29:] == sorted(rates[29:], reverse=True)


# Optimizers

PLAIN: dict[str, Any] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": lambda weights, **settings: torch.optim.SGD(
        weights, momentum=0.9, nesterov=True, **settings
    ),
}


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("kind", [ThreeLayer, ConvNet])
def test_a_few_steps_are_those_of_torchs_plain_optimizer(
    kind: type[nn.Module], name: str, weight_decay: float
) -> None:
    torch.manual_seed(0)
    ours = kind((1, 8, 8), 3)
    theirs = copy.deepcopy(ours)
    x, y = torch.rand(40, 1, 8, 8), torch.randint(0, 3, (40,))
    recipe = Recipe(optimizer=name, lr=0.003, weight_decay=weight_decay)
    optimizers = [
        build_optimizer(ours.parameters(), recipe),
        PLAIN[name](
            theirs.parameters(), lr=0.003, weight_decay=weight_decay, fused=False, foreach=False
        ),
    ]
    for _ in range(3):
        optimizers[0].zero_grad()
        F.cross_entropy(ours(x), y).backward()
        # The same gradients for both: Adam blows rounding of tiny ones up to whole steps.
        for our_weight, their_weight in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert our_weight.grad is not None
            their_weight.grad = our_weight.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    for our_weight, their_weight in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(our_weight, their_weight, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", PLAIN)
def test_a_rate_in_a_tensor_is_the_same_rate(name: str) -> None:
    # On CUDA the rate is a tensor, which a graph reads anew; fused steps take both kinds.
    recipe = Recipe(optimizer=name, lr=0.1, weight_decay=0.1)
    layers = [nn.Linear(4, 3) for _ in range(2)]
    layers[1].load_state_dict(layers[0].state_dict())
    optimizers = [build_optimizer(layer.parameters(), recipe) for layer in layers]
    for group in optimizers[1].param_groups:
        group["lr"] = torch.tensor(0.1)
    for rate in (0.1, 0.03):
        for layer, optimizer in zip(layers, optimizers, strict=True):
            set_learning_rate(optimizer, rate)
            layer.weight.grad, layer.bias.grad = torch.full((3, 4), 0.5), torch.ones(3)
            optimizer.step()
    assert isinstance(optimizers[1].param_groups[0]["lr"], torch.Tensor)
    torch.testing.assert_close(layers[0].weight, layers[1].weight)


def test_decoupled_weight_decay_is_no_l2_penalty() -> None:
    weights = [nn.Parameter(torch.full((3,), 2.0)) for _ in range(2)]
    for weight, name in zip(weights, ("adam", "adamw"), strict=True):
        weight.grad = torch.zeros(3)
        build_optimizer([weight], Recipe(optimizer=name, lr=0.1, weight_decay=0.5)).step()
    # Adam's first step is lr long whatever the penalty; AdamW's is lr x decay x weight.
    torch.testing.assert_close(weights[0].detach(), torch.full((3,), 2 - 0.1))
    torch.testing.assert_close(weights[1].detach(), torch.full((3,), 2 - 0.1 * 0.5 * 2))
