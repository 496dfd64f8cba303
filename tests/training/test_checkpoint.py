"""Checkpoints: there and back through a file, and what is made of damaged ones."""

from __future__ import annotations

import itertools
import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import RunError
from fittingroom.models import Classifier, TwoLayer
from fittingroom.models.tensor_file import pack, unpack
from fittingroom.training.checkpoint import (
    FORMAT,
    Checkpoint,
    TrainingState,
    restore_epoch,
    restore_optimizer,
)
from fittingroom.training.device import Device
from fittingroom.training.history import Epoch
from fittingroom.training.loop import fit
from fittingroom.training.meter import Meter
from fittingroom.training.optimizers import build_optimizer
from fittingroom.training.recipe import Recipe

MakeClassifier = Callable[..., Classifier]

RECIPE = Recipe(model="convnet", model_options={"widths": [4, 6, 8]}, batch_size=32, epochs=3)

SMALL = Checkpoint(
    epoch=2,
    step=1,
    history=(Epoch(1, 0.5, 0.75, 0.625, 0.8, 0.001, 1.5), Epoch(2, 0.1 + 0.2, 1, None, None, 1, 1)),
    seconds=1 / 3,
    tensors={
        "model.a.b": torch.rand(2, 3),
        "model.c": torch.rand(1),
        "optimizer.0.step": torch.ones(()),
    },
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "체크포인트"


@pytest.fixture
def checkpoint(splits: DataSplits, make_classifier: MakeClassifier, cpu: Device) -> Checkpoint:
    """Return a checkpoint after seven steps: one epoch and two more."""
    asked = iter(range(1, 100))
    recipe = RECIPE.but(early_stopping=5)
    classifier = make_classifier(recipe)
    made = fit(classifier, splits, recipe, cpu, should_stop=lambda: next(asked) >= 7).checkpoint
    assert made
    return made


def test_a_checkpoint_survives_its_file(checkpoint: Checkpoint, path: Path) -> None:
    path.write_bytes(checkpoint.to_bytes())
    loaded = Checkpoint.load(path)
    assert (loaded.epoch, loaded.step) == (1, 2)
    assert loaded.history == checkpoint.history
    assert loaded.seconds == checkpoint.seconds > 0
    assert loaded.tensors.keys() == checkpoint.tensors.keys()
    for name, tensor in checkpoint.tensors.items():
        assert loaded.tensors[name].dtype == tensor.dtype
        assert torch.equal(loaded.tensors[name], tensor)


def test_it_holds_weights_averages_best_weights_and_random_states(checkpoint: Checkpoint) -> None:
    weights = checkpoint.part("model")
    assert checkpoint.part("best").keys() == weights.keys()
    # Adam keeps a step count and two averages of each of the weights, of which buffers are none.
    learned = [name for name in weights if name.endswith(("weight", "bias"))]
    assert len(checkpoint.part("optimizer")) == 3 * len(learned)
    assert checkpoint.part("epoch")["losses"].count_nonzero() == 2
    assert "cpu" in checkpoint.part("random")


def test_the_content_of_a_file_is_read_as_the_file() -> None:
    read = Checkpoint.from_bytes(SMALL.to_bytes())
    assert (read.epoch, read.step, read.history) == (SMALL.epoch, SMALL.step, SMALL.history)
    assert all(torch.equal(tensor, SMALL.tensors[k]) for k, tensor in read.tensors.items())
    with pytest.raises(RunError):
        Checkpoint.from_bytes(b"nothing")


def test_a_part_is_found_by_its_whole_name() -> None:
    assert set(SMALL.part("model")) == {"a.b", "c"}
    assert SMALL.part("mod") == {}


def test_later_training_leaves_a_checkpoint_alone(
    splits: DataSplits, make_classifier: MakeClassifier, cpu: Device, checkpoint: Checkpoint
) -> None:
    before = {name: tensor.clone() for name, tensor in checkpoint.tensors.items()}
    fit(make_classifier(RECIPE), splits, RECIPE, cpu, resume=checkpoint)
    assert all(torch.equal(tensor, before[k]) for k, tensor in checkpoint.tensors.items())


def test_tied_weights_can_be_kept(cpu: Device, path: Path) -> None:
    class Tied(TwoLayer):
        def __init__(self) -> None:
            super().__init__((1, 8, 8), 3, (4,))
            self.same = self.fc1

    classifier = Classifier(Tied(), ("a", "b", "c"), (1, 8, 8))
    state = TrainingState(classifier, build_optimizer(classifier.parameters(), RECIPE))
    path.write_bytes(state.checkpoint(Meter(3, cpu), cpu).to_bytes())
    state.restore(Checkpoint.load(path))
    assert classifier.network.get_parameter("same.weight") is classifier.network.get_parameter(
        "fc1.weight"
    )


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_restored_averages_lie_in_memory_as_their_weights(
    optimizer: str,
    splits: DataSplits,
    make_classifier: MakeClassifier,
    cpu: Device,
    path: Path,
) -> None:
    recipe = RECIPE.but(optimizer=optimizer, epochs=1)
    made = fit(make_classifier(recipe), splits, recipe, cpu).checkpoint
    assert made
    path.write_bytes(made.to_bytes())
    saved = Checkpoint.load(path)
    weights = list(make_classifier(recipe).parameters())
    restored = build_optimizer(weights, recipe)
    restore_optimizer(restored, saved.part("optimizer"))
    compared = 0
    for index, weight in enumerate(weights):
        for key, tensor in restored.state[weight].items():
            assert torch.equal(tensor, saved.tensors[f"optimizer.{index}.{key}"])
            if tensor.ndim:
                assert tensor.stride() == weight.stride()
                compared += 1
    assert compared >= len(weights)


# Checkpoints of something else


@pytest.mark.parametrize("model", ["two-layer", "three-layer"])
def test_a_checkpoint_of_another_network_is_refused(
    model: str,
    checkpoint: Checkpoint,
    splits: DataSplits,
    make_classifier: MakeClassifier,
    cpu: Device,
) -> None:
    recipe = Recipe(model=model, batch_size=32)
    with pytest.raises(RunError, match="the checkpoint is of another network"):
        fit(make_classifier(recipe), splits, recipe, cpu, resume=checkpoint)


@pytest.mark.parametrize("name", ["optimizer.99.exp_avg", "optimizer.x.exp_avg", "optimizer.0"])
def test_an_optimizer_state_that_fits_no_weight_is_refused(
    name: str,
    checkpoint: Checkpoint,
    splits: DataSplits,
    make_classifier: MakeClassifier,
    cpu: Device,
) -> None:
    checkpoint.tensors[name] = torch.zeros(3)
    with pytest.raises(RunError):
        fit(make_classifier(RECIPE), splits, RECIPE, cpu, resume=checkpoint)


# Files that are not what they should be


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(RunError, match="체크포인트: no such checkpoint file"):
        Checkpoint.load(path)
    with pytest.raises(RunError):
        Checkpoint.load(path.parent)


def test_a_file_cut_short_anywhere_is_refused(path: Path) -> None:
    whole = SMALL.to_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(RunError):
            Checkpoint.load(path)


def test_a_pickle_or_a_model_is_refused(path: Path, make_classifier: MakeClassifier) -> None:
    path.write_bytes(pickle.dumps(SMALL.tensors))
    with pytest.raises(RunError):
        Checkpoint.load(path)
    make_classifier(RECIPE).save(path)
    with pytest.raises(RunError, match="expected a checkpoint of format"):
        Checkpoint.load(path)
    path.write_bytes(save(SMALL.tensors))
    with pytest.raises(RunError, match="expected a checkpoint of format"):
        Checkpoint.load(path)


def same(one: Checkpoint, other: Checkpoint) -> bool:
    position = [(c.epoch, c.step, c.history, c.seconds, c.tensors.keys()) for c in (one, other)]
    return position[0] == position[1] and all(
        torch.equal(tensor, other.tensors[name]) and tensor.dtype == other.tensors[name].dtype
        for name, tensor in one.tensors.items()
    )


def test_a_change_of_any_byte_is_noticed(path: Path) -> None:
    """But for spaces that JSON may have: these change nothing that is read."""
    whole = SMALL.to_bytes()
    assert same(Checkpoint.from_bytes(whole), SMALL)
    for place, byte in itertools.product(range(len(whole)), (1, 32, 128, 255)):
        content = bytearray(whole)
        content[place] ^= byte
        path.write_bytes(content)
        try:
            read = Checkpoint.load(path)
        except RunError:
            continue
        assert whole[place : place + 1].isspace()
        assert same(read, SMALL)


def test_a_checkpoint_of_another_run_is_refused(path: Path) -> None:
    path.write_bytes(SMALL.to_bytes("mine"))
    assert same(Checkpoint.load(path, "mine"), SMALL)
    with pytest.raises(RunError, match="a checkpoint of another run"):
        Checkpoint.load(path, "yours")


def metadata_and_tensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    path.write_bytes(SMALL.to_bytes())
    return unpack(path, "checkpoint", (FORMAT,))


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": 1},
        {"epoch": "2"},
        {"epoch": None},
        {"step": -1},
        {"step": "1"},
        {"seconds": -1},
        {"seconds": None},
        {"seconds": float("nan")},
        {"history": None},
        {"history": []},
        {"history": [1, 2]},
        {"history": [{"epoch": 1}, {"epoch": 2}]},
    ],
    ids=str,
)
def test_a_position_that_makes_no_sense_is_refused(path: Path, change: dict[str, Any]) -> None:
    metadata, tensors = metadata_and_tensors(path)
    position = {**json.loads(metadata["position"]), **change}
    path.write_bytes(pack(tensors, {**metadata, "position": json.dumps(position)}))
    with pytest.raises(RunError):
        Checkpoint.load(path)


