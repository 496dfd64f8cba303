"""One step of training: a batch, zero gradients, forward, loss, backward, step.

Where several processes share a run, each makes the whole batch, goes forward and backward with
its share of it, and takes the whole step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from fittingroom.models.build import MODELS
from fittingroom.training.augment import augment
from fittingroom.training.batch_norm import SharedBatchNorm
from fittingroom.training.checkpoint import TrainingState
from fittingroom.training.device import Device, forked_generators, seed_everything
from fittingroom.training.mixing import Mixed, mix
from fittingroom.training.parallel import ALONE, Processes
from fittingroom.training.pictures import Fetched
from fittingroom.training.recipe import Recipe
from fittingroom.training.replay import Replayed, Step
from fittingroom.training.sharpness import uphill
from fittingroom.training.uncompiled import take_step


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
    images: Tensor | Fetched
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
        losses, scores = self.find_gradients(mix(x, y, self.recipe))
        take_step(self.state.optimizer)
        return losses, scores, y

    def find_gradients(self, mixed: Mixed) -> tuple[Tensor, Tensor]:
        """Compute the gradients to step with; return losses and scores at the weights."""
        losses, scores = self.backward(mixed)
        if self.recipe.sharpness:
            with uphill(self.state.classifier, self.recipe.sharpness):
                self.backward(mixed)
        return losses, scores

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


@dataclass(frozen=True)
class SharedStep(TrainingStep):
    """Takes a step together with other processes, which all take the same.

    Parameters
    ----------
    processes
        Which share each batch.
    """

    processes: Processes

    def find_gradients(self, mixed: Mixed) -> tuple[Tensor, Tensor]:
        """Compute them with random numbers of this process's own, as dropout needs.

        Those that the next batch is made with must go on the same in all processes.
        """
        state = self.state
        with forked_generators(self.device):
            seed_everything(self.recipe.seed, state.epoch + 1, state.step, self.processes.rank + 1)
            return super().find_gradients(mixed)

    def backward(self, mixed: Mixed) -> tuple[Tensor, Tensor]:
        """Go through the network with a share; return losses and scores of the whole batch."""
        self.state.optimizer.zero_grad()
        count = len(mixed.labels)
        share = self.processes.share(count)
        pictures = share.stop - share.start
        # Without a share it answers the other processes with a picture that does not count: many
        # a network does not take none at all.
        part = mixed.part(share if pictures else slice(0, 1))
        with self.device.autocast(), SharedBatchNorm(self.processes, counts=pictures > 0):
            scores = self.state.classifier(part.images).float()
            losses = part.losses(scores, self.recipe.label_smoothing)
        loss = losses[:pictures].sum() / count
        loss.backward()
        whole = scores.new_zeros(count, 1 + scores.shape[1])
        whole[share] = torch.cat([losses[:, None], scores], dim=1).detach()[:pictures]
        gradients = [w.grad for w in self.state.classifier.parameters() if w.grad is not None]
        self.processes.add_up([*gradients, whole])
        return whole[:, 0], whole[:, 1:]


def make_step(
    state: TrainingState,
    images: Tensor | Fetched,
    labels: Tensor,
    recipe: Recipe,
    device: Device,
    processes: Processes = ALONE,
) -> Step:
    """Return the step; on CUDA one that is recorded and played back.

    A network of a person's own may wait for the device, which cannot be recorded. Nor are
    messages between processes, which would have to be recorded in all of them alike.
    """
    step: Step
    if processes.size > 1:
        step = SharedStep(state, images, labels, recipe, device, processes)
    else:
        step = TrainingStep(state, images, labels, recipe, device)
        if device.kind == "cuda" and recipe.model in MODELS:
            step = Replayed(step, recipe.batch_size * state.runs, device.torch_device)
    return step if isinstance(images, Tensor) else partial(fetch_and_step, images, step)


def fetch_and_step(images: Fetched, step: Step, batch: Tensor, epoch: Tensor) -> tuple[Tensor, ...]:
    """Take a step whose pictures are fetched first, outside of what can be recorded."""
    images.advance(len(batch))
    return step(batch, epoch)
