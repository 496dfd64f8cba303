"""A network made to learn in seconds: whitened patches first, filters that begin as identity.

The design of airbench (Jordan 2024, arXiv 2404.00498), sections 3.1 to 3.3: in its ablations the
whitening layer saves 14 of 35 epochs, the identity initialisation 3 more.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fittingroom.errors import ModelError
from fittingroom.models.convnet import check_size
from fittingroom.models.mlp import check_widths
from fittingroom.models.resnet import conv3x3

# Added to the patches' variances, so that directions of hardly any are not blown up.
LEAST_VARIANCE = 5e-4
MOST_STAGES = 10  # a picture of 1024 pixels a side cannot be halved more often

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu}


class WhitenedNet(nn.Module):
    """Whitened patches, stages of one to three convolutions, the highest answers.

    Parameters
    ----------
    input_shape
        (C, H, W) of one picture; H and W at least 8.
    num_classes
        Number of scores returned per picture.
    widths
        Channels of the stages.
    depths
        Convolutions of each stage, 1 to 3; the last two of 3 are residual.
    patch, stride
        Height and width of the patches of the first layer, and how far apart they begin, in pixels.
    halvings
        In how many of the stages, the first ones, the picture is halved; None for all.
    activation
        relu, or gelu, which costs three times as much.
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        num_classes: int = 10,
        widths: Sequence[int] = (32, 64),
        depths: Sequence[int] = (1, 3),
        patch: int = 4,
        stride: int = 2,
        halvings: int | None = 1,
        activation: str = "relu",
    ) -> None:
        super().__init__()
        check_size("whitened", input_shape)
        check_options(depths, patch, stride, halvings, activation)
        widths = check_widths("whitened", widths, len(depths))
        channels = 2 * input_shape[0] * patch**2
        padding = (patch - 1) // 2
        self.activation = ACTIVATIONS[activation]
        self.whiten = nn.Conv2d(input_shape[0], channels, patch, stride, padding, bias=False)
        self.whiten.weight.requires_grad_(False)
        stages = []
        for number, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            halve = halvings is None or number < halvings
            stages.append(Stage(channels, width, depth, halve, self.activation))
            channels = width
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(channels, num_classes, bias=False)
        nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)

    @torch.no_grad()
    def initialize(self, images: Tensor) -> None:
        """Set the first layer's filters by preprocessed training images, float (N, C, H, W).

        They are the principal components of the patches, scaled to variance 1, each with both
        signs, since what comes next keeps the positive part. They stay as they are.
        """
        size = self.whiten.kernel_size[0]
        patches = F.unfold(images, size, stride=2)  # every other place is sample enough
        patches = patches.transpose(1, 2).flatten(0, 1)
        covariance = patches.T @ patches / len(patches)
        # On the CPU: loading a GPU's solvers takes longer than so small a decomposition.
        variances, directions = torch.linalg.eigh(covariance.cpu())
        filters = (directions / (variances + LEAST_VARIANCE).sqrt()).T.flip(0)
        weight = self.whiten.weight
        weight.copy_(torch.cat([filters, -filters]).view(weight.shape))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores, float (B, K), of pictures, float (B, C, H, W)."""
        x = self.stages(self.activation(self.whiten(x)))
        # Pooled, not amax: its gradient looks for the highest answers again, five times the work.
        x = F.max_pool2d(x, x.shape[2:]).flatten(1)
        return self.head(x)  # type: ignore[no-any-return]


class Stage(nn.Module):
    """A convolution, after which the picture is perhaps halved, and up to two that keep it."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        depth: int,
        halve: bool,
        activation: Callable[[Tensor], Tensor],
    ) -> None:
        super().__init__()
        self.halve, self.activation = halve, activation
        self.convs = nn.ModuleList(
            [identity_conv(channels_in, channels_out)]
            + [identity_conv(channels_out, channels_out) for _ in range(depth - 1)]
        )
        self.norms = nn.ModuleList([Norm(channels_out) for _ in range(depth)])

    def forward(self, x: Tensor) -> Tensor:
        """Map floats (B, C, H, W) to floats (B, channels_out, H, W), or halves, rounded up."""
        x = self.convs[0](x)
        if self.halve:  # before the norm, which then has a quarter to do
            x = F.max_pool2d(x, 2, ceil_mode=True)
        x = self.activation(self.norms[0](x))
        if len(self.convs) == 1:
            return x
        out = self.activation(self.norms[1](self.convs[1](x)))
        if len(self.convs) == 2:
            return out
        return x + self.activation(self.norms[2](self.convs[2](out)))


class Norm(nn.BatchNorm2d):
    """Batch normalisation without a scale, which the next convolution has anyway."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.weight.requires_grad_(False)


def identity_conv(channels_in: int, channels_out: int) -> nn.Conv2d:
    """Return a 3x3 convolution whose first outputs are at first its inputs."""
    conv = conv3x3(channels_in, channels_out)
    nn.init.dirac_(conv.weight.data[:channels_in])
    return conv


def check_options(
    depths: Sequence[int], patch: int, stride: int, halvings: int | None, activation: str
) -> None:
    """See that the network's options make sense.

    Raises
    ------
    ModelError
        If they do not.
    """
    if not (
        isinstance(depths, Sequence)
        and 0 < len(depths) <= MOST_STAGES
        and all(d in (1, 2, 3) for d in depths)
    ):
        raise ModelError(
            f"whitened: expected a list of up to {MOST_STAGES} depths, each 1 to 3, "
            f"found {reprlib.repr(depths)}"
        )
    if patch not in range(1, 9) or stride not in range(1, patch + 1):
        raise ModelError(
            f"whitened: expected a patch of 1 to 8 pixels and a stride of at most that, "
            f"found {patch!r} and {stride!r}"
        )
    if not (halvings is None or (isinstance(halvings, int) and halvings >= 0)):
        raise ModelError(f"whitened: expected halvings of 0 or more, or null, found {halvings!r}")
    if activation not in ACTIVATIONS:
        raise ModelError(
            f"whitened: expected an activation of {', '.join(ACTIVATIONS)}, found {activation!r}"
        )
