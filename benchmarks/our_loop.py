"""The same algorithm as notebook_loop.py, on the same pictures, by fittingroom.

python benchmarks/our_loop.py EPOCHS [SEED]
"""

from __future__ import annotations

import sys

from fittingroom.data.sources import load
from fittingroom.runs.run import divide, judge
from fittingroom.runs.train import build_classifier
from fittingroom.training.device import select_device
from fittingroom.training.loop import fit
from fittingroom.training.recipe import recipe
from measuring import data_folder, peak_memory, print_result

if __name__ == "__main__":
    followed = recipe(
        "notebook-three-layer",
        protocol="notebook",
        epochs=int(sys.argv[1]),
        seed=int(sys.argv[2]) if len(sys.argv) > 2 else 0,
    )
    splits = divide(load(data_folder()), followed)
    device = select_device("cpu")
    classifier = build_classifier(followed, splits)
    result = fit(classifier, splits, followed, device)
    print_result(
        seconds_per_epoch=result.seconds / followed.epochs,
        images_per_second=len(splits.train) * followed.epochs / result.seconds,
        test_accuracy=judge(classifier, splits, followed).accuracy,
        peak_MB=peak_memory(),
    )
