"""ResNet for small pictures: what the field compares with.

He et al. 2015 (arXiv 1512.03385), as the field adapts it to pictures of about 32x32: a 3x3 stem,
no max-pool.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fittingroom.errors import ModelError
from fittingroom.models.convnet import check_size

WIDTHS = (64, 128, 256, 512)
# In a stage; the deepest ResNet published has 36. A file of some bytes can ask for any number.
MOST_BLOCKS = 100


class ResNet(nn.Module):
    """Four stages of residual blocks of two convolutions; the default is ResNet-18.

    Parameters
    ----------
    input_shape
        (C, H, W) of one picture; H and W at least 8.
    num_classes
        Number of scores returned per picture.
    blocks
        How many blocks each stage has; stages have 64, 128, 256 and 512 channels.
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        num_classes: int = 10,
        blocks: Sequence[int] = (2, 2, 2, 2),
    ) -> None:
        super().__init__()
        check_size("resnet", input_shape)
        if len(blocks) != 4 or not all(isinstance(n, int) and 0 < n <= MOST_BLOCKS for n in blocks):
            raise ModelError(
                f"resnet: expected 4 counts of blocks from 1 to {MOST_BLOCKS}, found {list(blocks)}"
            )
        self.stem = conv3x3(input_shape[0], WIDTHS[0])
        self.norm = nn.BatchNorm2d(WIDTHS[0])
        stages: list[nn.Module] = []
        channels = WIDTHS[0]
        for width, count in zip(WIDTHS, blocks, strict=True):
            for number in range(count):
                # Every stage but the first begins by halving the picture.
                stride = 2 if number == 0 and width != WIDTHS[0] else 1
                stages.append(BasicBlock(channels, width, stride))
                channels = width
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(channels, num_classes)
        prepare_convolutions(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores, float (B, K), of pictures, float (B, C, H, W)."""
        x = F.relu(self.norm(self.stem(x)))
        x = self.stages(x)
        x = x.mean(dim=(2, 3))
        return self.head(x)  # type: ignore[no-any-return]


class BasicBlock(nn.Module):
    """Two convolutions, and around them the input, by a 1x1 convolution where shapes differ."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(channels_in, channels_out, stride)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.conv2 = conv3x3(channels_out, channels_out)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(channels_out),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map floats (B, C, H, W) to floats (B, channels_out, H / stride, W / stride)."""
        out = F.relu(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        return F.relu(out + self.shortcut(x))


def conv3x3(channels_in: int, channels_out: int, stride: int = 1) -> nn.Conv2d:
    """Return a 3x3 convolution that keeps height and width, or halves them with stride 2."""
    return nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False)


def prepare_convolutions(network: nn.Module) -> None:
    """Draw a deep network's filters as He et al. 2015 (arXiv 1502.01852) do; lay them out."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    # Channels last in memory, for the reason that models/convnet.py gives.
    nn.utils.convert_conv2d_weight_memory_format(network, torch.channels_last)
