"""The best accuracy of a single model without further data, in less than half an hour on a GPU."""

from __future__ import annotations

from functools import partial

import ours
from row import ACCURACY, OURS, SECONDS, Row, Size

RECIPE = "best"

ROW = Row(
    name="best-accuracy",
    title="the best test accuracy of a single model",
    ways={OURS: partial(ours.train_in_pieces, name=RECIPE)},
    full=Size(3),
    quick=None,
    tiny=Size(1, options={"epochs": 1, "width": 1, "depth": 10}),
    quantities=(ACCURACY, SECONDS),
    needs_cuda=True,
    recipes=(RECIPE,),
)
