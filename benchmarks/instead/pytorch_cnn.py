"""A plain convolutional network in PyTorch, as its tutorials write them.

The network of PyTorch's own MNIST example (two 3x3 convolutions, 32 and 64 channels, max-pooling,
dropout, two linear layers; https://github.com/pytorch/examples/blob/main/mnist/main.py) with Adam
at 0.001 and batches of 64 from a DataLoader, 10 epochs.
"""

from __future__ import annotations

import time

import torch
from torch import nn
from torch.utils.data import TensorDataset

import notebook_loop
import plain_loop
from measuring import get_ready
from row import Found, Turn

EPOCHS = 10


def network() -> nn.Module:
    """Return the network: 1.2 million parameters, for pictures (B, 1, 28, 28)."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )


def run(turn: Turn) -> Found:
    """Train once, 10 epochs or `epochs`, and look at the accuracy."""
    datasets = [notebook_loop.load(part) for part in ("train", "t10k")]
    train, test = (
        TensorDataset(data.tensors[0].unsqueeze(1), data.tensors[1]) for data in datasets
    )
    epochs, cpu = turn.options.get("epochs", EPOCHS), torch.device("cpu")
    get_ready()
    torch.manual_seed(turn.seed)
    started = time.perf_counter()
    model = network()
    learner = plain_loop.Learner(model, torch.optim.Adam(model.parameters(), lr=0.001))
    loader = plain_loop.Loader(train, batch_size=64, shuffle=True)
    for _ in range(epochs):
        plain_loop.train_epoch(learner, loader, cpu)
    seconds = time.perf_counter() - started
    accuracy = plain_loop.score(model, plain_loop.Loader(test, batch_size=1000), cpu)
    return {"seconds": seconds, "accuracy": accuracy, "epochs": epochs}
