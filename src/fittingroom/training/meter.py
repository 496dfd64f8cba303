"""Loss and hits of the epoch in progress, kept on the device so that no step waits for them."""

from __future__ import annotations

import torch
from torch import Tensor

from fittingroom.training.device import Device


class Meter:
    """Collects each step's loss and number of correct answers.

    Parameters
    ----------
    steps
        Steps in the epoch.
    device
        Where the numbers are kept.
    """

    def __init__(self, steps: int, device: Device) -> None:
        self.losses = torch.zeros(steps, device=device.torch_device)
        self.correct = torch.zeros((), dtype=torch.int64, device=device.torch_device)

    def add(self, step: int, loss: Tensor, scores: Tensor, labels: Tensor) -> None:
        """Note one step: its mean loss, and how many of its scores (B, K) are highest at y."""
        self.losses[step] = loss.detach()
        self.correct += (scores.detach().argmax(dim=1) == labels).sum()

    def mean_loss(self, steps: int, batch_size: int, images: int) -> float:
        """Return the mean loss over the `images` pictures of the first `steps` steps.

        Every step had `batch_size` pictures but the last, which had what was left. NaN or
        infinite if one of the losses was.
        """
        losses = self.losses[:steps].double().cpu()
        weights = torch.full_like(losses, batch_size)
        weights[-1] = images - batch_size * (steps - 1)
        return float((losses * weights).sum() / images)

    def first_bad_step(self) -> int:
        """Return the first step, counted from 1, whose loss is NaN or infinite; 0 if none is."""
        bad = self.losses.isfinite().logical_not().nonzero()
        return int(bad[0]) + 1 if len(bad) else 0

    def accuracy(self, images: int) -> float:
        """Return the share of `images` pictures that were answered correctly, 0 to 1."""
        return int(self.correct) / images

    def state(self) -> dict[str, Tensor]:
        """Return the numbers so far, for a checkpoint."""
        return {"losses": self.losses, "correct": self.correct}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` returned."""
        self.losses.copy_(state["losses"])
        self.correct.copy_(state["correct"])
