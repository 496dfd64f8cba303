"""Scores of pictures, batch by batch, without gradients: for validation and for evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from fittingroom.errors import ModelError

# Pictures at a time. What a convolution makes of a picture is many times its size, and on a CPU
# 128 of them stay in the caches: the small convnet's 10,000 took 1.6 s, and 2.1 s by 1,000.
MANY, FEW = 1000, 128


def pictures_at_once(network: nn.Module, device: torch.device) -> int:
    """Return how many pictures are best shown at a time where no gradient is wanted."""
    convolves = any(isinstance(part, _ConvNd) for part in network.modules())
    return FEW if convolves and device.type == "cpu" else MANY


def compute_scores(classifier: nn.Module, batches: Iterable[Tensor]) -> Tensor:
    """Return the scores, float32 (N, K), of batches of images, uint8 (B, C, H, W).

    Raises
    ------
    ModelError
        If the classifier does not return one row of scores for each picture.
    """
    with evaluation_mode(classifier), torch.inference_mode():
        return torch.cat([checked(classifier(batch), len(batch)).float() for batch in batches])


def checked(scores: object, count: int) -> Tensor:
    """Return `scores` if they are a tensor of shape (count, K).

    Raises
    ------
    ModelError
        If they are anything else.
    """
    if isinstance(scores, Tensor) and scores.ndim == 2 and len(scores) == count:
        return scores
    found = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
    raise ModelError(
        f"the network must return scores of shape (batch, classes) = ({count}, K), found {found}"
    )


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Switch to evaluation mode; afterwards every part has the mode back that it had before."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
