"""Sharpness-aware minimisation: steps against the gradient of the worst place nearby.

Foret et al. 2020 (arXiv 2010.01412): climb by `rho` along the gradient, take the gradient there,
come back, and step with that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def uphill(module: nn.Module, distance: float) -> Iterator[None]:
    """Move the weights by `distance` along their gradient, and put them back afterwards.

    Meanwhile batch normalisation does not follow what it sees: its running statistics are those
    of the weights themselves. Gradients are left for the caller to clear.
    """
    weights: list[Tensor] = [w for w in module.parameters() if w.grad is not None]
    before = [weight.detach().clone() for weight in weights]
    climb(weights, distance)
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        with torch.no_grad():
            torch._foreach_copy_(weights, before)


@torch.no_grad()
def climb(weights: list[Tensor], distance: float) -> None:
    """Add `distance` times the gradient of all weights together, scaled to length 1."""
    gradients: list[Tensor] = [w.grad for w in weights if w.grad is not None]
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    scale = distance / norm.clamp(min=1e-12)
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.add_(gradient * scale)
