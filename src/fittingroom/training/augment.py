"""Augmentation of whole batches of uint8 pictures, on their device, before preprocessing.

Black, 0, is the ground of Fashion-MNIST and what fills the gaps here.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from fittingroom.training.recipe import Recipe

# Zhong et al. 2017 (arXiv 1708.04896): area and aspect ratio of the erased rectangle.
ERASED_AREA = (0.02, 0.33)
ERASED_ASPECT = (0.3, 3.3)


def augment(images: Tensor, recipe: Recipe, which: Tensor, epoch: Tensor) -> Tensor:
    """Apply the recipe's flips, shift and erasing to images, uint8 (B, C, H, W).

    Each picture draws its own random numbers from torch's generator of the device. `which`,
    int64 (B,), are the pictures' numbers in the training set, and `epoch`, int64 (), counts from
    0: the alternating flip goes by them.
    """
    if recipe.flip:
        images = flip(images)
    if recipe.alternate_flip:
        images = alternate_flip(images, which, epoch, recipe.seed)
    if recipe.shift:
        images = shift(images, recipe.shift)
    if recipe.erase:
        images = erase(images, recipe.erase)
    return images


def flip(images: Tensor) -> Tensor:
    """Mirror each picture left to right with probability 1/2."""
    mirrored = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(mirrored, images.flip(-1), images)


def alternate_flip(images: Tensor, which: Tensor, epoch: Tensor, seed: int) -> Tensor:
    """Mirror about half of the pictures, and in the next epoch the others.

    So two epochs show every picture both ways, where a coin shows half of them one way twice
    (Jordan 2024, arXiv 2404.00498, section 3.6).
    """
    mirrored = (first_sides(which, seed) + epoch) % 2 == 1
    return torch.where(mirrored[:, None, None, None], images.flip(-1), images)


def first_sides(which: Tensor, seed: int) -> Tensor:
    """Return 0 or 1 for each picture's number, int64 (B,): half of each, and by the seed."""
    # Multiplied by large odd numbers modulo 2^32, and the high bits, which depend on all others,
    # folded down: the finalizer of MurmurHash3 (Appleby 2011).
    mixed = (which + seed % 2**31 + 1) % 2**32
    for factor in (0x85EBCA6B, 0xC2B2AE35):
        mixed = ((mixed ^ (mixed >> 16)) * factor) % 2**32
    return (mixed ^ (mixed >> 16)) % 2


def shift(images: Tensor, most: int) -> Tensor:
    """Move each picture by up to `most` pixels along each axis; black comes in from outside.

    All pictures are cut from their padded copies by one gather.
    """
    count, channels, height, width = images.shape
    padded = F.pad(images, (most, most, most, most))
    top, left = torch.randint(0, 2 * most + 1, (2, count, 1), device=images.device)
    rows = (top + torch.arange(height, device=images.device))[:, None, :, None]
    columns = (left + torch.arange(width, device=images.device))[:, None, None, :]
    which = torch.arange(count, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[None, :, None, None]
    return padded[which, channel, rows, columns]


def erase(images: Tensor, probability: float) -> Tensor:
    """Blacken a random rectangle in each picture with the given probability.

    Random Erasing (Zhong et al. 2017, arXiv 1708.04896), with its areas and aspect ratios.
    """
    count, _, height, width = images.shape
    device = images.device
    draws = torch.rand(4, count, 1, device=device)
    low, high = ERASED_AREA
    area = (low + (high - low) * draws[0]) * height * width
    aspect = torch.exp(torch.empty_like(area).uniform_(*torch.tensor(ERASED_ASPECT).log().tolist()))
    tall, wide = (area * aspect).sqrt().clamp(max=height), (area / aspect).sqrt().clamp(max=width)
    top, left = draws[1] * (height - tall), draws[2] * (width - wide)
    y, x = torch.arange(height, device=device), torch.arange(width, device=device)
    rows = (y >= top.round()) & (y < (top + tall).round())
    columns = (x >= left.round()) & (x < (left + wide).round())
    rows &= draws[3] < probability
    hidden = rows[:, None, :, None] & columns[:, None, None, :]
    return images.masked_fill(hidden, 0)
