"""The network of a recipe in a plain loop: float32, batches of 64, Adam at 0.001, pixel / 255.

No augmentation, pictures in the DataLoader's own order of memory (N, C, H, W), shuffled.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import TensorDataset

import plain_loop
from measuring import data_folder
from row import Found, Turn


def train_until(turn: Turn, name: str, accuracy: float, most_epochs: int) -> Found:
    """Train the network of a shipped recipe until a test accuracy is there.

    Options: `most_epochs`, where another number of them is to be tried.
    """
    from fittingroom.data.sources import load
    from fittingroom.models.build import build_network
    from fittingroom.training.recipe import recipe

    followed, data = recipe(name), load(data_folder())

    def make() -> plain_loop.Learner:
        network = build_network(
            followed.model, data.image_shape, len(data.classes), followed.model_options
        )
        plain_memory(network)
        network.requires_grad_(True)  # what our recipe computes from the pictures, it learns
        return plain_loop.Learner(network, torch.optim.Adam(network.parameters(), lr=0.001))

    train, test = (
        TensorDataset(torch.from_numpy(part.images / 255).float(), torch.from_numpy(part.labels))
        for part in (data.learning, data.test)
    )
    return plain_loop.train_until(
        make,
        plain_loop.Loader(train, batch_size=64, shuffle=True),
        plain_loop.Loader(test, batch_size=64),
        turn,
        accuracy=accuracy,
        most_epochs=turn.options.get("most_epochs", most_epochs),
        device=torch.device("cpu"),
    )


def plain_memory(network: nn.Module) -> None:
    """Put weights that lie channels last into torch's usual order of memory."""
    for parameter in network.parameters():
        parameter.data = parameter.data.contiguous()
