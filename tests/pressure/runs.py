"""Small runs, and whether two of them came to the same end."""

from __future__ import annotations

from typing import Any

from safetensors.numpy import load_file

import fittingroom as fr
from fittingroom.data.dataset import DataSplits


def quick(data: DataSplits, **changes: Any) -> fr.Run:
    """Train a small network for two epochs."""
    return fr.train(
        "two-layer", data, **{"epochs": 2, "batch_size": 32, "figures": False} | changes
    )


def same_weights(run: fr.Run, other: fr.Run) -> bool:
    """Tell whether two runs have the same weights, bit for bit."""
    ours, theirs = (load_file(one.folder / "model.safetensors") for one in (run, other))
    return {k: w.tobytes() for k, w in ours.items()} == {k: w.tobytes() for k, w in theirs.items()}
