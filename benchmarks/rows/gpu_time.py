"""94, 95 and 96% on a GPU: our recipes, and a standard ResNet-18.

All three look at the same run of ResNet-18: each goes on with it where the one before ended. It
lies with the first of them, and is made anew with that one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from functools import partial
from pathlib import Path

import limits
import ours
from measuring import machine
from row import ACCURACY, MACHINE, OURS, SECONDS, Found, Row, Size, Turn

RESNET = "ResNet-18"
PERCENTS = (94, 95, 96)


def resnet(turn: Turn, accuracy: float) -> Found:
    """Train a standard ResNet-18 until the accuracy is there."""
    import resnet18

    return resnet18.train_until(dataclasses.replace(turn, folder=shared(turn)), accuracy)


def shared(turn: Turn) -> Path:
    """Make and return the folder of the run that the turns of this seed look at."""
    setup = json.dumps([machine(), dict(turn.options)], sort_keys=True)
    mark = hashlib.sha256(setup.encode()).hexdigest()[:12]
    folder = turn.folder.parent.parent / row_name(PERCENTS[0]) / f"{RESNET}-{mark}-{turn.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def row_name(percent: int) -> str:
    """Return the name of the row, and of its recipe, of one accuracy."""
    return f"gpu-{percent}"


def row_of(percent: int) -> Row:
    """Return the row of one accuracy."""
    name = row_name(percent)
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


ROWS = tuple(row_of(percent) for percent in PERCENTS)
