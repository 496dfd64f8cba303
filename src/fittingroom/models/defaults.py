"""Compute as torch and NumPy do by themselves, whatever a program has set for its own reasons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch

# NumPy's own: https://numpy.org/doc/stable/reference/generated/numpy.seterr.html
NUMPYS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


@contextmanager
def defaults() -> Iterator[None]:
    """Keep a program's settings out of what is computed inside, and give them back afterwards.

    These would change numbers, or end in an error: the type and the device of new tensors, how
    precise products of matrices are, mixed precision, gradients switched off, and which numbers
    NumPy minds. The number of threads is the caller's to choose.
    """
    precision, dtype = torch.get_float32_matmul_precision(), torch.get_default_dtype()
    with ExitStack() as stack:
        stack.callback(torch.set_float32_matmul_precision, precision)
        torch.set_float32_matmul_precision("highest")
        stack.callback(torch.set_default_dtype, dtype)
        torch.set_default_dtype(torch.float32)
        if torch.get_default_device().type != "cpu":  # this context costs time at each operation
            stack.enter_context(torch.device("cpu"))
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.set_grad_enabled(True))
        stack.enter_context(np.errstate(**NUMPYS))  # type: ignore[arg-type]
        yield
