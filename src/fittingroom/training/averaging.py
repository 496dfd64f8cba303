"""The average of a network's weights over its training, which often does better than the last.

An exponential moving average (Polyak and Juditsky 1992; Tarvainen and Valpola 2017, arXiv
1703.01780). It does not touch training itself, as Lookahead would.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

STEPS = "steps"


class WeightAverage:
    """Follows a module's weights, and takes their place while pictures are scored.

    Running statistics of batch normalisation are averaged along with the weights: computing them
    anew would cost a pass over the training pictures after each epoch.

    Parameters
    ----------
    module
        What is trained. The average begins with the weights that it has now.
    decay
        Share of the old average kept at each step, 0 to 1. It is less at first, so that the
        beginning is soon forgotten: after t steps at most (1 + t) / (10 + t).
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = module
        self.decay = decay
        self.steps = 0
        self.average = {name: tensor.clone() for name, tensor in self.current().items()}

    def current(self) -> dict[str, Tensor]:
        """Return the module's own tensors, those of them that are floats."""
        state = self.module.state_dict()
        return {name: t.detach() for name, t in state.items() if t.is_floating_point()}

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the weights as they are now."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(list(self.average.values()), list(self.current().values()), 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the module the averaged weights, and afterwards its own back."""
        own = {name: tensor.clone() for name, tensor in self.current().items()}
        self.put(self.average)
        try:
            yield
        finally:
            self.put(own)

    @torch.no_grad()
    def put(self, tensors: dict[str, Tensor]) -> None:
        """Copy these into the module's tensors of the same names."""
        for name, tensor in self.current().items():
            tensor.copy_(tensors[name])

    def state(self) -> dict[str, Tensor]:
        """Return what a checkpoint has to hold."""
        return {**self.average, STEPS: torch.tensor(self.steps)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` returned."""
        self.steps = int(state[STEPS])
        for name, tensor in self.average.items():
            tensor.copy_(state[name])
