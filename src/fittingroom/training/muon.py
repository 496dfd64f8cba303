"""Muon: momentum whose steps are made orthogonal, for the hidden weights of a network.

Jordan et al. 2024 (https://kellerjordan.github.io/posts/muon). torch.optim.Muon takes matrices
only, no filters, and computes in bfloat16 even on CPUs that do that slowly or not at all.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from fittingroom.training.uncompiled import take_step

# Jordan's quintic: steepest at 0, where the small singular values lie; it takes every singular
# value to somewhere between 0.7 and 1.2, which serves as well as 1.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5

# Less than the usual 0.95, for short runs: the small convnet's validation accuracy after 156
# steps was 90.1% with 0.95, 90.6% with 0.8 and 90.7% with 0.6 (adamw: 88.4%; one seed each).
MOMENTUM = 0.8

# Liu et al. 2025 (arXiv 2502.16982): with this factor a step is as long as AdamW's, so that both
# parts of a network can share one learning rate and one weight decay.
RMS_OF_ADAMW = 0.2


class Muon(torch.optim.Optimizer):
    """Muon for a network's hidden weights, AdamW for the others, as one optimizer.

    Hidden are the weights of two and more dimensions but the last of them, which gives the
    scores. Biases, norms and that last layer are AdamW's.

    Parameters
    ----------
    parameters
        In the network's order.
    lr
        Learning rate of both parts; a tensor is read anew at each step.
    weight_decay
        Decoupled from the gradient, as with AdamW.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float | Tensor, *, weight_decay: float = 0.0
    ) -> None:
        weights = list(parameters)
        matrices = [w for w in weights if w.ndim >= 2 and w.requires_grad]
        hidden = {id(weight) for weight in matrices[:-1]}
        others = [weight for weight in weights if id(weight) not in hidden]
        self.adamw = torch.optim.AdamW(
            others, lr, weight_decay=weight_decay, fused=True, capturable=others[0].is_cuda
        )
        defaults = {"lr": lr, "weight_decay": weight_decay}
        groups = [{"params": matrices[:-1]}] if hidden else []
        super().__init__([*groups, *self.adamw.param_groups], defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update every weight that has a gradient."""
        del closure
        *hidden, others = self.param_groups
        for group in hidden:
            self._step_orthogonally(group)
        # AdamW works on this optimizer's own groups and state, which a checkpoint may have put
        # in the place of those that it was made with.
        self.adamw.param_groups, self.adamw.state = [others], self.state
        take_step(self.adamw)

    def _step_orthogonally(self, group: dict[str, Any]) -> None:
        by_shape = defaultdict(list)
        for weight in group["params"]:
            if weight.grad is not None:
                by_shape[weight.flatten(1).shape].append(weight)
        lr, decay = group["lr"], group["weight_decay"]
        for (rows, columns), weights in by_shape.items():
            directions = orthogonalize(torch.stack([self._momentum(w) for w in weights]))
            length = lr * RMS_OF_ADAMW * math.sqrt(max(rows, columns))
            for weight, direction in zip(weights, directions, strict=True):
                weight.mul_(1 - lr * decay)
                weight.sub_(direction.view(weight.shape) * length)

    def _momentum(self, weight: Tensor) -> Tensor:
        """Add a weight's gradient to its average; return Nesterov's look ahead, as a matrix."""
        state, gradient = self.state[weight], weight.grad
        assert gradient is not None  # noqa: S101 - seen by the caller
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        average = state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp(average, MOMENTUM).flatten(1)


def orthogonalize(matrices: Tensor) -> Tensor:
    """Return U V^T, nearly, for each of the matrices U S V^T, float (N, rows, columns).

    Newton-Schulz iteration, in bfloat16 on CUDA and float32 elsewhere; the singular values of
    what it returns lie near 1, not at it.
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.bfloat16() if matrices.is_cuda else matrices
    x = x.mT if tall else x
    # The Frobenius norm is at least the largest singular value, which must not exceed 1.
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).to(matrices.dtype)
