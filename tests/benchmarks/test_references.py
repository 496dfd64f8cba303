"""The loops that ours are compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import plain_loop
from fittingroom.data.dataset import DataSplits
from fittingroom.models import build_network
from resnet18 import Augmented, resnet18
from row import Found, Turn, Unfinished
from same_network import plain_memory

CPU = torch.device("cpu")


@pytest.fixture
def loaders(shapes: DataSplits) -> list[plain_loop.Loader]:
    """Batches of the training and the test pictures."""
    return [
        plain_loop.Loader(
            TensorDataset(
                torch.from_numpy((part.images / 255).astype(np.float32)),
                torch.from_numpy(part.labels),
            ),
            batch_size=16,
            shuffle=part is shapes.learning,
        )
        for part in (shapes.learning, shapes.test)
    ]


def make() -> plain_loop.Learner:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))
    return plain_loop.Learner(network, torch.optim.Adam(network.parameters(), lr=0.01))


def train(loaders: list[plain_loop.Loader], turn: Turn, accuracy: float, most: int) -> Found:
    learning, test = loaders
    return plain_loop.train_until(
        make, learning, test, turn, accuracy=accuracy, most_epochs=most, device=CPU
    )


def test_plain_loop_ends_as_soon_as_the_accuracy_is_there(
    loaders: list[plain_loop.Loader], tmp_path: Path
) -> None:
    found = train(loaders, Turn(0, tmp_path), 0.6, 30)
    assert found["reached"]
    assert found["epochs"] < 30
    assert found["accuracies"][-1] >= 0.6 > max(found["accuracies"][:-1], default=0.0)


def test_plain_loop_says_when_it_never_came_there(
    loaders: list[plain_loop.Loader], tmp_path: Path
) -> None:
    found = train(loaders, Turn(0, tmp_path), 1.01, 2)
    assert (found["reached"], found["epochs"]) == (False, 2)


def test_plain_loop_stops_in_time_and_goes_on(
    loaders: list[plain_loop.Loader], tmp_path: Path
) -> None:
    hurried = Turn(0, tmp_path, seconds_left=1e-9)  # one epoch a call
    for _ in range(2):
        with pytest.raises(Unfinished):
            train(loaders, hurried, 1.01, 3)
    assert train(loaders, hurried, 1.01, 3)["epochs"] == 3


def test_plain_loop_reads_a_lower_accuracy_off_a_run_that_went_further(
    loaders: list[plain_loop.Loader], tmp_path: Path
) -> None:
    low = train(loaders, Turn(0, tmp_path), 0.4, 30)
    high = train(loaders, Turn(0, tmp_path), 1.01, low["epochs"] + 2)
    assert high["accuracies"][: low["epochs"]] == low["accuracies"]
    assert high["seconds"] > low["seconds"]
    assert train(loaders, Turn(0, tmp_path), 0.4, 30) == low


def test_resnet18_has_the_parameters_that_are_known() -> None:
    # https://github.com/kuangliu/pytorch-cifar: 11,173,962 for three channels and ten classes.
    network = resnet18(3, 10)
    assert sum(weight.numel() for weight in network.parameters()) == 11_173_962
    assert resnet18(1, 10, width=8)(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_augmented_pictures_are_shifted_and_mirrored_ones() -> None:
    image = torch.arange(36.0).reshape(1, 1, 6, 6)
    data = Augmented(image, torch.tensor([3]))
    padded = nn.functional.pad(image[0], (4, 4, 4, 4))
    windows = [padded[:, t : t + 6, left : left + 6] for t in range(9) for left in range(9)]
    possible = [*windows, *(window.flip(-1) for window in windows)]
    for _ in range(20):
        shown, label = data[0]
        assert int(label) == 3
        assert any(torch.equal(shown, window) for window in possible)


def test_plain_memory_changes_the_order_and_no_value() -> None:
    network = build_network("convnet", (1, 28, 28), 10).eval()
    x = torch.rand(2, 1, 28, 28)
    before = network(x)
    plain_memory(network)
    assert all(weight.is_contiguous() for weight in network.parameters())
    torch.testing.assert_close(network(x), before)
