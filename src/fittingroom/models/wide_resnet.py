"""Wide residual networks: shallower than a ResNet, and the most accurate of ours.

Zagoruyko and Komodakis 2016 (arXiv 1605.07146): WRN-d-k has d convolutions, k times as wide as
those of the first ResNets.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from fittingroom.errors import ModelError
from fittingroom.models.convnet import check_size
from fittingroom.models.resnet import MOST_BLOCKS, conv3x3, prepare_convolutions


class WideResNet(nn.Module):
    """Three stages of 16, 32 and 64 times `width` channels; the picture halves between them.

    Parameters
    ----------
    input_shape
        (C, H, W) of one picture; H and W at least 8.
    num_classes
        Number of scores returned per picture.
    depth
        Convolutions on the way from picture to scores: 6n + 4, e.g. 10, 16, 22, 28, 40.
    width
        The factor k.
    dropout
        Probability of a zero between the two convolutions of a block, from 0 up to 1.
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        num_classes: int = 10,
        depth: int = 16,
        width: int = 8,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_size("wide-resnet", input_shape)
        blocks, rest = divmod(depth - 4, 6)
        if not 1 <= blocks <= MOST_BLOCKS or rest:
            raise ModelError(
                f"wide-resnet: depth must be 10, 16, 22 and so on up to {4 + 6 * MOST_BLOCKS}, "
                f"found {depth}"
            )
        if width < 1 or not 0 <= dropout < 1:
            raise ModelError(
                f"wide-resnet: expected a width of 1 or more and a dropout from 0 up to 1, "
                f"found {width} and {dropout}"
            )
        self.stem = conv3x3(input_shape[0], 16)
        stages: list[nn.Module] = []
        channels = 16
        for stage, stride in ((16, 1), (32, 2), (64, 2)):
            for number in range(blocks):
                stages.append(
                    PreActivationBlock(
                        channels, stage * width, stride if number == 0 else 1, dropout
                    )
                )
                channels = stage * width
        self.stages = nn.Sequential(*stages)
        self.norm = nn.BatchNorm2d(channels)
        self.head = nn.Linear(channels, num_classes)
        prepare_convolutions(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores, float (B, K), of pictures, float (B, C, H, W)."""
        x = self.stages(self.stem(x))
        x = F.relu(self.norm(x))
        x = x.mean(dim=(2, 3))
        return self.head(x)  # type: ignore[no-any-return]


class PreActivationBlock(nn.Module):
    """Norm, ReLU, convolution, twice (He et al. 2016, arXiv 1603.05027), and the input around."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels_in)
        self.conv1 = conv3x3(channels_in, channels_out, stride)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = conv3x3(channels_out, channels_out)
        self.shortcut: nn.Module | None = None
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Conv2d(channels_in, channels_out, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map floats (B, C, H, W) to floats (B, channels_out, H / stride, W / stride)."""
        active = F.relu(self.norm1(x))
        # Where the shape changes, the shortcut begins behind the first norm, as in the paper's
        # own code.
        around = x if self.shortcut is None else self.shortcut(active)
        out = self.conv1(active)
        out = self.conv2(self.dropout(F.relu(self.norm2(out))))
        return around + out  # type: ignore[no-any-return]
