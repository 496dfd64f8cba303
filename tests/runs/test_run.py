from __future__ import annotations

import json
import random
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DataError, ModelError, RunError
from fittingroom.runs import folder as files
from fittingroom.runs.train import train

pytestmark = pytest.mark.usefixtures("isolated")


@pytest.fixture
def run(shapes: DataSplits) -> fr.Run:
    return train("two-layer", shapes, epochs=2, batch_size=32, lr=0.01, figures=False)


def parts(run: fr.Run) -> tuple[Any, ...]:
    """Everything that can be read from a run, in a form that can be compared."""
    weights = [(name, t.tolist()) for name, t in run.classifier.state_dict().items()]
    evaluation = run.evaluation
    scores = (evaluation.labels.tolist(), evaluation.logits.tolist(), evaluation.to_dict())
    return run.recipe, run.history, weights, run.classifier.classes, scores


def test_an_opened_run_gives_back_what_training_returned(run: fr.Run) -> None:
    again = fr.open_run(run.folder)
    assert parts(again) == parts(run)
    assert again.recipe == fr.Recipe(model="two-layer", epochs=2, batch_size=32, lr=0.01)
    assert again.status == "finished"
    assert [epoch.epoch for epoch in again.history] == [1, 2]


def test_the_opened_classifier_computes_the_stored_logits_bit_for_bit(
    run: fr.Run, shapes: DataSplits
) -> None:
    with torch.no_grad():
        logits = fr.open_run(run.name).classifier(torch.from_numpy(shapes.test.images))
    assert np.array_equal(logits.numpy(), run.evaluation.logits)


def test_a_second_evaluation_agrees_with_the_first(run: fr.Run, shapes: DataSplits) -> None:
    assert fr.open_run().evaluate(shapes).to_dict() == run.evaluation.to_dict()


def test_the_data_of_a_run_are_found_again_where_they_were(shapes_folder: Path) -> None:
    run = train("two-layer", str(shapes_folder), epochs=1, validation_size=30, figures=False)
    data = run.data()
    assert (len(data.train), len(data.validation), len(data.test)) == (210, 30, 80)
    assert run.evaluate().to_dict() == run.evaluation.to_dict()


def test_data_that_are_not_those_of_the_run_are_refused(
    run: fr.Run, shapes: DataSplits, shapes_folder: Path
) -> None:
    labels = shapes_folder / "train-labels-idx1-ubyte"
    content = bytearray(labels.read_bytes())
    content[-1] ^= 1
    labels.write_bytes(content)
    for other in (shapes_folder, fr.load(shapes_folder)):
        with pytest.raises(DataError, match=shapes.fingerprint[:16]):
            run.data(other)


def test_data_that_the_model_cannot_judge_are_refused(run: fr.Run, shapes: DataSplits) -> None:
    smaller = replace(shapes.test, images=shapes.test.images[:, :, :6].copy())
    learning = replace(shapes.learning, images=shapes.learning.images[:, :, :6].copy())
    with pytest.raises(DataError, match=r"\(1, 6, 8\).*\(1, 8, 8\)"):
        run.evaluate(replace(shapes, learning=learning, test=smaller))
    names = ("left", "right", "top", "inside")
    renamed = [replace(part, classes=names) for part in (shapes.learning, shapes.test)]
    with pytest.raises(DataError, match="inside"):
        run.evaluate(replace(shapes, learning=renamed[0], test=renamed[1]))


def test_runs_are_listed_the_oldest_first_with_a_damaged_one_among_them(
    run: fr.Run, shapes: DataSplits
) -> None:
    train("two-layer", shapes, epochs=1, figures=False, name="later")
    (Path("runs") / "broken").mkdir()
    (Path("runs") / "broken" / "run.json").write_text("{")
    (Path("runs") / "no run").mkdir()
    records = fr.list_runs()
    assert [(record["name"], record["status"]) for record in records] == [
        ("broken", "damaged"),
        (run.name, "finished"),
        ("later", "finished"),
    ]
    assert fr.open_run().name == "later"
    assert fr.list_runs("nowhere") == []


@pytest.mark.parametrize("name", [files.HISTORY, files.MODEL, files.PREDICTIONS])
def test_a_file_that_was_changed_cut_or_lost_is_noticed(run: fr.Run, name: str) -> None:
    path = run.folder / name
    whole = path.read_bytes()
    rng = random.Random(0)  # noqa: S311 - places to damage, no secret
    places = [0, len(whole) - 1, *(rng.randrange(len(whole)) for _ in range(20))]
    damaged = [whole[:place] for place in places]
    damaged += [whole[:p] + bytes([whole[p] ^ 1 << p % 8]) + whole[p + 1 :] for p in places]
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(RunError, match=name):
            parts(fr.open_run(run.folder))
    path.unlink()
    with pytest.raises(RunError, match=name):
        parts(fr.open_run(run.folder))


