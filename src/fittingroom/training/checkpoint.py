"""Everything a run needs to go on where it stopped, in one safetensors file.

Data order, augmentation and dropout follow from the recipe's seed and the epoch's number, so
that between epochs no random state has to be kept; within an epoch the generators' states are.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fittingroom.errors import DivergenceError, ModelError, RunError
from fittingroom.models.classifier import Classifier
from fittingroom.models.stacked import Stacked
from fittingroom.models.tensor_file import pack, unpack
from fittingroom.training.averaging import WeightAverage
from fittingroom.training.device import Device
from fittingroom.training.difficulty import Difficulty
from fittingroom.training.history import Epoch, best_epoch
from fittingroom.training.meter import Meter

FORMAT = "fittingroom-checkpoint/3"


@dataclass(frozen=True)
class Checkpoint:
    """A run at one moment between two steps. Runs of a stack have none: they begin again.

    Parameters
    ----------
    epoch, step
        Epochs finished, and steps done in the one after them.
    history
        Records of the finished epochs.
    seconds
        Training time so far.
    tensors
        Weights ("model.*"), optimizer state ("optimizer.INDEX.*"), the best weights so far
        ("best.*", with early stopping), their average ("average.*", where the recipe asks for
        one), how hard each picture was ("difficulty.*", likewise), the losses and hits of the
        epoch in progress ("epoch.*") and the random generators' states ("random.*").
    """

    epoch: int
    step: int
    history: tuple[Epoch, ...]
    seconds: float
    tensors: dict[str, Tensor]

    def part(self, name: str) -> dict[str, Tensor]:
        """Return the tensors whose names begin with `name` and a dot, without that beginning."""
        prefix = f"{name}."
        return {
            key.removeprefix(prefix): tensor
            for key, tensor in self.tensors.items()
            if key.startswith(prefix)
        }

    def to_bytes(self, whose: str = "") -> bytes:
        """Return the checkpoint, of the run that `whose` tells, as a safetensors file's content."""
        position = {
            "epoch": self.epoch,
            "step": self.step,
            "seconds": self.seconds,
            "history": [record.to_dict() for record in self.history],
        }
        described = {"format": FORMAT, "whose": whose, "position": json.dumps(position)}
        return pack(self.tensors, described)

    @classmethod
    def from_bytes(cls, content: bytes) -> Checkpoint:
        """Read what `to_bytes` returned.

        Raises
        ------
        RunError
            If it is damaged.
        """
        with tempfile.TemporaryDirectory() as folder:  # safetensors reads a description from files
            path = Path(folder) / "checkpoint.safetensors"
            path.write_bytes(content)
            return cls.load(path)

    @classmethod
    def load(cls, path: Path, whose: str | None = None) -> Checkpoint:
        """Read a checkpoint, of the run that `whose` tells; None for any.

        Raises
        ------
        RunError
            If the file is missing or damaged, or of another run.
        """
        try:
            description, tensors = unpack(path, "checkpoint", (FORMAT,))
            if whose not in {None, description["whose"]}:
                raise RunError(f"{path}: a checkpoint of another run")
            position = json.loads(description["position"])
            history = tuple(Epoch.from_dict(record) for record in position["history"])
            epoch, step, seconds = position["epoch"], position["step"], position["seconds"]
            if not (epoch == len(history) and step >= 0 and seconds >= 0):
                raise RunError(f"{path}: the checkpoint's position makes no sense: {position}")
            return cls(epoch, step, history, seconds, tensors)
        except ModelError as error:
            raise RunError(str(error)) from error
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            reason = " ".join(str(error).split())  # it quotes the file
            raise RunError(f"{path}: the checkpoint cannot be read: {reason}") from error


