"""Start-up: how long a person waits for the first answer of a new process."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from measuring import data_folder
from row import Found, Quantity, Row, Size, Turn

PREDICT = """
import sys
import fittingroom as fr
import torch
model = fr.Classifier.load(sys.argv[1])
with torch.inference_mode():
    print(int(model(torch.zeros(1, *model.input_shape, dtype=torch.uint8)).argmax()))
"""


def call(arguments: list[str]) -> Found:
    """Call Python once, and return its seconds from start to end."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return {"seconds": time.perf_counter() - started}


def python(turn: Turn, arguments: list[str]) -> Found:
    """Call Python with these arguments."""
    del turn
    return call(arguments)


def first_scores(turn: Turn) -> Found:
    """Load a saved three-layer network and score one picture, in a fresh process."""
    import fittingroom as fr
    from fittingroom.models import build_network

    data = fr.load(data_folder())
    network = build_network("three-layer", data.image_shape, len(data.classes))
    model = Path(turn.folder) / "model.safetensors"
    fr.Classifier(network, data.classes, data.image_shape, architecture="three-layer").save(model)
    return call(["-c", PREDICT, str(model)])


ROW = Row(
    name="start-up",
    title="start-up: seconds from the call to the end of a new process",
    ways={
        "python -c pass": partial(python, arguments=["-c", "pass"]),
        "fittingroom --help": partial(python, arguments=["-m", "fittingroom", "--help"]),
        "python -c 'import torch'": partial(python, arguments=["-c", "import torch"]),
        "load a saved model, score one picture": first_scores,
    },
    full=Size(7),
    quick=Size(3, note="3 turns of 7"),
    tiny=Size(1),
    quantities=(Quantity("seconds", "s"),),
)
