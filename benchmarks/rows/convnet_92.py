"""92% on the CPU: our recipe, and the same network in a plain loop."""

from __future__ import annotations

from functools import partial

import limits
import ours
from row import ACCURACY, MACHINE, MEMORY, OURS, SECONDS, Found, Row, Size, Turn

RECIPE, ACCURACY_WANTED, MOST_EPOCHS = "convnet-92", 0.92, 30
PLAIN = "plain loop"


def plain(turn: Turn) -> Found:
    """Train the same network in a plain loop until the accuracy is there."""
    import same_network

    return same_network.train_until(turn, RECIPE, ACCURACY_WANTED, MOST_EPOCHS)


ROW = Row(
    name=RECIPE,
    title="time to a mean test accuracy of 92% on the CPU",
    ways={PLAIN: plain, OURS: partial(ours.train, name=RECIPE), MACHINE: limits.measure},
    reference=PLAIN,
    full=Size(5, references=1),
    quick=Size(1, options={"most_epochs": 1}, note="1 turn of 5, 1 epoch of the reference"),
    tiny=Size(1, options={"epochs": 1, "most_epochs": 1}),
    quantities=(SECONDS, ACCURACY, MEMORY),
    recipes=(RECIPE,),
)
