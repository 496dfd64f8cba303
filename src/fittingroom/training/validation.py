"""Loss and accuracy on the validation pictures, of one classifier or of each in a stack."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from fittingroom.models.classifier import Classifier
from fittingroom.models.inference import checked, evaluation_mode, pictures_at_once
from fittingroom.models.stacked import Stacked
from fittingroom.training.device import Device
from fittingroom.training.meter import Meter
from fittingroom.training.parallel import ALONE, Processes
from fittingroom.training.pictures import Fetched

# Pictures at a time of each run of a stack; together they have as many as one alone.
LEAST = 64

Marks = tuple[float | None, float | None]


def measure(
    classifier: Classifier | Stacked,
    images: Tensor | Fetched,
    labels: Tensor,
    device: Device,
    processes: Processes = ALONE,
) -> list[Marks]:
    """Return each run's mean cross-entropy and accuracy (0 to 1) on these pictures.

    None and None without any. Every run of a stack sees the same pictures. Processes that share a
    run take turns at the batches, and all come to the same numbers, by which a run may stop.

    Raises
    ------
    ModelError
        If the network does not return one row of scores for each picture.
    """
    runs = classifier.runs if isinstance(classifier, Stacked) else 1
    count, size = len(labels), pictures_at_once(classifier, device.torch_device)
    if count == 0:
        return [(None, None)] * runs
    if runs > 1:
        size = max(size // runs, LEAST)
    steps = math.ceil(count / size)
    meter = Meter(steps, device, runs)
    with evaluation_mode(classifier), torch.inference_mode(), device.autocast():
        for step, (x, y) in enumerate(zip(images.split(size), labels.split(size), strict=True)):
            if step % processes.size != processes.rank:
                continue
            x, y = x.repeat(runs, 1, 1, 1), y.repeat(runs)  # noqa: PLW2901 - for each run
            scores = checked(classifier(x), len(x)).float()
            meter.add(step, F.cross_entropy(scores, y, reduction="none"), scores, y)
    processes.add_up([meter.losses])
    processes.add_up([meter.correct])
    losses = meter.mean_losses(steps, size, count)
    return list(zip(losses, meter.accuracies(count), strict=True))
