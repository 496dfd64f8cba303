"""Runs repeat themselves bit for bit, and where they do not, it is said in what."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DataError, RunError
from fittingroom.runs import environment
from fittingroom.runs import folder as files
from fittingroom.runs.reproduce import in_the_same_precision
from fittingroom.runs.train import train_together
from fittingroom.training.device import cpu_threads
from fittingroom.training.history import Progress
from fittingroom.training.recipe import recipe_for_model

pytestmark = pytest.mark.usefixtures("isolated")

REPEATING = Path(__file__).with_name("repeating.py")


@pytest.fixture
def unchanged_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be known of a commit: whoever runs the tests may be changing the source."""
    monkeypatch.setattr(environment, "source_commit", dict)


def quick(data: DataSplits, model: Any = "two-layer", **changes: Any) -> fr.Run:
    return fr.train(model, data, **{"epochs": 2, "batch_size": 32, "figures": False} | changes)


def rewritten(run: fr.Run, name: str, **changes: Any) -> Path:
    """Copy a run's folder, with changes in its record's environment and recipe."""
    folder = run.folder.with_name(name)
    shutil.copytree(run.folder, folder)
    record = json.loads((folder / files.RECORD).read_text("utf-8"))
    for part, fields in changes.items():
        record[part] |= fields
    files.write_record(folder / files.RECORD, record | {"name": name})
    return folder


# What a repetition rests on


def came_to(shapes_folder: Path, threads: int, hash_seed: int, *words: str) -> dict[str, Any]:
    """Train the runs of repeating.py in a process of its own; return the digests of each."""
    variables = {
        "OMP_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "passive",  # threads that wait leave the core to other tests
        "PYTHONHASHSEED": str(hash_seed),
    }
    command = [sys.executable, str(REPEATING), str(shapes_folder), *words]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | variables
    )
    return dict(json.loads(done.stdout))


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_comes_to_the_same_bits_in_any_process_and_after_whatever_else(
    shapes_folder: Path, threads: int
) -> None:
    first = came_to(shapes_folder, threads, 0)
    second = came_to(shapes_folder, threads, 1, "disturbed")
    assert first.keys() == second.keys()
    for name in first:
        alike = {json.dumps(digests) for digests in first[name] + second[name]}
        assert len(alike) == 1, name
    weights = {digests[0]["weights"] for digests in first.values()}
    assert len(weights) == len(first)


# Identical


def test_a_repeated_run_is_identical_and_leaves_nothing_behind(
    shapes: DataSplits, isolated: Path
) -> None:
    run = quick(shapes, flip=True, shift=1)
    before = {path: path.read_bytes() for path in isolated.rglob("*") if path.is_file()}
    started: list[fr.Run] = []
    epochs: list[Progress] = []
    found = fr.reproduce(run, shapes, on_start=started.append, on_progress=epochs.append)
    assert found.verdict == "identical"
    assert found.same == {"weights": True, "history": True, "predictions": True}
    assert str(found).startswith("identical: weights, history and predictions are equal bit for")
    assert [one.name for one in started] == [run.name]
    assert [one.finished.epoch for one in epochs if one.finished] == [1, 2]
    after = {path: path.read_bytes() for path in isolated.rglob("*") if path.is_file()}
    assert before == after
    assert not (isolated / "reproduced").exists()


def test_a_copy_of_the_record_is_enough(
    shapes_folder: Path, isolated: Path, unchanged_source: None
) -> None:
    run = quick(fr.load(shapes_folder))
    copy = isolated / "copy.json"
    shutil.move(run.folder / files.RECORD, copy)
    shutil.rmtree(run.folder)
    found = fr.reproduce(copy)
    assert found.verdict == "identical"
    other = json.loads(copy.read_text("utf-8"))
    other["results"]["digests"]["history"] = "0" * 64
    files.write_record(copy, other)
    found = fr.reproduce(copy)
    assert found.verdict == "different"
    assert found.same == {"weights": True, "history": False, "predictions": True}


def test_as_many_threads_are_used_as_the_run_had_and_given_back(shapes: DataSplits) -> None:
    before = torch.get_num_threads()
    with cpu_threads(before + 1):
        run = quick(shapes, epochs=1, batch_size=100)
    seen: list[int] = []
    found = fr.reproduce(run, shapes, on_start=lambda _: seen.append(torch.get_num_threads()))
    assert found.verdict == "identical"
    assert seen == [before + 1]
    assert torch.get_num_threads() == before


def test_a_run_of_a_stack_is_repeated_alone_and_on_one_thread_to_the_same_bits(
    shapes: DataSplits,
) -> None:
    recipe = recipe_for_model("two-layer", epochs=2, batch_size=32)
    with cpu_threads(1):
        runs = train_together([recipe, recipe.but(seed=1)], shapes, names=["one", "two"])
    found = fr.reproduce(runs[1], shapes)
    assert found.verdict == "identical"
    assert "runs trained at once: 2, now 1" in str(found)


