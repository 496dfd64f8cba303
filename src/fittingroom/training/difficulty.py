"""Which pictures are hard: the loss of each when it was last seen, and draws that go by it.

Most pictures of Fashion-MNIST are easy after one epoch, and another look at them teaches little.
Loshchilov and Hutter 2015 (arXiv 1511.06343) and Katharopoulos and Fleuret 2018 (arXiv
1803.00942) draw by the last loss too.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

# Added to every loss, so that no picture is never seen again.
LEAST_LOSS = 1e-3


class Difficulty:
    """Remembers how hard each training picture was.

    Parameters
    ----------
    count
        Training pictures.
    device
        Where the numbers are kept.
    """

    def __init__(self, count: int, device: torch.device) -> None:
        self.losses = torch.zeros(count, device=device)
        self.right = torch.zeros(count, dtype=torch.bool, device=device)
        self.losses_before = self.losses.clone()

    def note(self, batch: Tensor, scores: Tensor, labels: Tensor) -> None:
        """Note the scores, float (B, K), of the pictures with these numbers, int64 (B,)."""
        self.losses[batch] = F.cross_entropy(scores, labels, reduction="none")
        self.right[batch] = scores.argmax(dim=1) == labels

    def begin_epoch(self) -> None:
        """Let the draws go by what is known now."""
        self.losses_before.copy_(self.losses)

    def draw(self, count: int) -> Tensor:
        """Draw `count` pictures, none twice, each by a chance in proportion to its loss.

        Returns their numbers in random order, int64 (count,), on the CPU. It takes random numbers
        from torch's CPU generator. Sampling without replacement by the largest of log(weight) +
        Gumbel noise: Vieira 2014, Kool et al. 2019 (arXiv 1903.06059).
        """
        weights = self.losses_before.cpu().nan_to_num() + LEAST_LOSS
        gumbel = -torch.log(-torch.log(torch.rand(len(weights)).clamp(min=1e-30)))
        drawn = (weights.log() + gumbel).topk(count).indices
        return drawn[torch.randperm(count)]

    def mean_loss(self) -> float:
        """Return the mean of all pictures' last losses."""
        return float(self.losses.double().mean())

    def accuracy(self) -> float:
        """Return the share of all pictures that were answered correctly when last seen, 0 to 1."""
        return float(self.right.double().mean())

    def state(self) -> dict[str, Tensor]:
        """Return what a checkpoint has to hold."""
        return {"losses": self.losses, "right": self.right, "losses_before": self.losses_before}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` returned."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])
