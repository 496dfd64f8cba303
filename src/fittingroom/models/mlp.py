"""The notebook's two fully connected networks: flatten, linear, ReLU, and no softmax.

The last layer returns scores (logits); the cross-entropy loss applies the softmax itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fittingroom.errors import ModelError


class FullyConnected(nn.Module):
    """Linear layers one after another, with a ReLU between them.

    That a network says what its layers are lets `models/stacked.py` train many of it at once.
    """

    features: nn.Module
    """What is made of the pictures before the first layer; nothing in it is trained."""

    @property
    def layers(self) -> tuple[nn.Linear, ...]:
        """The linear layers in their order: all that is trained."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores, float (B, K), of pictures, float (B, C, H, W)."""
        x = self.features(x)
        *hidden, last = self.layers
        for layer in hidden:
            x = F.relu(layer(x))
        return last(x)  # type: ignore[no-any-return]

    @property
    def initialize(self) -> Callable[[Tensor], None] | None:
        """What lets the features learn from preprocessed images, float (N, C, H, W), if they do."""
        features = self.features
        return features.initialize if isinstance(features, PrincipalComponents) else None


class PrincipalComponents(nn.Module):
    """The directions in which training pictures differ most; a picture's place along each.

    Neighbouring pixels say nearly the same, so that a sixth of the numbers tells pictures apart as
    well, and a network that reads them is smaller and learns faster (Pearson 1901; Jolliffe 2002,
    "Principal Component Analysis").

    Parameters
    ----------
    inputs
        Numbers in one picture.
    components
        How many directions, 1 to `inputs`.
    """

    mean: Tensor
    directions: Tensor

    def __init__(self, inputs: int, components: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("directions", torch.eye(components, inputs))

    @torch.no_grad()
    def initialize(self, images: Tensor) -> None:
        """Find the directions in preprocessed training images, float (N, C, H, W).

        Nearly: by random projections (Halko et al. 2011, arXiv 0909.4061), which large pictures
        need. There are as many as pictures at most; the rest are zeros.
        """
        x = images.flatten(1)
        count = min(len(self.directions), len(x))
        self.mean.copy_(x.mean(dim=0))
        with torch.random.fork_rng([]):
            torch.manual_seed(0)  # the search begins at random, but every run sees the same
            directions = torch.svd_lowrank(x - self.mean, q=count)[2].T
        self.directions[:count] = directions
        self.directions[count:] = 0

    def forward(self, x: Tensor) -> Tensor:
        """Map floats (B, C, H, W) to floats (B, components)."""
        # The mean's own place is taken off after the product: a sixth of the numbers to subtract.
        return F.linear(x.flatten(1), self.directions, -(self.directions @ self.mean))


def make_features(
    model: str, input_shape: tuple[int, int, int], components: int | None
) -> tuple[nn.Module, int]:
    """Return what a fully connected network reads pictures with, and how many numbers it gets.

    Raises
    ------
    ModelError
        If a picture has not so many components.
    """
    inputs = math.prod(input_shape)
    if components is None:
        return nn.Flatten(), inputs
    # type, not isinstance: true is no number here.
    if not (type(components) is int and 1 <= components <= inputs):
        raise ModelError(
            f"{model}: expected 1 to {inputs:,} components, as many as a picture has numbers, "
            f"found {components!r}"
        )
    return PrincipalComponents(inputs, components), components


class TwoLayer(FullyConnected):
    """The notebook's first network: 784 → 128 → 10 on Fashion-MNIST, 101,770 parameters.

    Parameters
    ----------
    input_shape
        (C, H, W) of one picture.
    num_classes
        Number of scores returned per picture.
    hidden
        Width of the hidden layer, as a sequence of one.
    components
        How many principal components of a picture the first layer reads; None for its pixels.
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        num_classes: int = 10,
        hidden: Sequence[int] = (128,),
        components: int | None = None,
    ) -> None:
        super().__init__()
        (width,) = check_widths("two-layer", hidden, 1)
        self.features, inputs = make_features("two-layer", input_shape, components)
        self.fc1 = nn.Linear(inputs, width)
        self.fc2 = nn.Linear(width, num_classes)

    @property
    def layers(self) -> tuple[nn.Linear, ...]:
        """The linear layers in their order: all that is trained."""
        return self.fc1, self.fc2


class ThreeLayer(FullyConnected):
    """The notebook's deeper network: 784 → 256 → 128 → 10, 235,146 parameters.

    Parameters
    ----------
    input_shape
        (C, H, W) of one picture.
    num_classes
        Number of scores returned per picture.
    hidden
        Widths of the two hidden layers.
    components
        How many principal components of a picture the first layer reads; None for its pixels.
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        num_classes: int = 10,
        hidden: Sequence[int] = (256, 128),
        components: int | None = None,
    ) -> None:
        super().__init__()
        first, second = check_widths("three-layer", hidden, 2)
        self.features, inputs = make_features("three-layer", input_shape, components)
        self.fc1 = nn.Linear(inputs, first)
        self.fc2 = nn.Linear(first, second)
        self.fc3 = nn.Linear(second, num_classes)

    @property
    def layers(self) -> tuple[nn.Linear, ...]:
        """The linear layers in their order: all that is trained."""
        return self.fc1, self.fc2, self.fc3


def check_widths(model: str, widths: Sequence[int], count: int) -> tuple[int, ...]:
    """Return `widths` as a tuple of `count` positive whole numbers.

    Raises
    ------
    ModelError
        If they are anything else.
    """
    found = (widths,) if isinstance(widths, int) else tuple(widths)
    if len(found) != count or not all(isinstance(width, int) and width > 0 for width in found):
        raise ModelError(
            f"{model}: expected {count} positive layer width{'s' if count > 1 else ''}, "
            f"found {list(found)}"
        )
    return found
