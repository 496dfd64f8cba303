"""Training on pictures that stay in files is, bit for bit, training on the same in memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.data.shards.writing import save
from fittingroom.data.sources import load
from fittingroom.errors import DataError, DeviceError
from fittingroom.models.stacked import Stacked
from fittingroom.runs.prepare import build_classifier
from fittingroom.training import pictures
from fittingroom.training.compatibility import check_they_fit
from fittingroom.training.device import Device
from fittingroom.training.loop import fit
from fittingroom.training.memory import physical_memory
from fittingroom.training.pictures import Fetched, fetched_bytes, to_device
from fittingroom.training.recipe import Recipe

Sets = tuple[DataSplits, DataSplits]

MLP = Recipe(
    model="three-layer", model_options={"hidden": [16, 8]}, epochs=3, batch_size=32, lr=0.003
)
CONVNET = MLP.but(
    model="convnet", model_options={}, epochs=2, normalization="standard", flip=True, shift=1
)
WHITENED = CONVNET.but(model="whitened", epochs=3, hard_share=0.5, alternate_flip=True, flip=False)


@pytest.fixture
def sets(
    make_splits: Callable[..., DataSplits], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Sets:
    """The same data in memory and in shards, of which 50 pictures are fetched at once."""
    monkeypatch.setattr(pictures, "LOAD_BYTES", 50 * 64)
    in_memory = make_splits(190, 60)
    save(in_memory, tmp_path / "set", 37)
    stored = load(tmp_path / "set").with_validation(60)
    assert fetched_bytes(stored.train) == fetched_bytes(stored.validation) == 50 * 64
    return in_memory, stored


def train(splits: DataSplits, recipe: Recipe, cpu: Device, **options: Any) -> list[Any]:
    """Train once; return the history without its times, and all that the classifier holds."""
    classifier = build_classifier(recipe, splits)
    result = fit(classifier, splits, recipe, cpu, **options)
    marks = [(e.train_loss, e.train_accuracy, e.validation_loss) for e in result.history]
    return [marks, *(tensor.numpy() for tensor in classifier.state_dict().values())]


def assert_equal(ours: list[Any], theirs: list[Any]) -> None:
    assert len(ours) == len(theirs) > 1
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("recipe", [MLP, CONVNET, WHITENED], ids=lambda recipe: recipe.model)
def test_weights_and_history_are_those_of_the_pictures_in_memory(
    sets: Sets, cpu: Device, recipe: Recipe
) -> None:
    assert_equal(train(sets[1], recipe, cpu), train(sets[0], recipe, cpu))


@pytest.mark.parametrize("loaded", [1, 33 * 64, 10**6])
def test_it_does_not_matter_how_much_is_fetched_at_once(
    sets: Sets, cpu: Device, monkeypatch: pytest.MonkeyPatch, loaded: int
) -> None:
    expected = train(sets[1], CONVNET, cpu)
    monkeypatch.setattr(pictures, "LOAD_BYTES", loaded)
    assert_equal(train(sets[1], CONVNET, cpu), expected)


def test_a_stack_of_runs_is_that_of_the_pictures_in_memory(sets: Sets, cpu: Device) -> None:
    stacks = []
    for splits in sets:
        stack = Stacked([build_classifier(MLP.but(seed=seed), splits) for seed in range(3)])
        fit(stack, splits, MLP, cpu, seeds=range(3))
        stacks.append([tensor.numpy() for tensor in stack.state_dict().values()])
    assert_equal(*stacks)


def test_a_run_that_was_interrupted_ends_as_if_it_had_not_been(sets: Sets, cpu: Device) -> None:
    expected = train(sets[0], WHITENED, cpu)
    asked = iter(range(1_000))
    first = build_classifier(WHITENED, sets[1])
    stopped = fit(first, sets[1], WHITENED, cpu, should_stop=lambda: next(asked) >= 8)
    assert not stopped.completed
    assert stopped.checkpoint is not None
    assert_equal(train(sets[1], WHITENED, cpu, resume=stopped.checkpoint), expected)


def test_few_pictures_are_read_into_memory(sets: Sets, cpu: Device, monkeypatch: Any) -> None:
    monkeypatch.setattr(pictures, "LOAD_BYTES", sets[1].train.images.size)
    images, labels = to_device(sets[1].train, cpu)
    assert isinstance(images, torch.Tensor)
    np.testing.assert_array_equal(images, sets[0].train.images)
    np.testing.assert_array_equal(labels, sets[0].train.labels)


@pytest.mark.parametrize("ahead", [True, False])
def test_a_batch_lies_where_one_of_its_length_lay_before_if_that_is_wanted(
    sets: Sets, ahead: bool
) -> None:
    """As what is recorded on a GPU expects it, for which the next ones are fetched ahead."""
    stored = sets[1].train.on_disk
    assert stored is not None
    images = Fetched(stored, torch.device("cpu"), ahead=ahead)
    images.stays_in_place = True
    batches = torch.randperm(190).split(40)
    images.begin(batches)
    places = set()
    for batch in batches:
        images.advance(len(batch))
        found = images.index_select(0, batch)
        np.testing.assert_array_equal(found, sets[0].train.images[batch.numpy()])
        places.add((len(found), found.data_ptr()))
    assert len(places) == 2


def test_a_shard_that_disappears_during_training_ends_it_in_one_line(
    sets: Sets, cpu: Device, tmp_path: Path
) -> None:
    classifier = build_classifier(MLP, sets[1])
    (tmp_path / "set" / "train-00002-images-idx3-ubyte").unlink()
    with pytest.raises(DataError, match="train-00002-images-idx3-ubyte: cannot be read any more"):
        fit(classifier, sets[1], MLP, cpu)


def test_what_is_fetched_counts_where_memory_is_checked(
    sets: Sets, cpu: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = physical_memory()
    assert there is not None
    classifier = build_classifier(MLP, sets[1])
    check_they_fit(classifier, sets[1], MLP, cpu)
    monkeypatch.setattr("fittingroom.training.compatibility.fetched_bytes", lambda _data: there)
    with pytest.raises(DeviceError, match="out of memory"):
        check_they_fit(classifier, sets[1], MLP, cpu)


CHILD = """
import sys
from pathlib import Path
from fittingroom.data.sources import load
from fittingroom.runs.prepare import build_classifier
from fittingroom.training import pictures
from fittingroom.training.device import select_device
from fittingroom.training.loop import fit
from fittingroom.training.recipe import Recipe

