"""Training on more pictures than memory should hold: from shards on disk, and the same in memory.

The sketches are drawn once and kept, 3.9 GB; drawing 5 million takes half an hour on two cores.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from row import MEMORY, Found, Quantity, Row, Size, Turn

if TYPE_CHECKING:
    from fittingroom.data.dataset import DataSplits

RECIPES = {"on-disk-fast": "fast", "on-disk-three-layer": "notebook-three-layer"}
IN_MEMORY, ON_DISK = "in memory", "on disk"
PICTURES = 5_000_000
TEST = 10_000


def train(turn: Turn, name: str, *, in_memory: bool) -> Found:
    """Train for one epoch by 512 pictures; the clock runs for the loop alone."""
    import ours
    from fittingroom.data.sources import load
    from fittingroom.training import pictures

    pictures.LOAD_BYTES = turn.options.get("load_bytes", pictures.LOAD_BYTES)
    data = load(drawn(turn))
    followed = ours.settle(turn, name).but(epochs=1, batch_size=512)
    found = ours.train_recipe(followed, read(data) if in_memory else data)
    microseconds = found["loop_seconds"] / len(data.learning) * 1e6
    kept = {key: found[key] for key in ("accuracy", "threads", "precision")}
    return {**kept, "seconds": found["loop_seconds"], "microseconds": microseconds}


def drawn(turn: Turn) -> Path:
    """Return the folder of the sketches, which both rows use, after drawing it if need be."""
    count = turn.options.get("pictures", PICTURES)
    folder = turn.folder.parent.parent / f"sketches-{count}"
    if not folder.exists():
        words = ["data", "make", "sketches", str(folder), "--shards"]
        numbers = ["--train", str(count), "--test", str(min(TEST, count))]
        # In a process of its own, whose memory does not count.
        subprocess.run([sys.executable, "-m", "fittingroom", *words, *numbers], check=True)
    return folder


def read(data: DataSplits) -> DataSplits:
    """Read all pictures into memory."""
    from dataclasses import replace

    import numpy as np

    learning, test = (
        replace(part, images=np.asarray(part.images)) for part in (data.learning, data.test)
    )
    return replace(data, learning=learning, test=test)


ROWS = tuple(
    Row(
        name=row,
        title=f"an epoch of {PICTURES:,} sketches by 512, {recipe}",
        ways={
            IN_MEMORY: partial(train, name=recipe, in_memory=True),
            ON_DISK: partial(train, name=recipe, in_memory=False),
        },
        reference=IN_MEMORY,
        full=Size(3),
        quick=None,
        tiny=Size(1, options={"pictures": 3_000, "load_bytes": 400_000}),
        quantities=(Quantity("microseconds", "µs a picture"), MEMORY),
        recipes=(recipe,),
    )
    for row, recipe in RECIPES.items()
)
