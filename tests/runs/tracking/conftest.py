"""A few drawn garments, runs of them, and trackers that get all the time they need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.data.sketches import draw
from fittingroom.runs.tracking import courier

Quick = Callable[..., fr.Run]


@pytest.fixture(scope="session")
def garments() -> DataSplits:
    """200 + 50 sketches of ten classes, one of which has a slash in its name."""
    return draw(200, 50)


@pytest.fixture(scope="session")
def quick(garments: DataSplits) -> Quick:
    """Train for three epochs of some milliseconds."""

    def train(**changes: Any) -> fr.Run:
        usual: dict[str, Any] = {"epochs": 3, "batch_size": 32, "figures": False}
        return fr.train("two-layer", garments, **usual | changes)

    return train


@pytest.fixture(autouse=True, scope="session")
def plenty_of_time() -> None:
    """Tests measure no times: on a busy machine a tracker may need a minute to start."""
    courier.PATIENCE_SECONDS = 300.0


@pytest.fixture
def weights() -> Callable[[fr.Run], list[bytes]]:
    """Return the bytes of a run's weights and predictions."""

    def read(run: fr.Run) -> list[bytes]:
        tensors = run.classifier.state_dict().values()
        return [run.evaluation.logits.tobytes(), *(t.numpy().tobytes() for t in tensors)]

    return read


@pytest.fixture
def untracked(quick: Quick, tmp_path: Path) -> fr.Run:
    """The same run without a tracker."""
    return quick(out=tmp_path / "untracked")