class TrainingState:
    """What changes while training goes on: weights, optimizer, records, position.

    Parameters
    ----------
    classifier
        One, or a stack of them; trained in place.
    optimizer
        Over its parameters.
    average
        Of its weights, where the recipe asks for one.
    difficulty
        Of the training pictures, where the recipe asks for the hard ones.
    """

    def __init__(
        self,
        classifier: Classifier | Stacked,
        optimizer: torch.optim.Optimizer,
        average: WeightAverage | None = None,
        difficulty: Difficulty | None = None,
    ) -> None:
        self.classifier = classifier
        self.optimizer = optimizer
        self.average = average
        self.difficulty = difficulty
        self.runs = classifier.runs if isinstance(classifier, Stacked) else 1
        self.histories: list[list[Epoch]] = [[] for _ in range(self.runs)]
        self.errors: dict[int, DivergenceError] = {}
        self.best: dict[str, Tensor] = {}
        self.epoch = 0
        self.step = 0
        self.seconds = 0.0

    @property
    def history(self) -> list[Epoch]:
        """The records of a run that is alone; of a stack those of its first run."""
        return self.histories[0]

    @property
    def sound(self) -> list[int]:
        """The runs whose loss is a number still, counted from 0."""
        return [run for run in range(self.runs) if run not in self.errors]

    def finish_epoch(self, records: dict[int, Epoch], *, keep_best: bool) -> None:
        """Note that an epoch is over; keep a copy of the weights if they are the best so far.

        `records` holds those of the runs that are sound.
        """
        for run, record in records.items():
            self.histories[run].append(record)
        self.seconds += max(record.seconds for record in records.values())
        self.epoch, self.step = self.epoch + 1, 0
        if keep_best and best_epoch(self.history) is records[0]:
            with self.averaged_weights():
                weights = self.classifier.state_dict()
                self.best = {name: tensor.detach().clone() for name, tensor in weights.items()}

    def averaged_weights(self) -> AbstractContextManager[None]:
        """Return the context in which the classifier has the weights that a run results in."""
        return nullcontext() if self.average is None else self.average.applied()

    def put_result(self) -> None:
        """Give the classifier the weights that the run results in: best, averaged, or last."""
        if self.best:
            self.classifier.load_state_dict(self.best)
        elif self.average is not None:
            self.average.put(self.average.average)

    def checkpoint(self, meter: Meter, device: Device) -> Checkpoint:
        """Return all of a run that is alone as it is now."""
        parts = {
            "model": self.classifier.state_dict(),
            "optimizer": optimizer_tensors(self.optimizer),
            "best": self.best,
            "average": {} if self.average is None else self.average.state(),
            "difficulty": {} if self.difficulty is None else self.difficulty.state(),
            "epoch": meter.state(),
            "random": random_states(device),
        }
        # Clones: training goes on in place, and safetensors refuses tensors that share memory.
        tensors = {
            f"{part}.{name}": tensor.detach().clone()
            for part, named in parts.items()
            for name, tensor in named.items()
        }
        return Checkpoint(self.epoch, self.step, tuple(self.history), self.seconds, tensors)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to where the checkpoint was made, but for the epoch in progress.

        Raises
        ------
        RunError
            If the checkpoint is of another network.
        """
        try:
            self.classifier.load_state_dict(checkpoint.part("model"))
            restore_optimizer(self.optimizer, checkpoint.part("optimizer"))
            if self.average is not None:
                self.average.restore(checkpoint.part("average"))
            if self.difficulty is not None:
                self.difficulty.restore(checkpoint.part("difficulty"))
        except (RuntimeError, ValueError, IndexError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise RunError(f"the checkpoint is of another network: {reason}") from error
        device = next(self.classifier.parameters()).device
        self.histories = [list(checkpoint.history)]
        self.best = {name: tensor.to(device) for name, tensor in checkpoint.part("best").items()}
        self.epoch, self.step = checkpoint.epoch, checkpoint.step
        self.seconds = checkpoint.seconds


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimizer's state, named INDEX.KEY, INDEX counting its parameters."""
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{key}": torch.as_tensor(value)
        for index, values in state.items()
        for key, value in values.items()
        if value is not None
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put back copies of what `optimizer_tensors` returned."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        index, key = name.split(".", 1)
        weight = weights[int(index)]
        # A fused step takes for granted that averages lie in memory as their weight does, which
        # is channels last for convolutions and is not kept in a file.
        copy = torch.empty_like(weight if tensor.shape == weight.shape else tensor)
        state.setdefault(int(index), {})[key] = copy.copy_(tensor)
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def random_states(device: Device) -> dict[str, Tensor]:
    """Return the states of torch's generators that the run draws from."""
    states = {"cpu": torch.get_rng_state()}
    if device.kind == "cuda":
        states["device"] = torch.cuda.get_rng_state(device.torch_device)
    elif device.kind == "mps":
        states["device"] = torch.mps.get_rng_state()
    return states


def restore_epoch(checkpoint: Checkpoint, device: Device, meter: Meter) -> None:
    """Put back what is known of the epoch in progress.

    Raises
    ------
    RunError
        If the checkpoint lacks it, or what it has is damaged.
    """
    try:
        restore_random_states(device, checkpoint.part("random"))
        meter.restore(checkpoint.part("epoch"))
    except (RuntimeError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise RunError(f"the checkpoint's epoch in progress is damaged: {reason}") from error


def restore_random_states(device: Device, states: dict[str, Tensor]) -> None:
    """Put back what `random_states` returned."""
    torch.set_rng_state(states["cpu"])
    if device.kind == "cuda":
        torch.cuda.set_rng_state(states["device"], device.torch_device)
    elif device.kind == "mps":
        torch.mps.set_rng_state(states["device"])
