"""Evaluation of the test pictures: `fittingroom.evaluate`, and the notebook's loop over batches.

The networks are untrained, which changes nothing about the time. Five evaluations one after the
other in each process: `seconds` is their median, `first_seconds` the first, which also warms up.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from measuring import data_folder
from row import MEMORY, OURS, SECONDS, TILES, Found, Quantity, Row, Size, Turn

if TYPE_CHECKING:
    from torch import nn

    from fittingroom.data.dataset import DataSplits

PLAIN = "DataLoader"
TIMES = 5


def plain(turn: Turn, model: str) -> Found:
    """Evaluate as the notebook does: floats in batches of 64 from a DataLoader."""
    import torch
    from torch.utils.data import TensorDataset

    from notebook_loop import evaluate
    from same_network import plain_memory

    network, data = network_and_data(turn, model)
    pictures = torch.from_numpy(data.test.images / 255).float()
    dataset = TensorDataset(pictures, torch.from_numpy(data.test.labels))
    plain_memory(network)
    return timed(lambda: evaluate(network, dataset))


def ours(turn: Turn, model: str, precision: str = "fp32") -> Found:
    """Evaluate by the library, every score and the confusion matrix included."""
    import fittingroom as fr
    from fittingroom.models import Classifier
    from fittingroom.training.device import select_device

    network, data = network_and_data(turn, model)
    classifier = Classifier(network, data.classes, data.image_shape)
    dtype = select_device("cpu", precision).autocast_dtype

    def evaluate() -> float:
        return fr.evaluate(
            classifier,
            data.test,
            data_name=data.name,
            fingerprint="",
            split="test",
            sketches=data.sketches,
            autocast_dtype=dtype,
        ).accuracy

    return timed(evaluate)


def network_and_data(turn: Turn, model: str) -> tuple[nn.Module, DataSplits]:
    """Return an untrained network, the same for both ways, and the data."""
    import torch

    import fittingroom as fr
    from fittingroom.models import build_network

    data = fr.load(data_folder())
    torch.manual_seed(turn.seed)
    return build_network(model, data.image_shape, len(data.classes)), data


def timed(evaluate: Callable[[], float]) -> Found:
    """Evaluate several times."""
    seconds = []
    for _ in range(TIMES):
        started = time.perf_counter()
        accuracy = evaluate()
        seconds.append(time.perf_counter() - started)
    return {
        "seconds": statistics.median(seconds),
        "first_seconds": seconds[0],
        "accuracy": accuracy,
    }


def row_of(model: str, *, in_bf16: bool) -> Row:
    """Return the row of one network; `in_bf16` if that is worth a try."""
    shown = {TILES: partial(ours, model=model, precision="auto")} if in_bf16 else {}
    return Row(
        name=f"evaluation-{model}",
        title=f"evaluation of the test pictures, {model}",
        ways={
            PLAIN: partial(plain, model=model),
            OURS: partial(ours, model=model),
            **shown,
        },
        reference=PLAIN,
        full=Size(7),
        quick=Size(3, note="3 turns of 7"),
        tiny=Size(1),
        quantities=(SECONDS, Quantity("first_seconds", "s"), MEMORY),
    )


ROWS = (row_of("three-layer", in_bf16=False), row_of("convnet", in_bf16=True))
