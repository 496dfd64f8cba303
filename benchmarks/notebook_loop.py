"""The founding notebook's own way, written again: the reference that others are timed against.

gzip + NumPy, the whole set as float32, a DataLoader over a TensorDataset, unfused Adam, a Python
loop, evaluation batch by batch. Only its slips are mended (its prints within the batch loop would
make it slower still, so they are left out to its favour).
"""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from measuring import data_folder, get_ready
from row import Found, Turn


class DeeperFashionMNISTModel(nn.Module):
    """The notebook's three-layer network."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(28 * 28, 256)
        self.fc2 = nn.Linear(256, 128)
        self.fc3 = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores, (B, 10), of pictures."""
        x = self.flatten(x)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)  # type: ignore[no-any-return]


class FashionMNISTModel(nn.Module):
    """The notebook's two-layer network."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(28 * 28, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores, (B, 10), of pictures."""
        x = self.flatten(x)
        return self.fc2(F.relu(self.fc1(x)))  # type: ignore[no-any-return]


NETWORKS = {"two-layer": FashionMNISTModel, "three-layer": DeeperFashionMNISTModel}


def load_images(path: Path) -> NDArray[np.float32]:
    """Return pictures as the notebook has them: float32, (N, 28, 28), 0 to 1."""
    with gzip.open(path) as file:
        pixels = np.frombuffer(file.read(), dtype=np.uint8, offset=16)
    return pixels.reshape(-1, 28, 28).astype(np.float32) / 255.0


def load_labels(path: Path) -> NDArray[np.uint8]:
    """Return labels, uint8, (N,)."""
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), dtype=np.uint8, offset=8).copy()


def load(part: str) -> TensorDataset:
    """Return the pictures and labels of "train" or "t10k"."""
    folder = data_folder()
    images = load_images(folder / f"{part}-images-idx3-ubyte.gz")
    labels = load_labels(folder / f"{part}-labels-idx1-ubyte.gz")
    return TensorDataset(torch.from_numpy(images), torch.from_numpy(labels).long())


def train(
    dataset: TensorDataset, epochs: int, network: str = "three-layer", lr: float = 0.0008
) -> tuple[nn.Module, list[float]]:
    """Train as the notebook does; return the model and each epoch's seconds."""
    model = NETWORKS[network]()
    loss_function = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=lr)
    loader = DataLoader(dataset, batch_size=64, shuffle=True)
    seconds = []
    for _ in range(epochs):
        started = time.perf_counter()
        model.train()
        for images, labels in loader:
            optimizer.zero_grad()
            loss = loss_function(model(images), labels)
            loss.backward()
            optimizer.step()
        seconds.append(time.perf_counter() - started)
    return model, seconds


def evaluate(model: nn.Module, dataset: TensorDataset) -> float:
    """Return the accuracy, 0 to 1."""
    model.eval()
    correct = 0
    with torch.no_grad():
        for images, labels in DataLoader(dataset, batch_size=64):
            correct += int((model(images).argmax(1) == labels).sum())
    return correct / len(dataset)


def run(turn: Turn) -> Found:
    """Train the three-layer network once, 15 epochs or `epochs`, and look at its accuracy."""
    dataset = load("train")
    get_ready()
    torch.manual_seed(turn.seed)
    started = time.perf_counter()
    model, epochs = train(dataset, turn.options.get("epochs", 15))
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "seconds_per_epoch": seconds / len(epochs),
        "accuracy": evaluate(model, load("t10k")),
        "epochs": len(epochs),
    }
