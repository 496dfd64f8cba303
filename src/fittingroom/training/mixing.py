"""Mixed pictures: mixup and cutmix of whole batches, on their device, and the loss for them.

Zhang et al. 2017 (arXiv 1710.09412) and Yun et al. 2019 (arXiv 1905.04899). As there, one share
is drawn for a whole batch. A picture's partner is the one before it in the batch, which is as
good as any: the order is random.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from fittingroom.training.recipe import Recipe


@dataclass(frozen=True)
class Mixed:
    """A batch of mixed pictures and what they were mixed from.

    Parameters
    ----------
    images
        (B, C, H, W): uint8, or float of 0 to 255 where pictures were blended.
    labels, partners
        int64 (B,): of each picture, and of the one mixed into it.
    share
        Float, 0 to 1, of the first in each mixture; None if nothing was mixed.
    """

    images: Tensor
    labels: Tensor
    partners: Tensor
    share: Tensor | None

    def part(self, which: slice) -> Mixed:
        """Return some of the pictures, with what belongs to them."""
        return Mixed(self.images[which], self.labels[which], self.partners[which], self.share)

    def losses(self, scores: Tensor, label_smoothing: float) -> Tensor:
        """Return each picture's cross-entropy, (B,), for scores, float (B, K), by the shares."""
        own = F.cross_entropy(
            scores, self.labels, label_smoothing=label_smoothing, reduction="none"
        )
        if self.share is None:
            return own
        partners = F.cross_entropy(
            scores, self.partners, label_smoothing=label_smoothing, reduction="none"
        )
        return self.share * own + (1 - self.share) * partners


def mix(images: Tensor, labels: Tensor, recipe: Recipe) -> Mixed:
    """Mix images, uint8 (B, C, H, W), and labels, int64 (B,), as the recipe says."""
    if recipe.mixup:
        mixed, share = mixup(images, draw_share(recipe.mixup, images.device))
    elif recipe.cutmix:
        mixed, share = cutmix(images, draw_share(recipe.cutmix, images.device))
    else:
        return Mixed(images, labels, labels, None)
    return Mixed(mixed, labels, labels.roll(1), share)


def draw_share(alpha: float, device: torch.device) -> Tensor:
    """Draw a number from Beta(alpha, alpha), 0 to 1."""
    both = torch.full((), alpha, device=device)
    # Validation would wait for the device.
    return torch.distributions.Beta(both, both, validate_args=False).sample()


def mixup(images: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Blend each picture with its partner; return floats of 0 to 255, and the share."""
    images = images.float()
    return images.roll(1, dims=0).lerp(images, share), share


def cutmix(images: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Paste a rectangle of its partner into each picture, the same place in all.

    The rectangle has 1 - share of the picture's area and the picture's proportions; what lies
    outside is cut off. Returns the pictures, uint8, and the share that is really left.
    """
    height, width = images.shape[2:]
    device = images.device
    side = (1 - share).sqrt()
    y, x = torch.rand(2, device=device)
    rows = inside(height, y, side)
    columns = inside(width, x, side)
    pasted = rows[:, None] & columns
    mixed = torch.where(pasted, images.roll(1, dims=0), images)
    return mixed, 1 - pasted.float().mean()


def inside(length: int, centre: Tensor, side: Tensor) -> Tensor:
    """Return which of `length` pixels lie within `side` around `centre`, shares of the length."""
    pixels = torch.arange(length, device=centre.device)
    first = ((centre - side / 2) * length).round()
    last = ((centre + side / 2) * length).round()
    return (pixels >= first) & (pixels < last)
