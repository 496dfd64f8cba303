"""Optimizers and learning-rate schedules, looked up by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from fittingroom.training.muon import Muon
from fittingroom.training.recipe import Recipe

# The rising part of one-cycle, and where it starts and ends relative to the highest rate:
# the defaults of torch.optim.lr_scheduler.OneCycleLR.
WARMUP = 0.3
START = 1 / 25
END = START / 1e4


def build_optimizer(parameters: Iterable[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """Return the recipe's optimizer, in torch's fused form: one call updates every weight.

    Its learning rate is set by `set_learning_rate`. Parameters are in the network's order.
    """
    weights = list(parameters)
    on_cuda = weights[0].is_cuda
    # A CUDA graph plays back the numbers of its recording, but reads tensors anew each time.
    lr = torch.tensor(recipe.lr, device=weights[0].device) if on_cuda else recipe.lr
    decay = recipe.weight_decay
    match recipe.optimizer:
        case "adam":
            return torch.optim.Adam(weights, lr, weight_decay=decay, fused=True, capturable=on_cuda)
        case "adamw":
            return torch.optim.AdamW(
                weights, lr, weight_decay=decay, fused=True, capturable=on_cuda
            )
        case "sgd":
            return torch.optim.SGD(
                weights, lr, momentum=0.9, nesterov=True, weight_decay=decay, fused=True
            )
        case "muon":
            return Muon(weights, lr, weight_decay=decay)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let the next step be taken at this learning rate."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def constant(step: int, steps: int) -> float:
    """Return 1 throughout."""
    del step, steps
    return 1.0


def cosine(step: int, steps: int) -> float:
    """Fall from 1 towards 0 along half a cosine (Loshchilov and Hutter 2016, arXiv 1608.03983)."""
    return half_cosine(1.0, 0.0, step / steps)


def one_cycle(step: int, steps: int) -> float:
    """Rise to 1, then fall to almost 0 (Smith and Topin 2017, arXiv 1708.07120).

    Cosine rise over the first 30% of the steps, cosine fall over the rest: what
    torch.optim.lr_scheduler.OneCycleLR does.
    """
    peak, last = WARMUP * steps - 1, steps - 1
    if step < peak:
        return half_cosine(START, 1.0, step / peak)
    return half_cosine(1.0, END, (step - peak) / (last - peak)) if step > peak else 1.0


def half_cosine(begin: float, end: float, progress: float) -> float:
    """Go from `begin` to `end` along half a cosine as `progress` goes from 0 to 1."""
    return end + (begin - end) * (1 + math.cos(math.pi * progress)) / 2


SCHEDULES: dict[str, Callable[[int, int], float]] = {
    "constant": constant,
    "cosine": cosine,
    "one-cycle": one_cycle,
}


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Return the learning rate of `step` (counted from 0) of a run of `steps` steps."""
    return recipe.lr * SCHEDULES[recipe.schedule](step, steps)
