"""92 and 94% on the CPU: our recipes, and the same network in a plain loop."""

from __future__ import annotations

from functools import partial

import limits
import ours
from row import ACCURACY, MACHINE, MEMORY, OURS, SECONDS, TILES, Found, Row, Size, Turn

PLAIN = "plain loop"


def plain(turn: Turn, name: str, accuracy: float, most_epochs: int) -> Found:
    """Train a recipe's network in a plain loop until the accuracy is there."""
    import same_network

    return same_network.train_until(turn, name, accuracy, most_epochs)


def row_of(percent: int, most_epochs: int, quick: Size | None) -> Row:
    """Return the row of one accuracy; the plain loop gives up after so many epochs."""
    name = f"convnet-{percent}"
    reference = partial(plain, name=name, accuracy=percent / 100, most_epochs=most_epochs)
    followed = partial(ours.train, name=name)
    return Row(
        name=name,
        title=f"time to a mean test accuracy of {percent}% on the CPU",
        ways={
            PLAIN: reference,
            OURS: followed,
            TILES: followed,
            MACHINE: limits.measure,
        },
        reference=PLAIN,
        full=Size(5, references=1),
        quick=quick,
        tiny=Size(1, options={"epochs": 1, "most_epochs": 1}),
        quantities=(SECONDS, ACCURACY, MEMORY),
        recipes=(name,),
    )


QUICK = Size(1, options={"most_epochs": 1}, note="1 turn of 5, 1 epoch of the reference")
# The plain loop did not come to 92% in 30 epochs; for 94% it gets as many epochs as the recipe.
ROWS = (row_of(92, 30, QUICK), row_of(94, 12, None))
