"""Test accuracy of the recipes that are not measured in a row of their own, over five seeds.

The accuracies of the others are in their rows. `holdout` holds 5,000 pictures back for
validation, `notebook` trains on all of them.
"""

from __future__ import annotations

from functools import partial

from measuring import data_folder
from row import ACCURACY, MEMORY, SECONDS, Found, Row, Size, Turn

RECIPES = (
    ("notebook-two-layer", "notebook"),
    ("notebook-two-layer", "holdout"),
    ("notebook-three-layer", "notebook"),
    ("notebook-three-layer", "holdout"),
    ("convnet", "holdout"),
)


def train(turn: Turn, name: str, protocol: str) -> Found:
    """Follow a recipe under a protocol."""
    import fittingroom as fr
    import ours

    followed = ours.settle(turn, name).but(protocol=protocol)
    return ours.train_recipe(followed, fr.load(data_folder()))


ROW = Row(
    name="accuracy",
    title="test accuracy of recipes",
    ways={
        f"{name}, {protocol}": partial(train, name=name, protocol=protocol)
        for name, protocol in RECIPES
    },
    full=Size(5),
    quick=None,
    tiny=Size(1, options={"epochs": 1}),
    quantities=(ACCURACY, SECONDS, MEMORY),
    recipes=tuple(dict.fromkeys(name for name, _ in RECIPES)),
)
