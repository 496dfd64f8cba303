"""94, 95 and 96% on a GPU: our recipes, and a standard ResNet-18."""

from __future__ import annotations

from functools import partial

import limits
import ours
from row import ACCURACY, MACHINE, OURS, SECONDS, Found, Row, Size, Turn

RESNET = "ResNet-18"


def resnet(turn: Turn, accuracy: float) -> Found:
    """Train a standard ResNet-18 until the accuracy is there."""
    import resnet18

    return resnet18.train_until(turn, accuracy)


def row_of(percent: int) -> Row:
    """Return the row of one accuracy."""
    name = f"gpu-{percent}"
    return Row(
        name=name,
        title=f"time to a mean test accuracy of {percent}% on a GPU",
        ways={
            RESNET: partial(resnet, accuracy=percent / 100),
            OURS: partial(ours.train, name=name),
            MACHINE: limits.measure,
        },
        reference=RESNET,
        full=Size(5, references=1),
        quick=None,
        tiny=Size(1, options={"epochs": 1, "most_epochs": 1, "width": 1, "depth": 10}),
        quantities=(SECONDS, ACCURACY),
        needs_cuda=True,
        recipes=(name,),
    )


ROWS = tuple(row_of(percent) for percent in (94, 95, 96))
