"""One step of training: a batch, zero gradients, forward, loss, backward, step."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from fittingroom.models.build import MODELS
from fittingroom.training.augment import augment
from fittingroom.training.checkpoint import TrainingState
from fittingroom.training.device import Device
from fittingroom.training.mixing import Mixed, mix
from fittingroom.training.recipe import Recipe
from fittingroom.training.replay import Replayed, Step
from fittingroom.training.sharpness import uphill


@dataclass(frozen=True)
class TrainingStep:
    """Takes one step on a batch of the pictures.

    Parameters
    ----------
    state
        What is trained, and its optimizer.
    images, labels
        All training pictures, uint8 (N, C, H, W), and their labels, int64 (N,), on the device.
    """

    state: TrainingState
    images: Tensor
    labels: Tensor
    recipe: Recipe
    device: Device

    def __call__(self, batch: Tensor, epoch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Train on the pictures of these numbers, int64 (runs*B,), in `epoch`, counted from 0.

        Returns each picture's loss, (runs*B,), its scores, (runs*B, K), and its label.
        """
        # index_select: on a Xeon, images[batch] took 15 times as long.
        x = augment(self.images.index_select(0, batch), self.recipe, batch, epoch)
        y = self.labels.index_select(0, batch)
        mixed = mix(x, y, self.recipe)
        losses, scores = self.backward(mixed)
        if self.recipe.sharpness:
            with uphill(self.state.classifier, self.recipe.sharpness):
                self.backward(mixed)
        self.state.optimizer.step()
        return losses, scores, y

    def backward(self, mixed: Mixed) -> tuple[Tensor, Tensor]:
        """Compute the gradients at the weights as they are; return losses and scores."""
        self.state.optimizer.zero_grad()
        with self.device.autocast():
            scores = self.state.classifier(mixed.images).float()
            losses = mixed.losses(scores, self.recipe.label_smoothing)
        # The sum of the runs' means: no run's gradients depend on another's.
        loss = losses.sum() / (len(losses) // self.state.runs)
        loss.backward()
        return losses.detach(), scores.detach()


def make_step(
    state: TrainingState, images: Tensor, labels: Tensor, recipe: Recipe, device: Device
) -> Step:
    """Return the step; on CUDA one that is recorded and played back.

    A network of a person's own may wait for the device, which cannot be recorded.
    """
    step = TrainingStep(state, images, labels, recipe, device)
    if device.kind == "cuda" and recipe.model in MODELS:
        return Replayed(step, recipe.batch_size * state.runs, device.torch_device)
    return step
