"""A run's two newest checkpoints: when they are written, and what is made of damaged ones."""

from __future__ import annotations

import random
import signal
from pathlib import Path
from typing import Any

import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import RunError
from fittingroom.runs import checkpoints
from fittingroom.runs import folder as files
from fittingroom.runs.checkpoints import Pace, newest
from fittingroom.runs.conduct import Interrupted
from fittingroom.runs.train import train
from fittingroom.training.history import Progress

pytestmark = pytest.mark.usefixtures("isolated")


@pytest.fixture
def interrupted(shapes: DataSplits) -> fr.Run:
    """Return a run that was stopped after its third epoch; its checkpoints are some steps apart."""

    def stop(progress: Progress) -> None:
        if progress.finished and progress.epoch == 3:
            signal.raise_signal(signal.SIGINT)

    fields: dict[str, Any] = {"epochs": 4, "batch_size": 32, "figures": False}
    with pytest.raises(Interrupted) as caught:
        train("two-layer", shapes, checkpoint_steps=5, on_progress=stop, **fields)
    return fr.open_run(caught.value.folder)


@pytest.mark.parametrize(
    ("pace", "seconds", "steps", "epoch_ended", "due"),
    [
        (Pace(), 9.9, 10**6, True, False),
        (Pace(), 10, 1, True, True),
        (Pace(), 59.9, 10**6, False, False),
        (Pace(), 60, 1, False, True),
        (Pace(minutes=0.1), 6, 1, True, True),
        (Pace(minutes=5), 10, 1, True, True),
        (Pace(minutes=5), 299, 1, False, False),
        (Pace(minutes=0), 0, 1, False, True),
        (Pace(steps=7), 0, 6, True, False),
        (Pace(steps=7), 0, 7, False, True),
        (Pace(minutes=1, steps=7), 60, 1, False, True),
    ],
)
def test_a_checkpoint_is_due(
    pace: Pace, seconds: float, steps: int, epoch_ended: bool, due: bool
) -> None:
    assert pace.is_due(seconds, steps, epoch_ended=epoch_ended) is due


@pytest.mark.parametrize("wrong", [{"minutes": -1}, {"minutes": float("nan")}, {"steps": 0}])
def test_a_pace_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="0 or more minutes, or 1 or more steps"):
        Pace(**wrong)


def test_checkpoints_are_written_after_so_many_steps_within_epochs_too(
    shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[tuple[int, int]] = []
    keep = checkpoints.keep

    def keep_and_note(folder: Path, checkpoint: Any, record: Any) -> None:
        kept.append((checkpoint.epoch, checkpoint.step))
        keep(folder, checkpoint, record)

    monkeypatch.setattr(checkpoints, "keep", keep_and_note)
    train("two-layer", shapes, epochs=2, batch_size=32, checkpoint_steps=3, figures=False)
    assert kept == [(0, 3), (0, 6), (1, 2), (1, 5), (2, 0)]  # of seven steps an epoch


def test_the_one_before_is_gone_on_from_where_the_newest_is_damaged(
    interrupted: fr.Run, shapes: DataSplits
) -> None:
    folder = interrupted.folder
    newer, older = folder / files.CHECKPOINT, folder / files.CHECKPOINT_BEFORE
    whole = newer.read_bytes()
    draw = random.Random(0)  # noqa: S311 - places to damage, no secret
    places = [draw.randrange(len(whole)) for _ in range(100)]
    damaged = [whole[:place] for place in places[:30]]
    damaged += [whole[:p] + bytes([whole[p] ^ 1 << p % 8]) + whole[p + 1 :] for p in places[30:]]
    for content in damaged:
        newer.write_bytes(content)
        with pytest.warns(UserWarning, match=r"checkpoint\.safetensors: .*the checkpoint before"):
            found = newest(folder, interrupted.record)
        assert found
        assert found.epoch == 2
    newer.unlink()
    assert newest(folder, interrupted.record)
    newer.write_bytes(b"")
    older.write_bytes(b"")
    with pytest.raises(RunError, match=r"checkpoint\.safet.*before\.safet.*remove what is damaged"):
        fr.resume(folder, shapes)
    assert fr.Run(folder).status == "interrupted"


def test_from_whatever_is_left_a_run_comes_to_the_same_end(
    interrupted: fr.Run, shapes: DataSplits
) -> None:
    whole = train("two-layer", shapes, epochs=4, batch_size=32, figures=False, name="whole")
    folder = interrupted.folder
    saved = {path.name: path.read_bytes() for path in folder.glob("*.*") if path.is_file()}
    for lost in ((), (files.CHECKPOINT,), (files.CHECKPOINT, files.CHECKPOINT_BEFORE)):
        for path in folder.iterdir():
            path.unlink()
        for name, content in saved.items():
            (folder / name).write_bytes(content)
        for name in lost:
            (folder / name).unlink()
        finished = fr.resume(folder, shapes, figures=False)
        assert (folder / files.MODEL).read_bytes() == (whole.folder / files.MODEL).read_bytes()
        assert (finished.evaluation.logits == whole.evaluation.logits).all()


def test_the_checkpoint_of_another_run_is_not_gone_on_from(
    interrupted: fr.Run, shapes: DataSplits
) -> None:
    other = interrupted.record | {"recipe": interrupted.recipe.but(seed=9).model_dump(mode="json")}
    with pytest.raises(RunError, match="a checkpoint of another run"):
        newest(interrupted.folder, other)


def test_what_a_killed_process_left_half_written_is_removed(
    interrupted: fr.Run, shapes: DataSplits
) -> None:
    (interrupted.folder / ".checkpoint.safetensors.0123abcd.part").write_bytes(b"half")
    finished = fr.resume(interrupted, shapes, figures=False)
    assert {path.name for path in finished.folder.iterdir()} == {
        *(files.RECORD, files.HISTORY, files.MODEL, files.PREDICTIONS)
    }
