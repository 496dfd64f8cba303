"""The notebook's two fully connected networks: flatten, linear, ReLU, and no softmax.

The last layer returns scores (logits); the cross-entropy loss applies the softmax itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from fittingroom.errors import ModelError


class TwoLayer(nn.Module):
    """The notebook's first network: 784 → 128 → 10 on Fashion-MNIST, 101,770 parameters.

    Parameters
    ----------
    input_shape
        (C, H, W) of one picture.
    num_classes
        Number of scores returned per picture.
    hidden
        Width of the hidden layer, as a sequence of one.
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        num_classes: int = 10,
        hidden: Sequence[int] = (128,),
    ) -> None:
        super().__init__()
        (width,) = check_widths("two-layer", hidden, 1)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(math.prod(input_shape), width)
        self.fc2 = nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores, float (B, K), of pictures, float (B, C, H, W)."""
        x = self.flatten(x)
        x = F.relu(self.fc1(x))
        return self.fc2(x)  # type: ignore[no-any-return]


class ThreeLayer(nn.Module):
    """The notebook's deeper network: 784 → 256 → 128 → 10, 235,146 parameters.

    Parameters
    ----------
    input_shape
        (C, H, W) of one picture.
    num_classes
        Number of scores returned per picture.
    hidden
        Widths of the two hidden layers.
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        num_classes: int = 10,
        hidden: Sequence[int] = (256, 128),
    ) -> None:
        super().__init__()
        first, second = check_widths("three-layer", hidden, 2)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(math.prod(input_shape), first)
        self.fc2 = nn.Linear(first, second)
        self.fc3 = nn.Linear(second, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores, float (B, K), of pictures, float (B, C, H, W)."""
        x = self.flatten(x)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)  # type: ignore[no-any-return]


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