@pytest.mark.parametrize("position", ["", "{", "[]", "5", "null", "{}", "[" * 100_000])
def test_a_position_that_cannot_be_read_is_refused(path: Path, position: str) -> None:
    metadata, tensors = metadata_and_tensors(path)
    path.write_bytes(pack(tensors, {**metadata, "position": position}))
    with pytest.raises(RunError):
        Checkpoint.load(path)


def test_what_does_not_fit_the_network_is_told_in_one_line(
    checkpoint: Checkpoint, make_classifier: MakeClassifier
) -> None:
    classifier = make_classifier(RECIPE)
    state = TrainingState(classifier, build_optimizer(classifier.parameters(), RECIPE))
    tensors = checkpoint.tensors | {"model.preprocessing.mean": torch.zeros(3)}
    with pytest.raises(RunError, match=r"of another network: .* size mismatch") as error:
        state.restore(replace(checkpoint, tensors=tensors))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("random.cpu", None),
        ("random.cpu", torch.zeros(3, dtype=torch.uint8)),
        ("random.cpu", torch.zeros(3)),
        ("epoch.losses", None),
        ("epoch.losses", torch.zeros(7, 5, 3)),
    ],
)
def test_a_damaged_epoch_in_progress_is_told_in_one_line(
    checkpoint: Checkpoint, cpu: Device, name: str, wrong: Tensor | None
) -> None:
    tensors = {key: tensor for key, tensor in checkpoint.tensors.items() if key != name}
    if wrong is not None:
        tensors[name] = wrong
    with pytest.raises(RunError, match="epoch in progress is damaged") as error:
        restore_epoch(replace(checkpoint, tensors=tensors), cpu, Meter(6, cpu))
    assert "\n" not in str(error.value)


def test_a_header_that_is_damaged_is_told_in_one_line(path: Path) -> None:
    header = b'{"a":{"dtype":"\\n","shape":[],"data_offsets":[0,0]}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(RunError, match="unknown variant") as error:
        Checkpoint.load(path)
    assert "\n" not in str(error.value)
