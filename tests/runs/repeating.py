"""Train runs that have all that can make one hard to repeat; print what each came to, as JSON.

    python repeating.py DATA [disturbed]

The first is trained a second time at the end. Disturbed: other things are computed before, and the
runs come in the opposite order.
"""

from __future__ import annotations

import json
import sys
import tempfile
from typing import Any

import numpy as np
import torch

from fittingroom.data.sources import load
from fittingroom.runs.train import train

RECIPES: dict[str, dict[str, Any]] = {
    "the notebook's": {"model": "two-layer", "epochs": 2},
    "principal components": {
        "model": "three-layer",
        "model_options": {"components": 9, "hidden": [16, 8]},
        "optimizer": "adamw",
        "schedule": "one-cycle",
        "lr": 0.01,
        "epochs": 2,
        "label_smoothing": 0.1,
    },
    "augmented and averaged": {
        "model": "convnet",
        "model_options": {"widths": [4, 6, 8]},
        "epochs": 2,
        "flip": True,
        "shift": 1,
        "erase": 0.5,
        "cutmix": 0.5,
        "average": 0.9,
    },
    "muon on hard pictures": {
        "model": "whitened",
        "model_options": {"widths": [8, 12], "depths": [1, 2], "stride": 1},
        "optimizer": "muon",
        "lr": 0.02,
        "epochs": 3,
        "hard_share": 0.5,
        "alternate_flip": True,
        "views": "shifts",
    },
    "dropout, away from sharp minima, stopped early": {
        "model": "wide-resnet",
        "model_options": {"depth": 10, "width": 1, "dropout": 0.3},
        "optimizer": "sgd",
        "epochs": 1,
        "mixup": 0.2,
        "sharpness": 0.05,
        "early_stopping": 1,
    },
}


def disturb() -> None:
    """Use what runs must not depend on: threads, generators, settings, memory."""
    torch.rand(1500, 1500) @ torch.rand(1500, 1500)
    torch.manual_seed(9)
    np.random.seed(9)  # noqa: NPY002 - the one that must not matter
    torch.backends.cudnn.benchmark = True


def main(source: str, *disturbed: str) -> None:
    data = load(source)
    names = list(RECIPES)
    if disturbed:
        disturb()
        names.reverse()
    found: dict[str, list[Any]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        for name in [*names, names[0]]:
            fields = {"batch_size": 32, "figures": False, "out": folder, **RECIPES[name]}
            results = train(fields.pop("model"), data, device="cpu", **fields).record["results"]
            found[name].append(results["digests"])
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
