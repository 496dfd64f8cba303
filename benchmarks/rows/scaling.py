"""How cost grows: with the number of training pictures, and with the seeds of a study."""

from __future__ import annotations

from functools import partial

from measuring import data_folder
from row import MEMORY, Found, Quantity, Row, Size, Turn
from rows.one_run import RECIPE
from rows.study_of_seeds import study_of

IMAGES = (15_000, 30_000, 60_000, 240_000)
SEEDS = (1, 2, 5, 10, 20)


def with_images(turn: Turn, images: int) -> Found:
    """Train on so many pictures: the first of the set, or all of them again and again."""
    from dataclasses import replace

    import numpy as np

    import fittingroom as fr
    import ours

    data = fr.load(data_folder())
    chosen = np.arange(images // turn.options.get("divided_by", 1)) % len(data.learning)
    learning = data.learning.subset(chosen)
    resized = replace(data, learning=learning, validation_indices=np.array([], np.int64))
    found = ours.train_recipe(ours.settle(turn, RECIPE), resized)
    return found | {"images": len(learning)}


def with_seeds(turn: Turn, seeds: int) -> Found:
    """Do a study of so many seeds."""
    return study_of(turn, seeds)


ROWS = (
    Row(
        name="scaling-images",
        title="seconds an epoch, by training pictures (three-layer, batches of 64)",
        ways={f"{images:,} pictures": partial(with_images, images=images) for images in IMAGES},
        full=Size(3, options={"epochs": 2}),
        quick=None,
        tiny=Size(1, options={"epochs": 1, "divided_by": 100}),
        quantities=(Quantity("seconds_per_epoch", "s"), MEMORY),
        recipes=(RECIPE,),
    ),
    Row(
        name="scaling-seeds",
        title="seconds of a study, by seeds (three-layer, batches of 64, 3 epochs)",
        ways={f"{seeds} seeds": partial(with_seeds, seeds=seeds) for seeds in SEEDS},
        full=Size(3, options={"epochs": 3}),
        quick=None,
        tiny=Size(1, options={"epochs": 1}),
        quantities=(Quantity("study_seconds", "s"), Quantity("seconds", "s a run")),
        recipes=(RECIPE,),
    ),
)