class Small(nn.Module):
    """A network of a person's own."""

    def __init__(self, input_shape: tuple[int, int, int], num_classes: int) -> None:
        super().__init__()
        channels, height, width = input_shape
        self.linear = nn.Linear(channels * height * width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1))  # type: ignore[no-any-return]


def test_a_run_of_a_network_of_ones_own_is_repeated_where_it_is_named_again(
    shapes: DataSplits,
) -> None:
    run = quick(shapes, Small)
    with pytest.raises(RunError, match="network of your own; name it again"):
        fr.reproduce(run, shapes)
    assert fr.reproduce(run, shapes, network=Small).verdict == "identical"


def test_a_precision_that_a_clock_chose_is_not_chosen_anew() -> None:
    recipe = recipe_for_model("convnet")
    assert recipe.precision == "auto"
    assert in_the_same_precision(recipe, "fp32", "cpu").precision == "fp32"
    assert in_the_same_precision(recipe.but(precision="bf16"), "fp32", "cpu").precision == "bf16"


# Not identical


def test_other_bits_in_the_same_environment_are_a_failure_however_small(
    shapes: DataSplits, unchanged_source: None
) -> None:
    run = quick(shapes)
    folder = rewritten(run, "other", recipe={"lr": run.recipe.lr * 1.0001})
    found = fr.reproduce(folder, shapes)
    assert found.changes == ()
    assert found.verdict == "different"
    assert found.reason.endswith("yet weights, history and predictions have, from epoch 1 on")
    assert 0 < (found.largest_weight_difference or 0) < 0.01
    assert abs(found.accuracies[0] - found.accuracies[1]) <= found.noise.bound
    assert found.kept == str(Path("reproduced") / "other")


def test_what_was_computed_otherwise_is_named_and_small_differences_are_noise(
    shapes: DataSplits,
) -> None:
    run = quick(shapes)
    told = {"recipe": {"lr": run.recipe.lr * 1.01}, "environment": {"cpu": "Another CPU"}}
    found = fr.reproduce(rewritten(run, "elsewhere", **told), shapes)
    assert found.verdict == "equal within noise"
    assert "CPU: Another CPU, now " in str(found)
    assert found.kept is None
    assert not Path("reproduced").exists()


def test_an_accuracy_beyond_noise_is_different_and_the_repetition_is_kept(
    shapes: DataSplits,
) -> None:
    run = quick(shapes, epochs=8, lr=0.01)
    assert run.evaluation.accuracy > 0.9
    told = {"recipe": {"lr": 1e-9}, "environment": {"cpu": "Another CPU"}}
    found = fr.reproduce(rewritten(run, "elsewhere", **told), shapes)
    assert found.verdict == "different"
    assert "by more than another rounding explains" in found.reason
    assert found.kept == str(Path("reproduced") / "elsewhere")
    assert fr.open_run(found.kept).evaluation.accuracy == found.accuracies[1]
    assert [path.name for path in Path("reproduced").iterdir()] == ["elsewhere"]


# What cannot be repeated


@pytest.mark.parametrize("name", [files.MODEL, files.HISTORY, files.PREDICTIONS])
def test_a_damaged_file_is_named_before_anything_is_trained(shapes: DataSplits, name: str) -> None:
    run = quick(shapes)
    with (run.folder / name).open("ab") as file:
        file.write(b" ")
    started: list[fr.Run] = []
    with pytest.raises(RunError, match=f"{name}: damaged or replaced"):
        fr.reproduce(run.folder, shapes, on_start=started.append)
    assert started == []


def test_an_unfinished_run_says_how_to_go_on(shapes: DataSplits) -> None:
    folder = quick(shapes).folder
    record = json.loads((folder / files.RECORD).read_text("utf-8"))
    files.write_record(folder / files.RECORD, record | {"status": "interrupted"})
    with pytest.raises(RunError, match=r"interrupted, and so has no result .* --resume"):
        fr.reproduce(folder, shapes)


def test_other_data_are_refused(shapes: DataSplits, shapes_folder: Path) -> None:
    run = quick(shapes)
    labels = shapes_folder / "t10k-labels-idx1-ubyte"
    content = bytearray(labels.read_bytes())
    content[-1] ^= 1
    labels.write_bytes(content)
    with pytest.raises(DataError, match="not the data of run"):
        fr.reproduce(run, shapes_folder)


def test_ctrl_c_leaves_nothing_of_the_repetition(shapes: DataSplits, isolated: Path) -> None:
    run = quick(shapes)

    def press(_progress: Progress) -> None:
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="the run is as it was"):
        fr.reproduce(run, shapes, on_progress=press)
    assert not (isolated / "reproduced").exists()
    assert fr.open_run().folder == run.folder
