"""The runs of a study, told to a tracker."""

from __future__ import annotations

from typing import Any

import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.runs.run import Run
from fittingroom.studies.watch import Snapshot

pytestmark = pytest.mark.usefixtures("isolated")

QUICK: dict[str, Any] = {
    "name": "quick",
    "seeds": 2,
    "base": {"model": "two-layer", "epochs": 2, "batch_size": 32},
    "settings": {"slow": {"lr": 0.001}, "too fast": {"lr": 1e20, "optimizer": "sgd"}},
}


def scalars(run: Run, tag: str) -> list[int]:
    """Return the steps of a curve, as TensorBoard's own reader finds them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run.folder))
    events.Reload()
    return [e.step for e in events.Scalars(tag)] if tag in events.Tags()["scalars"] else []


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_each_run_is_tracked_once_whoever_does_it(
    shapes_folder: Any, isolated: Any, jobs: int
) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    heard: list[Snapshot] = []
    data = fr.load(shapes_folder)
    for _ in range(2):  # of which the second finds all of it done
        study = fr.study(QUICK, data, jobs=jobs, track="tensorboard", on_progress=heard.append)
    assert heard[-1].done == 4
    assert len(study.runs) == len(study.failures) == 2
    for run in study.runs.values():
        assert scalars(run, "loss/train") == [1, 2]
        assert scalars(run, "test/accuracy") == [2]
    folders = [run.folder for run in study.runs.values()]
    folders += [isolated / f"studies/quick/runs/too-fast-seed{seed}" for seed in (0, 1)]
    for folder in folders:
        assert len(list(folder.glob("events.out.tfevents.*"))) == 1


def test_a_study_comes_to_its_end_without_a_tracker_that_is_gone(
    shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.warns(UserWarning, match="^tensorboard .* cannot be started") as caught:
        study = fr.study(QUICK, shapes, jobs=1, track="tensorboard")
    assert study.finished
    assert len(caught) == 1
