"""Batch normalisation by the moments of a whole batch of which each process has a share.

torch.nn.SyncBatchNorm does the same on GPUs; it refuses tensors of the CPU, and shares without
a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import Function
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from fittingroom.training.parallel import Processes


class SharedBatchNorm(TorchFunctionMode):
    """The context in which F.batch_norm sees the pictures of all processes while it trains.

    nn.BatchNorm1d, 2d and 3d call F.batch_norm. Here the call is taken over, not the modules: so
    any network, its weights and running statistics stay what they are. Code compiled by
    torch.jit does not come by here.

    Parameters
    ----------
    processes
        Which share the batch. All of them call the same norms in the same order.
    counts
        Whether this process's pictures belong to the batch; False for one that has no share and
        goes through the network only to answer the others.
    """

    def __init__(self, processes: Processes, counts: bool = True) -> None:
        super().__init__()
        self.processes, self.counts = processes, counts

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call torch's function, or what stands for it here."""
        del types
        if func is F.batch_norm and kwargs and kwargs["training"]:
            x, running_mean, running_var = args
            weight, bias = kwargs["weight"], kwargs["bias"]
            mean, var, count = moments(x.detach(), self.processes, self.counts)
            if running_mean is not None:
                follow(running_mean, mean, kwargs["momentum"])
                follow(running_var, var * count / (count - 1), kwargs["momentum"])
            share = count if self.counts else None
            return Normalized.apply(  # type: ignore[no-untyped-call]
                x, weight, bias, mean, var, kwargs["eps"], self.processes, share
            )
        return func(*args, **(kwargs or {}))


@torch.no_grad()
def follow(running: Tensor, new: Tensor, momentum: float) -> None:
    """Move running statistics towards those of a batch."""
    running.lerp_(new.to(running.dtype), momentum)


@torch.no_grad()
def moments(x: Tensor, processes: Processes, counts: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean and variance of each channel, (C,), over all processes, and of how many numbers.

    Each process's own moments are put together as Chan, Golub and LeVeque do (1979): sums of
    squares would lose digits.
    """
    x, channels = at_least_single(x), x.shape[1]
    rows = x.new_zeros(processes.size, 2 * channels + 1)
    if counts and len(x):
        var, mean = torch.var_mean(x, axes(x), correction=0)
        count = x.new_full((1,), x.numel() // channels)
        rows[processes.rank] = torch.cat([mean, var, count])
    processes.add_up([rows])
    means, variances, numbers = rows.split([channels, channels, 1], dim=1)
    count = numbers.sum()
    shares = numbers / count
    mean = (shares * means).sum(dim=0)
    return mean, (shares * (variances + (means - mean) ** 2)).sum(dim=0), count


class Normalized(Function):
    """(x - mean) / sqrt(var + eps) * weight + bias, where x is a part of what made the moments."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        var: Tensor,
        eps: float,
        processes: Processes,
        count: Tensor | None,
    ) -> Tensor:
        """Normalise; `count` says how many numbers made the moments, None that x was not there."""
        ctx.save_for_backward(x, weight, mean, (var + eps).rsqrt(), count)
        ctx.processes = processes
        return F.batch_norm(x, mean, var, weight, bias, training=False, eps=eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x, and of weight and bias by this process's pictures alone.

        The moments depend on x: Ioffe and Szegedy 2015 (arXiv 1502.03167), section 3.
        """
        x, weight, mean, scale, count = ctx.saved_tensors
        gradient = at_least_single(gradients[0])
        normal = (at_least_single(x) - along(x, mean)) * along(x, scale)
        own = torch.stack([gradient.sum(axes(x)), (gradient * normal).sum(axes(x))])
        sums = own.clone()
        ctx.processes.add_up([sums])
        if count is not None:
            by_mean, by_var = sums / count
            gradient = gradient - along(x, by_mean) - normal * along(x, by_var)
        factor = scale if weight is None else scale * weight
        of_bias, of_weight = (
            part if needed else None
            for part, needed in zip(own, reversed(ctx.needs_input_grad[1:3]), strict=True)
        )
        return (gradient * along(x, factor)).to(x.dtype), of_weight, of_bias, *[None] * 5


def at_least_single(x: Tensor) -> Tensor:
    """Return halves as float32, in which moments are computed."""
    return x.float() if x.dtype in {torch.float16, torch.bfloat16} else x


def axes(x: Tensor) -> list[int]:
    """Return all axes of x, (B, C, ...), but that of the channels."""
    return [0, *range(2, x.ndim)]


def along(x: Tensor, channels: Tensor) -> Tensor:
    """Return one number a channel in the shape that fits x, (B, C, ...)."""
    return channels.view(1, -1, *[1] * (x.ndim - 2))
