"""Scores of pictures, batch by batch, without gradients: for validation and for evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from fittingroom.errors import ModelError


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