def peak():
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024

pictures.LOAD_BYTES = int(sys.argv[2])
recipe = Recipe(model="three-layer", model_options={"hidden": [8, 8]}, epochs=1, batch_size=2048,
                validation_size=1000)
splits = load(sys.argv[1]).with_validation(1000)
classifier = build_classifier(recipe, splits)
before = peak()
fit(classifier, splits, recipe, select_device("cpu"))
print(before, peak())
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_memory_is_that_of_the_loads_not_that_of_the_set(tmp_path: Path) -> None:
    """313 MB of pictures cost that in memory, but in loads of 16 MB two of these and a batch."""
    noise = np.random.default_rng(0).integers(0, 256, (4_000, 1, 28, 28), np.uint8)
    labels = np.arange(400_000) % 10
    images = np.broadcast_to(noise, (100, *noise.shape)).reshape(-1, 1, 28, 28)
    classes = tuple("abcdefghij")
    learning = ImageDataset(images, labels, classes)
    save(DataSplits("noise", "here", learning, learning.subset(np.arange(10))), tmp_path / "set")
    del images, learning
    peaks = {}
    for load_bytes in (2**24, 2**30):
        found = subprocess.run(
            [sys.executable, "-c", CHILD, str(tmp_path / "set"), str(load_bytes)],
            capture_output=True,
            text=True,
            check=True,
        )
        before, after = map(int, found.stdout.split())
        peaks[load_bytes] = after
        if load_bytes == 2**24:
            assert after - before < 110
    assert peaks[2**30] - peaks[2**24] > 150
