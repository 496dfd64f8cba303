"""A step of training recorded once and played back: what CUDA calls a graph.

A small network's step is a hundred kernels of a few microseconds each, and launching them one by
one takes longer than they do. A graph launches all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Step = Callable[..., tuple[Tensor, ...]]

# torch's notes on CUDA graphs ask for some steps that set up libraries and optimizer first.
WARM_UP = 3


class Replayed:
    """Takes a step as it is the first few times, then records it and plays the record back.

    Parameters
    ----------
    step
        Maps tensors on a CUDA device to tensors without gradients. Beside its arguments it may
        read and write only tensors that stay where they are; numbers are recorded as they were.
        It must not wait for the device.
    batch_size
        Length of the first argument that is recorded; a batch of another is stepped as it is.
    device
        The CUDA device.
    """

    def __init__(self, step: Step, batch_size: int, device: torch.device) -> None:
        self.step = step
        self.batch_size = batch_size
        self.taken = 0
        self.graph: torch.cuda.CUDAGraph | None = None
        self.device = device
        self.stream = torch.cuda.Stream(device)
        self.arguments: tuple[Tensor, ...] = ()
        self.results: tuple[Tensor, ...] = ()

    def __call__(self, *arguments: Tensor) -> tuple[Tensor, ...]:
        """Take one step. What it returns is overwritten by the next one."""
        if len(arguments[0]) != self.batch_size:
            return self.step(*arguments)
        if self.taken < WARM_UP:
            self.taken += 1
            return self._aside(arguments)
        if self.graph is None:
            self._record(arguments)
        for place, argument in zip(self.arguments, arguments, strict=True):
            place.copy_(argument)
        self.graph.replay()  # type: ignore[union-attr]
        return self.results

    def _aside(self, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Take the step on the stream that it will be recorded on."""
        main = torch.cuda.current_stream(self.device)
        self.stream.wait_stream(main)
        with torch.cuda.stream(self.stream):
            results = self.step(*arguments)
        main.wait_stream(self.stream)
        return results

    def _record(self, arguments: tuple[Tensor, ...]) -> None:
        """Record the step; nothing is computed yet."""
        self.arguments = tuple(argument.clone() for argument in arguments)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, stream=self.stream):
            self.results = self.step(*self.arguments)
