"""How fast a row could be at most: operations and bytes over what the machine does a second.

Both rates are measured beside the row.

Operations: a layer of M multiply-adds a picture costs 2 M forward, 2 M for the gradient of its
weights and 2 M for that of its input, which the first layer does not need: 6 M, and 4 M for the
first (Kaplan et al. 2020, arXiv 2001.08361, section 2.1, count the same way).

Bytes: every step reads weight, gradient and both averages of Adam and writes weight and averages,
7 floats a parameter; every layer's output is written and read forward and its gradient written
and read backward, 4 floats a number. This is what main memory would have to move: a small network
stays in the caches, which are faster, so bytes bound only what is larger than they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from row import Found, Turn

if TYPE_CHECKING:
    import torch

    from fittingroom.models.classifier import Classifier
    from fittingroom.training.recipe import Recipe

FLOAT = 4  # bytes
ADAM_FLOATS, ACTIVATION_FLOATS = 7, 4


@dataclass(frozen=True)
class Limit:
    """The least seconds that some work can take.

    Parameters
    ----------
    operations, bytes
        Seconds, were there nothing else to do.
    """

    operations: float
    bytes: float

    @property
    def seconds(self) -> float:
        """The larger of both: a perfect program does one while it does the other."""
        return max(self.operations, self.bytes)


def limit_of(work: Mapping[str, Any], machine: Mapping[str, float]) -> Limit:
    """Return the limit of some work on a machine.

    Parameters
    ----------
    work
        What `work_of` returned.
    machine
        What `measure` found: operations a second in `gflops_best` (10^9), `gb_per_s` (10^9).
    """
    return Limit(
        operations=operations(work) / (machine["gflops_best"] * 1e9),
        bytes=bytes_moved(work) / (machine["gb_per_s"] * 1e9),
    )


def operations(work: Mapping[str, Any]) -> float:
    """Return the floating-point operations of a training run, additions counted singly.

    A layer multiplies once forwards and twice backwards; the first that is trained has no use for
    the gradient of what it reads, and layers before it only go forwards.
    """
    once = 6 * work["multiply_adds"] - 2 * work["first_layer"] + 2 * work["fixed_multiply_adds"]
    return float(once * work["pictures"])


def bytes_moved(work: Mapping[str, Any]) -> float:
    """Return the bytes that a training run moves at least, were there no caches."""
    state = ADAM_FLOATS * work["parameters"] * work["steps"]
    activations = ACTIVATION_FLOATS * work["activations"] * work["pictures"]
    return float(FLOAT * (state + activations))


def work_of(classifier: Classifier, recipe: Recipe, images: int) -> Found:
    """Return what a run of this recipe with so many training pictures has to compute.

    `multiply_adds`, `first_layer` (its share of them), `fixed_multiply_adds` (of layers that are
    not trained) and `activations` (outputs of all these layers, numbers) are of one picture;
    `pictures` and `steps` are of the whole run.
    """
    import torch

    from fittingroom.models.inference import evaluation_mode
    from fittingroom.models.mlp import PrincipalComponents
    from fittingroom.training.course import Course

    trained: list[int] = []
    fixed: list[int] = []
    activations: list[int] = []

    def count(layer: torch.nn.Module, _inputs: object, output: torch.Tensor) -> None:
        components = isinstance(layer, PrincipalComponents)
        weight = layer.get_buffer("directions") if components else layer.get_parameter("weight")
        counts = trained if weight.requires_grad else fixed
        counts.append(output[0].numel() * weight[0].numel())
        activations.append(output[0].numel())

    kinds = (torch.nn.Linear, torch.nn.Conv2d, PrincipalComponents)
    hooks = [m.register_forward_hook(count) for m in classifier.modules() if isinstance(m, kinds)]
    blank = torch.zeros((1, *classifier.input_shape), dtype=torch.uint8)
    with evaluation_mode(classifier), torch.no_grad():
        classifier.score(blank.to(next(classifier.parameters()).device))
    for hook in hooks:
        hook.remove()
    course = Course(images, recipe)
    return {
        "multiply_adds": sum(trained),
        "first_layer": trained[0],
        "fixed_multiply_adds": sum(fixed),
        "activations": sum(activations),
        "parameters": classifier.num_parameters,
        "pictures": course.pictures_before(recipe.epochs),
        "steps": course.all_steps,
    }


def measure(turn: Turn) -> Found:
    """Measure this machine: rates of matrix products at several shapes, bandwidth of memory.

    On a CUDA GPU the products are in bf16, as the recipes for it compute, else in fp32.
    """
    import torch

    del turn
    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    dtype = torch.bfloat16 if cuda else torch.float32
    large = 8192 if cuda else 2048
    rates = {
        f"gflops_{rows}x{inner}x{columns}": matmul_rate(rows, inner, columns, device, dtype)
        for rows, inner, columns in (
            (large, large, large),
            (64, 784, 256),
            (256, 784, 256),
            (1024, 784, 256),
        )
    }
    rates["gflops_conv_3x3_64_14x14"] = conv_rate(device, dtype)
    return {
        "gflops_best": max(rates.values()),
        **rates,
        "gb_per_s": bandwidth(device),
        "threads": torch.get_num_threads(),
        "dtype": str(dtype).removeprefix("torch."),
    }


def matmul_rate(
    rows: int, inner: int, columns: int, device: torch.device, dtype: torch.dtype
) -> float:
    """Return 10^9 operations a second of (rows, inner) @ (inner, columns)."""
    import torch

    a = torch.randn(rows, inner, device=device, dtype=dtype)
    b = torch.randn(inner, columns, device=device, dtype=dtype)
    c = torch.empty(rows, columns, device=device, dtype=dtype)
    work = 2.0 * rows * inner * columns
    calls = min(1000, max(1, round(1e9 / work)))
    return work * calls / best_seconds(lambda: torch.mm(a, b, out=c), calls, device) / 1e9


def conv_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Return 10^9 operations a second of a 3x3 convolution, 64 to 64 channels at 14x14."""
    import torch
    from torch.nn.functional import conv2d

    last = torch.channels_last
    x = torch.randn(256, 64, 14, 14, device=device, dtype=dtype).to(memory_format=last)
    w = torch.randn(64, 64, 3, 3, device=device, dtype=dtype).to(memory_format=last)
    work = 2.0 * 256 * 64 * 14 * 14 * 64 * 9
    with torch.inference_mode():
        return work / best_seconds(lambda: conv2d(x, w, padding=1), 1, device) / 1e9


def bandwidth(device: torch.device, floats: int = 2**25) -> float:
    """Return 10^9 bytes a second of a = b + 3 c, the triad of STREAM.

    McCalpin 1995, https://www.cs.virginia.edu/stream/: two arrays read, one written, each much
    larger than a cache.
    """
    import torch

    a, b, c = (torch.ones(floats, device=device) for _ in range(3))
    seconds = best_seconds(lambda: torch.add(b, c, alpha=3.0, out=a), 1, device)
    return 3 * FLOAT * floats / seconds / 1e9


def best_seconds(action: Callable[[], object], calls: int, device: torch.device) -> float:
    """Return the seconds of so many calls, the least of seven times."""
    import torch

    def once() -> float:
        started = time.perf_counter()
        for _ in range(calls):
            action()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - started

    once()
    return min(once() for _ in range(7))
