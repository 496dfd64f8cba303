"""Which trackers there are, and how runs are told to them."""

from __future__ import annotations

from pathlib import Path

import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import TrackingError
from fittingroom.runs.tracking import TRACKERS, Tracking, tracking_by
from fittingroom.runs.tracking.mlflow import MLflow

pytestmark = pytest.mark.usefixtures("isolated")


@pytest.mark.parametrize("track", ["wandb", ["tensorboard", "wandb"]])
def test_an_unknown_tracker_is_refused_before_a_folder_is_made(
    shapes: DataSplits, track: str | list[str]
) -> None:
    with pytest.raises(
        TrackingError, match="unknown tracker 'wandb'; known are mlflow, tensorboard"
    ):
        fr.train("two-layer", shapes, track=track)
    with pytest.raises(TrackingError, match="wandb"):
        fr.study("notebook", shapes, track=track)
    with pytest.raises(TrackingError, match="wandb"):
        fr.resume("latest", track=track)
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize("folder", [True, False])
def test_a_tracker_that_is_not_installed_is_refused_with_what_to_type(
    shapes: DataSplits, monkeypatch: pytest.MonkeyPatch, folder: bool
) -> None:
    monkeypatch.setattr(MLflow, "package", "mlflow_of_nobody")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    if folder:  # which Python takes for a package
        Path("mlflow_of_nobody").mkdir()
    with pytest.raises(TrackingError, match=r"pip install 'fittingroom\[mlflow_of_nobody\]'$"):
        fr.train("two-layer", shapes, track="mlflow")
    assert not Path("runs").exists()


def test_the_extras_are_called_as_the_trackers() -> None:
    assert {name: tracker.package for name, tracker in TRACKERS.items()} == {
        "mlflow": "mlflow",
        "tensorboard": "tensorboard",
    }


def test_names_may_come_alone_or_twice() -> None:
    assert Tracking().names == ()
    assert Tracking("mlflow").names == ("mlflow",)
    assert Tracking(["mlflow", "tensorboard", "mlflow"]).names == ("mlflow", "tensorboard")
    tracking = Tracking("mlflow")
    assert tracking_by(tracking) is tracking


def test_without_trackers_nothing_comes_between(shapes: DataSplits) -> None:
    callbacks = (lambda _run: None, lambda _progress: None)
    with Tracking().follow(*callbacks) as followed:
        assert followed == callbacks
    run = fr.train("two-layer", shapes, epochs=1, batch_size=32, figures=False)
    assert {path.name for path in run.folder.iterdir()} == {
        "run.json",
        "history.jsonl",
        "model.safetensors",
        "predictions.npz",
    }


def test_where_to_look_is_known_in_the_end(shapes: DataSplits) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    said: list[str] = []
    tracking = Tracking("tensorboard", said.append)
    recipe = fr.Recipe(model="two-layer", epochs=1, batch_size=32)
    fr.train(recipe, shapes, track=tracking, out="my runs", figures=False)
    assert tracking.places == {"tensorboard": "`tensorboard --logdir 'my runs'`"}
    assert set(said) <= {"waiting for tensorboard; Ctrl-C leaves it behind"}
