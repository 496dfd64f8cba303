"""One run of the notebook's algorithm, three-layer, Adam, batches of 64: its loop, and ours."""

from __future__ import annotations

from functools import partial

import limits
import ours
from row import ACCURACY, MACHINE, MEMORY, NOTEBOOK, OURS, SECONDS, Found, Row, Size, Turn

RECIPE = "notebook-three-layer"


def notebook(turn: Turn) -> Found:
    """Take the notebook's way."""
    import notebook_loop

    return notebook_loop.run(turn)


ROW = Row(
    name="one-run",
    title="the notebook's algorithm, 60,000 pictures, one run alone",
    ways={NOTEBOOK: notebook, OURS: partial(ours.train, name=RECIPE), MACHINE: limits.measure},
    reference=NOTEBOOK,
    full=Size(3),
    quick=Size(2, options={"epochs": 3}, note="2 turns of 3, 3 epochs of 15"),
    tiny=Size(1, options={"epochs": 1}),
    quantities=(SECONDS, ACCURACY, MEMORY),
    recipes=(RECIPE,),
)
