"""The reference on a GPU: ResNet-18 and the recipe that tutorials give for pictures of this size.

He et al. 2015 (arXiv 1512.03385) with a first convolution of 3x3 and no max-pooling, as usual for
32x32; SGD with Nesterov momentum 0.9 and weight decay 5e-4, batches of 128, learning rate 0.1
falling to 0 along a cosine over 30 epochs, each picture mirrored with probability 1/2 and shifted
by up to 4 pixels; a DataLoader with workers; float32 (the convolutions in TF32, torch's default).
"""

from __future__ import annotations

import os

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

import plain_loop
from measuring import data_folder
from row import Found, Turn

EPOCHS = 30


class Block(nn.Module):
    """Two 3x3 convolutions and a way around them."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.around = nn.Sequential()
        if stride != 1 or channels_in != channels_out:
            self.around = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False),
                nn.BatchNorm2d(channels_out),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map floats (B, C, H, W) to (B, channels_out, H / stride, W / stride)."""
        inner = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(inner)) + self.around(x))


def resnet18(channels: int, num_classes: int, width: int = 64) -> nn.Sequential:
    """Return ResNet-18 for small pictures: 11.2 million parameters at the usual width."""
    widths = [width, width, 2 * width, 4 * width, 8 * width]
    stages = [
        nn.Sequential(Block(before, after, stride), Block(after, after, 1))
        for before, after, stride in zip(widths, widths[1:], (1, 2, 2, 2), strict=False)
    ]
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, 1, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        *stages,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8 * width, num_classes),
    )


class Augmented(Dataset[tuple[Tensor, Tensor]]):
    """Pictures, each mirrored or not and shifted when it is asked for."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images = F.pad(images, (4, 4, 4, 4))
        self.labels = labels
        self.size = images.shape[-2:]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        top, left, mirrored = torch.randint(9, (3,)).tolist()
        image = self.images[index, :, top : top + self.size[0], left : left + self.size[1]]
        return (image.flip(-1) if mirrored % 2 else image), self.labels[index]


def train_until(turn: Turn, accuracy: float) -> Found:
    """Train until a test accuracy is there, on the GPU if there is one.

    Options: `most_epochs` and `width`, where other ones are wanted.
    """
    from fittingroom.data.sources import load

    data = load(data_folder())
    cuda = torch.cuda.is_available()
    epochs, width = turn.options.get("most_epochs", EPOCHS), turn.options.get("width", 64)

    def make() -> plain_loop.Learner:
        network = resnet18(data.image_shape[0], len(data.classes), width)
        optimizer = torch.optim.SGD(
            network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4
        )
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
        return plain_loop.Learner(network, optimizer, cosine)

    train, test = (
        (torch.from_numpy(part.images / 255).float(), torch.from_numpy(part.labels))
        for part in (data.learning, data.test)
    )
    workers = min(8, os.cpu_count() or 1) if cuda else 0
    return plain_loop.train_until(
        make,
        DataLoader(
            Augmented(*train),
            batch_size=128,
            shuffle=True,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=cuda,
        ),
        plain_loop.Loader(TensorDataset(*test), batch_size=1000),
        turn,
        accuracy=accuracy,
        most_epochs=epochs,
        device=torch.device("cuda" if cuda else "cpu"),
    )
