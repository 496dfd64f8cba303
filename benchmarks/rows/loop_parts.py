"""Where the time of a training step goes: torch's profiler watches an epoch of each recipe.

An operation's own time, without that of those it calls, is put to the part that its name tells;
what is left of the wall clock is Python and the profiler itself, which costs some microseconds an
operation and so makes many small steps look more like Python than they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from measuring import data_folder
from row import Found, Quantity, Row, Size, Turn

RECIPES = ("notebook-three-layer", "fast", "convnet-92", "convnet-94")
IMAGES = 12_800

# Beginnings of the names of operations; the first that fits decides.
PARTS = {
    "optimizer": ("aten::_fused_adam", "aten::_foreach", "Optimizer."),
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "aten::linear"),
    "convolutions": ("aten::mkldnn_conv", "aten::_slow_conv", "aten::conv", "aten::thnn_conv"),
    "normalisation and pooling": (
        "aten::native_batch_norm",
        "aten::batch_norm",
        "aten::max_pool",
        "aten::amax",
        "aten::avg_pool",
        "aten::mean",
        "aten::max",
    ),
    "choosing and changing pictures": (
        "aten::index",
        "aten::randperm",
        "aten::gather",
        "aten::flip",
        "aten::where",
        "aten::grid",
        "aten::pad",
        "aten::rand",
    ),
    "copies and conversions": ("aten::copy_", "aten::to", "aten::clone", "aten::contiguous"),
    "loss": ("aten::_log_softmax", "aten::nll_loss", "aten::cross_entropy"),
}
REST, PYTHON = "other operations", "Python and profiler"


def part_of(operation: str) -> str:
    """Return the part that an operation belongs to, by its name."""
    for part, beginnings in PARTS.items():
        if operation.startswith(beginnings):
            return part
    return REST


def shares(operations: Mapping[str, float], seconds: float) -> dict[str, float]:
    """Return each part's share of the wall clock, the largest first.

    Parameters
    ----------
    operations
        Own seconds of each operation by its name.
    seconds
        Of the wall clock.
    """
    found = dict.fromkeys([*PARTS, REST, PYTHON], 0.0)
    for operation, own in operations.items():
        found[part_of(operation)] += own / seconds
    found[PYTHON] = max(0.0, 1 - sum(found.values()))
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def profile(turn: Turn, name: str) -> Found:
    """Profile an epoch on the first 12,800 pictures; return each part's share of the time."""
    from dataclasses import replace

    import numpy as np
    import torch

    import fittingroom as fr
    import ours

    data = fr.load(data_folder())
    few = data.learning.subset(np.arange(min(IMAGES, len(data.learning))))
    data = replace(data, learning=few, validation_indices=np.array([], np.int64))
    followed = ours.settle(turn, name).but(epochs=1)
    ours.train_recipe(followed, data)  # warms up
    profiler = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU])
    found = ours.train_recipe(followed, data, watch=profiler)
    own = {event.key: event.self_cpu_time_total / 1e6 for event in profiler.key_averages()}
    return {"seconds": found["loop_seconds"], "parts": shares(own, found["loop_seconds"])}


ROW = Row(
    name="loop-parts",
    title=f"where the time of the training loop goes, {IMAGES:,} pictures, profiled",
    ways={name: partial(profile, name=name) for name in RECIPES},
    full=Size(3),
    quick=None,
    tiny=Size(1),
    quantities=(Quantity("seconds", "s"),),
    recipes=RECIPES,
)
