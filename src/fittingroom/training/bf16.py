"""Does this CPU compute in bfloat16, correctly and faster than in float32? Try it and see.

A CPU's feature flags do not settle it. Without matrix units bf16 is slower than fp32 (pytorch
issue 146508), some versions compute some convolutions wrongly (163347), and a virtual machine
may announce AMX and yet kill the process at its first instruction. So the trial runs in a
process of its own: `python -m fittingroom.training.bf16`.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

# Time of float32 over time of bf16, forward and backward, from which on bf16 is taken.
WORTHWHILE_SPEEDUP = 1.2
TRIAL_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Bf16:
    """How a device computes in bfloat16.

    Parameters
    ----------
    sound
        It computes, and the results agree with float32 within bf16's precision.
    fast
        It is sound, and enough faster than float32 to be worth its coarser numbers.
    """

    sound: bool
    fast: bool


@functools.cache
def try_on_cpu() -> Bf16:
    """Run the trial in a process of its own, once, and return what it found."""
    return try_in_a_process()


def try_in_a_process(**environment: str) -> Bf16:
    """Run the trial in a process of its own, with these variables added to its environment."""
    try:
        trial = subprocess.run(
            [sys.executable, "-m", "fittingroom.training.bf16"],
            capture_output=True,
            timeout=TRIAL_TIMEOUT_SECONDS,
            check=True,
            env=os.environ | environment,
        )
        return Bf16(**json.loads(trial.stdout))
    except (subprocess.SubprocessError, OSError, ValueError, TypeError):
        return Bf16(sound=False, fast=False)


def run_trial() -> Bf16:
    """Compute a convolution and a linear layer in both precisions, here and now."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(128, 32, 14, 14, generator=generator)
    weight = torch.randn(64, 32, 3, 3, generator=generator) / 17
    linear = torch.randn(10, 64 * 14 * 14, generator=generator) / 112
    x = x.to(memory_format=torch.channels_last)
    weight = weight.to(memory_format=torch.channels_last)
    full = forward_and_backward(x, weight, linear)
    half = forward_and_backward(x.bfloat16(), weight.bfloat16(), linear.bfloat16())
    sound = all(
        bool((ours.float() - theirs).norm() <= 0.05 * theirs.norm())
        for ours, theirs in zip(half, full, strict=True)
    )
    full_seconds = min(timed(x, weight, linear) for _ in range(5))
    half_seconds = min(timed(x.bfloat16(), weight.bfloat16(), linear.bfloat16()) for _ in range(5))
    return Bf16(sound, fast=sound and full_seconds >= WORTHWHILE_SPEEDUP * half_seconds)


def forward_and_backward(x: Tensor, weight: Tensor, linear: Tensor) -> list[Tensor]:
    """Return scores and the gradients of the input and both weights."""
    leaves = [tensor.detach().requires_grad_() for tensor in (x, weight, linear)]
    hidden = F.conv2d(leaves[0], leaves[1], padding=1).relu()
    scores = F.linear(hidden.flatten(1), leaves[2])
    gradients = torch.autograd.grad(scores.square().mean(), leaves)
    return [scores.detach(), *gradients]


def timed(*arguments: Tensor) -> float:
    """Return the seconds of one forward and backward pass."""
    started = time.perf_counter()
    forward_and_backward(*arguments)
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(run_trial())))
