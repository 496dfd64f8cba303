"""The notebook's best accuracy, 88.94%, as soon as a fully connected network can have it."""

from __future__ import annotations

from functools import partial

import limits
import ours
from row import ACCURACY, MACHINE, MEMORY, NOTEBOOK, OURS, SECONDS, Row, Size
from rows.one_run import notebook

RECIPE = "fast"

ROW = Row(
    name="fast-mlp",
    title="time to a mean test accuracy of 88.94% with an MLP; the notebook's loop: 15 epochs",
    ways={NOTEBOOK: notebook, OURS: partial(ours.train, name=RECIPE), MACHINE: limits.measure},
    reference=NOTEBOOK,
    full=Size(10, references=3),
    quick=Size(5, references=1, note="5 turns of 10, 1 of the reference"),
    tiny=Size(1, options={"epochs": 1}),
    quantities=(SECONDS, ACCURACY, MEMORY),
    recipes=(RECIPE,),
)
