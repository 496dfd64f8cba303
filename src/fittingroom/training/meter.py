"""Loss and hits of the pictures seen so far, kept on the device so that no step waits for them."""

from __future__ import annotations

import torch
from torch import Tensor

from fittingroom.training.device import Device


class Meter:
    """Collects the losses and the number of correct answers of each step, run by run.

    Parameters
    ----------
    steps
        Steps in the epoch.
    device
        Where the numbers are kept.
    runs
        Runs that are trained at once.
    """

    def __init__(self, steps: int, device: Device, runs: int = 1) -> None:
        self.runs = runs
        self.losses = torch.zeros(steps, runs, device=device.torch_device)
        self.correct = torch.zeros(runs, dtype=torch.int64, device=device.torch_device)

    def add(self, step: int, losses: Tensor, scores: Tensor, labels: Tensor) -> None:
        """Note one step: the loss of each picture, and whether its score at y is the highest.

        `losses` (runs*B,), `scores` (runs*B, K) and `labels` (runs*B,): the first run's B
        pictures come first.
        """
        self.losses[step] = losses.detach().view(self.runs, -1).mean(dim=1)
        right = scores.detach().argmax(dim=1) == labels
        self.correct += right.view(self.runs, -1).sum(dim=1)

    def mean_losses(self, steps: int, batch_size: int, images: int) -> list[float]:
        """Return each run's mean loss over the `images` pictures of the first `steps` steps.

        Every step had `batch_size` pictures but the last, which had what was left. NaN or
        infinite if one of the losses was.
        """
        losses = self.losses[:steps].cpu().double()
        weights = torch.full((steps, 1), batch_size, dtype=torch.float64)
        weights[-1] = images - batch_size * (steps - 1)
        means: list[float] = ((losses * weights).sum(dim=0) / images).tolist()
        return means

    def first_bad_step(self, run: int = 0) -> int:
        """Return the first step, counted from 1, whose loss is NaN or infinite; 0 if none is."""
        bad = self.losses[:, run].isfinite().logical_not().nonzero()
        return int(bad[0]) + 1 if len(bad) else 0

    def accuracies(self, images: int) -> list[float]:
        """Return the share of `images` pictures that each run answered correctly, 0 to 1."""
        return [correct / images for correct in self.correct.tolist()]

    def state(self) -> dict[str, Tensor]:
        """Return the numbers so far, for a checkpoint."""
        return {"losses": self.losses, "correct": self.correct}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` returned."""
        self.losses.copy_(state["losses"])
        self.correct.copy_(state["correct"])
