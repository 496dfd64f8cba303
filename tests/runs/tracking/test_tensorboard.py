"""What TensorBoard's own reader finds in a run's folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fittingroom as fr
from fittingroom.runs import folder as files
from fittingroom.runs.conduct import Interrupted
from fittingroom.runs.tracking.tensorboard import TensorBoard
from fittingroom.runs.tracking.worker import Worker
from fittingroom.training.history import Progress

pytest.importorskip("tensorboard", reason="needs the extra tensorboard")

pytestmark = pytest.mark.usefixtures("isolated")

Quick = Callable[..., fr.Run]


def read(folder: Path) -> Any:
    """Return TensorBoard's own reader of a folder, with every event of it."""
    from tensorboard.backend.event_processing import event_accumulator as reader

    everything = dict.fromkeys((reader.SCALARS, reader.TENSORS, reader.IMAGES), 0)
    found = reader.EventAccumulator(str(folder), size_guidance=everything)
    found.Reload()
    return found


def text_of(events: Any, tag: str) -> str:
    """Return the last text of a tag."""
    return str(events.Tensors(tag)[-1].tensor_proto.string_val[0].decode())


def event_files(run: fr.Run) -> list[Path]:
    return list(run.folder.glob("events.out.tfevents.*"))


@pytest.fixture(scope="module")
def tracked(quick: Quick, tmp_path_factory: pytest.TempPathFactory) -> fr.Run:
    """A run with figures, tracked while it went on."""
    return quick(track="tensorboard", figures=True, out=tmp_path_factory.mktemp("runs"))


def test_a_live_run_is_there_with_curves_texts_scores_and_pictures(tracked: fr.Run) -> None:
    events = read(tracked.folder)
    for tag, field in (
        ("loss/train", "train_loss"),
        ("accuracy/validation", "validation_accuracy"),
        ("learning_rate", "learning_rate"),
    ):
        points = {event.step: event.value for event in events.Scalars(tag)}
        assert points == pytest.approx({e.epoch: getattr(e, field) for e in tracked.history})
    (accuracy,) = events.Scalars("test/accuracy")
    assert accuracy.value == pytest.approx(tracked.evaluation.accuracy)
    shirts = events.Scalars("test/f1/T-shirt/top")[0]
    assert shirts.value == pytest.approx(tracked.evaluation.per_class[0].f1)
    assert "| batch_size | 32 |" in text_of(events, "recipe")
    assert f"| folder | {tracked.folder.absolute()} |" in text_of(events, "run")
    assert tracked.record["data"]["fingerprint"] in text_of(events, "run")
    assert text_of(events, "status") == "finished"
    picture = events.Images("figures/confusion-matrix")[0]
    assert (
        picture.encoded_image_string
        == (tracked.folder / "figures" / "confusion-matrix.png").read_bytes()
    )
    assert picture.width > picture.height / 2 > 100


def test_recipes_stand_where_hparams_looks_for_them(tracked: fr.Run) -> None:
    from tensorboard.plugins.hparams.metadata import SESSION_START_INFO_TAG
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    content = read(tracked.folder).SummaryMetadata(SESSION_START_INFO_TAG).plugin_data.content
    fields = HParamsPluginData.FromString(content).session_start_info.hparams
    assert set(fields) == set(fr.Recipe.model_fields)
    assert fields["lr"].string_value == str(tracked.recipe.lr)


def test_the_runs_own_files_are_those_of_an_untracked_run(
    tracked: fr.Run, untracked: fr.Run, weights: Callable[[fr.Run], list[bytes]]
) -> None:
    assert weights(tracked) == weights(untracked)
    for name in tracked.record["files"]:
        files.check_file(tracked.folder, name, tracked.record)
    assert set(tracked.record) == set(untracked.record)


def test_a_resumed_run_goes_on_in_the_same_curves(quick: Quick, garments: Any) -> None:
    def stop(progress: Progress) -> None:
        if progress.finished and progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        quick(track="tensorboard", on_progress=stop)
    assert text_of(read(caught.value.folder), "status") == "interrupted"
    run = fr.resume(caught.value.folder, garments, figures=False, track="tensorboard")
    events = read(run.folder)
    assert [event.step for event in events.Scalars("loss/train")] == [1, 2, 3]
    assert text_of(events, "status") == "finished"


def test_a_run_that_is_tracked_whole_is_not_tracked_again(untracked: fr.Run) -> None:
    for _ in range(2):
        worker = Worker("tensorboard")
        assert "problem" not in worker.answer({"do": "end", "folder": untracked.folder})
    assert len(event_files(untracked)) == 1
    assert [e.step for e in read(untracked.folder).Scalars("loss/train")] == [1, 2, 3]


def test_a_run_whose_trainer_dies_is_tracked_as_far_as_it_came(untracked: fr.Run) -> None:
    record = untracked.record | {"status": "running", "files": {}}
    files.write_record(untracked.folder / files.RECORD, record)
    history = untracked.history
    (untracked.folder / files.HISTORY).unlink()
    worker = Worker("tensorboard")
    epoch = history[0].to_dict()
    assert "problem" not in worker.answer({"do": "begin", "folder": untracked.folder})
    assert "problem" not in worker.answer({"do": "add", "epochs": [epoch]})
    worker.abandon()
    events = read(untracked.folder)
    assert [event.step for event in events.Scalars("loss/train")] == [1]
    assert text_of(events, "status") == "running"


def test_a_folder_that_cannot_be_written_is_a_problem_in_one_line(untracked: fr.Run) -> None:
    tracker = TensorBoard(untracked, {})
    shutil.rmtree(untracked.folder)
    with pytest.raises(OSError, match="No such file"):
        tracker.begin()
    answer = Worker("tensorboard").answer({"do": "end", "folder": untracked.folder})
    assert "no run here" in answer["problem"]
    assert "\n" not in answer["problem"]