@pytest.mark.parametrize("name", [files.HISTORY, files.MODEL, files.PREDICTIONS, files.RECORD])
def test_damage_without_checksums_is_an_error_of_ours_or_leaves_a_readable_run(
    run: fr.Run, name: str
) -> None:
    record = json.loads((run.folder / files.RECORD).read_text("utf-8"))
    del record["files"]
    files.write_record(run.folder / files.RECORD, record)
    path = run.folder / name
    whole = path.read_bytes()
    rng = random.Random(1)  # noqa: S311
    refused = 0
    for number in range(300):
        # Heads and tails hold the structure of these files, most often.
        end = rng.choice([200, len(whole)])
        place = rng.randrange(end) if rng.random() < 0.7 else len(whole) - 1 - rng.randrange(end)
        content = bytearray(whole)
        content[place] = rng.randrange(256)
        path.write_bytes(whole[:place] if number % 10 == 0 else content)
        try:
            parts(fr.open_run(run.folder))
        except (RunError, ModelError):
            refused += 1
    assert refused > 30


def test_predictions_that_do_not_fit_the_record_are_refused(run: fr.Run) -> None:
    record = json.loads((run.folder / files.RECORD).read_text("utf-8"))
    files.write_record(run.folder / files.RECORD, record | {"files": {}})
    for arrays in (
        {"labels": np.array([0, 9]), "logits": np.zeros((2, 4), np.float32)},
        {"labels": np.array([0]), "logits": np.zeros((2, 4), np.float32)},
        {"labels": np.array([0]), "logits": np.full((1, 4), np.nan, np.float32)},
        {"labels": np.array([0])},
        {"labels": np.array(["left"]), "logits": np.zeros((1, 4), np.float32)},
    ):
        files.write_arrays(run.folder / files.PREDICTIONS, **arrays)
        with pytest.raises(RunError, match="predictions"):
            _ = fr.open_run(run.folder).evaluation


def test_a_run_whose_record_is_known_needs_no_folder(run: fr.Run) -> None:
    elsewhere = fr.Run(Path("nowhere"), record=run.record)
    assert (elsewhere.status, elsewhere.recipe) == (run.status, run.recipe)
    with pytest.raises(RunError, match="cannot be read"):
        _ = elsewhere.evaluation


def test_a_run_of_several_processes_goes_on_with_as_many(run: fr.Run) -> None:
    shared = run.record["environment"] | {"processes": 4, "machines": 2}
    record = run.record | {"status": "interrupted", "environment": shared}
    assert fr.Run(run.folder, record=record).how_to_go_on.startswith(
        "go on with `torchrun --nnodes 2 --nproc-per-node 2 -m fittingroom train --resume "
    )


def test_an_unfinished_run_says_how_to_go_on(run: fr.Run) -> None:
    record = json.loads((run.folder / files.RECORD).read_text("utf-8"))
    files.write_record(run.folder / files.RECORD, record | {"status": "running"})
    for name in (files.HISTORY, files.MODEL, files.PREDICTIONS):
        (run.folder / name).unlink()
    opened = fr.open_run(run.folder)
    for part in ("history", "classifier", "evaluation"):
        with pytest.raises(RunError, match=f"--resume {run.folder}"):
            getattr(opened, part)


def test_nothing_in_a_run_folder_is_pickled(run: fr.Run) -> None:
    with np.load(run.folder / files.PREDICTIONS, allow_pickle=False) as arrays:
        assert {name: array.dtype.kind for name, array in arrays.items()} == {
            "labels": "i",
            "logits": "f",
        }
    for path in run.folder.rglob("*"):
        head = path.read_bytes()[:2] if path.is_file() else b""
        # Pickle protocols 2 to 5 begin with 0x80 and their number; torch.save makes zip archives.
        assert not (head[:1] == b"\x80" and head[1:] in {b"\2", b"\3", b"\4", b"\5"})
        assert zipfile.is_zipfile(path) == (path.suffix == ".npz")


@pytest.mark.parametrize("line", ['{"\\n": 1}', '{"epoch": [1]}', '{"epoch": 1}', "[]", '["a"]'])
def test_a_history_of_something_else_is_told_in_one_line(run: fr.Run, line: str) -> None:
    (run.folder / files.HISTORY).write_text(line + "\n", "utf-8")
    record = run.record | {"files": {}}
    with pytest.raises(RunError, match="the history cannot be read") as error:
        assert fr.Run(run.folder, record=record).history
    assert "\n" not in str(error.value)
