"""torch's optimizers without torch's compiler, which nothing here uses.

Left to itself, the first optimizer of a process imports it (torch._dynamo, and with it sympy and
torch._inductor): two to three seconds before training begins, and 80 MB or more.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# The methods of an optimizer that torch keeps out of what its compiler compiles.
UNCOMPILED = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")

# Where torch looks for what it has found to call in place of such a method (torch/_compile.py).
FOUND = "__dynamo_disable"

# Where an optimizer that can be recorded in a CUDA graph notes that it has warned of being used
# without one, as ours are for the first steps (replay.py).
WARNED = "_warned_capturable_if_run_uncaptured"


@contextmanager
def without_compiler() -> Iterator[None]:
    """Let optimizers be made and used within; where the compiler is there already, as ever."""
    if "torch._dynamo" in sys.modules:
        yield
        return
    methods = [getattr(torch.optim.Optimizer, name) for name in UNCOMPILED]
    inner = [method.__wrapped__ for method in methods if hasattr(method, "__wrapped__")]
    ours = [method for method in inner if not hasattr(method, FOUND)]
    for method in ours:
        setattr(method, FOUND, method)
    try:
        yield
    finally:
        for method in ours:
            delattr(method, FOUND)


@torch.no_grad()
def take_step(optimizer: torch.optim.Optimizer) -> None:
    """Do what `optimizer.step()` does, but for hooks, and a graph break for torch's compiler.

    Nor does it warn that the step could be recorded, where it is not, or not yet.
    """
    setattr(optimizer, WARNED, True)
    inspect.unwrap(type(optimizer).step)(optimizer)
