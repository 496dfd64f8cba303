"""Train small networks in processes that share them, and alone; write what each came to.

    torchrun --nproc-per-node 3 sharing.py OUT

Two of the three processes share each case while the third does it alone, or all three share it.
OUT gets CASE.RANK.safetensors from each that shares and CASE.alone.safetensors, with the weights
and the history; and answers.json with what the other questions came to.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch import Tensor, nn

import fittingroom as fr
from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.errors import DivergenceError
from fittingroom.models import Classifier, build_network
from fittingroom.training.batch_norm import SharedBatchNorm
from fittingroom.training.checkpoint import Checkpoint
from fittingroom.training.compatibility import together
from fittingroom.training.device import select_device
from fittingroom.training.history import Epoch
from fittingroom.training.loop import Fit, fit
from fittingroom.training.parallel import ALONE, Processes, join_processes
from fittingroom.training.recipe import Recipe
from fittingroom.training.validation import measure

CLASSES = ("left", "right", "top")
CPU = select_device("cpu")
# 12 whole batches and one of 2 pictures an epoch. With three processes one of them has no share of
# that last batch.
PICTURES, VALIDATION, BATCH = 386, 300, 32
STEPS = 13

AUGMENTED = {"flip": True, "shift": 1, "erase": 0.5}
LONG = {"epochs": 8}  # 104 steps
ONE_CYCLE = {"optimizer": "adamw", "schedule": "one-cycle", "weight_decay": 0.01}
CONVNET = {"model": "convnet", "model_options": {"widths": [4, 6, 8]}, "lr": 0.003}
CASES: dict[str, dict[str, Any]] = {
    "mlp": {"model": "three-layer", "model_options": {"hidden": [16, 8]}, "lr": 0.003} | LONG,
    "convnet": CONVNET | AUGMENTED | ONE_CYCLE | LONG,
    "mixup": CONVNET | ONE_CYCLE | {"mixup": 0.4, "label_smoothing": 0.1},
    "cutmix": CONVNET | ONE_CYCLE | {"cutmix": 1.0},
    "sharpness": CONVNET | {"optimizer": "sgd", "lr": 0.01, "sharpness": 0.05},
    "whitened": {
        "model": "whitened",
        "model_options": {"widths": [6, 8], "patch": 2, "stride": 2},
        "optimizer": "muon",
        "lr": 0.002,
        "average": 0.95,
        "hard_share": 0.5,
        "alternate_flip": True,
    },
}


class Own(nn.Module):
    """A person's own: dropout, a norm called as a function, one that is frozen, no empty batch."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(64, 12)
        self.norm = nn.BatchNorm1d(12)
        self.frozen = nn.BatchNorm1d(12).eval()
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(12, 3)
        self.register_buffer("ready", torch.tensor([True, False]))

    def train(self, mode: bool = True) -> Own:
        super().train(mode)
        self.frozen.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x.view(x.shape[0], -1))  # with no pictures, -1 could be anything
        x = nn.functional.batch_norm(self.frozen(x), None, None, training=self.training or True)
        scores: Tensor = self.head(self.dropout(torch.relu(self.norm(x))))
        return scores


def make_splits() -> DataSplits:
    """Draw noise over one pattern a class."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 256, (len(CLASSES), 1, 8, 8))

    def draw(count: int) -> ImageDataset:
        labels = rng.integers(0, len(CLASSES), count)
        pictures = patterns[labels] + rng.normal(0, 90, (count, 1, 8, 8))
        return ImageDataset(pictures.clip(0, 255).astype(np.uint8), labels, CLASSES)

    return DataSplits("patterns", "drawn", draw(PICTURES + VALIDATION), draw(10)).with_validation(
        VALIDATION
    )


SPLITS = make_splits()


def make_recipe(**fields: Any) -> Recipe:
    return Recipe(batch_size=BATCH, **{"epochs": 4, "optimizer": "adam"} | fields)


def make_classifier(recipe: Recipe, seed: int = 123) -> Classifier:
    torch.manual_seed(seed)
    shape = (1, 8, 8)
    network: nn.Module
    if recipe.model == "test:Own":
        network = Own()
    else:
        network = build_network(recipe.model, shape, len(CLASSES), recipe.model_options)
    return Classifier(network, CLASSES, shape, architecture=recipe.model)


def train(recipe: Recipe, processes: Processes, **more: Any) -> tuple[Fit, dict[str, Tensor]]:
    """Return the fit and the weights; each process begins with weights of its own."""
    trained = together(recipe, [make_classifier(recipe, 123 + processes.rank)])
    result = fit(trained, SPLITS, recipe, CPU, processes=processes, **more)
    return result, trained.state_dict()


def numbers(history: tuple[Epoch, ...]) -> Tensor:
    """Return all that was measured in each epoch, (epochs, ...)."""
    rows = [replace(record, seconds=0).to_dict().values() for record in history]
    return torch.tensor([list(row) for row in rows], dtype=torch.float64)


def keep(out: Path, name: str, result: Fit, weights: dict[str, Tensor]) -> None:
    weights = {k: v.contiguous() for k, v in weights.items()}
    save_file({**weights, "history": numbers(result.history)}, out / f"{name}.safetensors")


def share_cases(out: Path, three: Processes, two: Processes) -> None:
    for name, fields in CASES.items():
        recipe = make_recipe(**fields)
        if three.rank < 2:
            keep(out, f"{name}.{two.rank}", *train(recipe, two))
        else:
            keep(out, f"{name}.alone", *train(recipe, ALONE))
    recipe = make_recipe(**CASES["mixup"])
    keep(out, f"thirds.{three.rank}", *train(recipe, three))
    recipe = make_recipe(model="test:Own", epochs=3, mixup=0.4)
    keep(out, f"own.{three.rank}", *train(recipe, three))


def go_on(out: Path, three: Processes) -> None:
    """Stop the run of `own` where process 1 alone wishes it, and go on from a file's content."""
    recipe = make_recipe(model="test:Own", epochs=3, mixup=0.4)
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return three.rank == 1 and asked == 20

    stopped, _ = train(recipe, three, should_stop=should_stop)
    assert stopped.checkpoint is not None
    assert (stopped.completed, stopped.checkpoint.epoch, stopped.checkpoint.step) == (
        False,
        1,
        20 - STEPS,
    )
    content = three.bytes_from_first(stopped.checkpoint.to_bytes() if three.is_first else b"?")
    checkpoint = Checkpoint.from_bytes(content)
    keep(out, f"resumed.{three.rank}", *train(recipe, three, resume=checkpoint))


NORMS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], tuple[int, int, int]]] = {
    "uneven shares": (lambda: nn.BatchNorm2d(5), (9, 5, 4, 4), (2, 3, 4)),
    "an empty share": (lambda: nn.BatchNorm2d(5), (9, 5, 4, 4), (5, 0, 4)),
    "channels last": (lambda: nn.BatchNorm2d(5), (9, 5, 4, 4), (2, 3, 4)),
    "rows": (lambda: nn.BatchNorm1d(5), (9, 5), (1, 1, 7)),
    "no weights": (lambda: nn.BatchNorm2d(5, affine=False), (9, 5, 4, 4), (2, 3, 4)),
    "no statistics": (lambda: nn.BatchNorm1d(5, track_running_stats=False), (9, 5), (5, 0, 4)),
    "the mean of all batches": (lambda: nn.BatchNorm1d(5, momentum=None), (9, 5), (2, 3, 4)),
    "three dimensions": (lambda: nn.BatchNorm3d(5), (9, 5, 2, 2, 2), (0, 0, 9)),
    "halves": (lambda: nn.BatchNorm2d(5), (9, 5, 4, 4), (2, 3, 4)),
}


def norm_error(three: Processes, name: str) -> float:
    """Return how far a norm of shares is from torch's of the whole in double, relatively."""
    make, shape, sizes = NORMS[name]
    torch.manual_seed(1)
    whole, slope, own = torch.randn(shape) * 3 + 50, torch.randn(shape), make()
    if name == "channels last":
        whole = whole.contiguous(memory_format=torch.channels_last)
    if name == "halves":
        whole, slope = whole.bfloat16(), slope.bfloat16()
    exact = copy.deepcopy(own).double()
    x = whole.double().requires_grad_()
    expected = exact(x)
    expected.backward(slope.double())

    end = sum(sizes[: three.rank + 1])
    mine = slice(end - sizes[three.rank], end)
    part = whole[mine].clone().requires_grad_()
    with SharedBatchNorm(three):
        output = own(part)
    output.backward(slope[mine])
    for weight in own.parameters():
        assert weight.grad is not None
        three.add_up([weight.grad])
    assert x.grad is not None
    pairs = [(output, expected[mine]), (part.grad, x.grad[mine])]
    pairs += [(a.grad, b.grad) for a, b in zip(own.parameters(), exact.parameters(), strict=True)]
    pairs += list(zip(own.buffers(), exact.buffers(), strict=True))
    return max(relative_error(found, truth) for found, truth in pairs)


def relative_error(found: Tensor | None, truth: Tensor | None) -> float:
    assert found is not None
    assert truth is not None
    assert found.shape == truth.shape
    if truth.numel() == 0:
        return 0.0
    scale = truth.abs().max().clamp(min=1)
    return float((found.detach().double() - truth.detach()).abs().max() / scale)


def ask(three: Processes) -> dict[str, Any]:
    """Return what the other questions come to in this process."""
    classifier = make_classifier(make_recipe(**CASES["convnet"]))
    pictures = SPLITS.validation
    x, y = torch.from_numpy(pictures.images.copy()), torch.from_numpy(pictures.labels.copy())
    contents = [b"", "처음".encode()] if three.is_first else [b"other", b"others"]
    answers: dict[str, Any] = {
        "norms": {name: norm_error(three, name) for name in NORMS},
        "shared marks": measure(classifier, x, y, CPU, three),
        "own marks": measure(classifier, x, y, CPU),
        "agree": [three.agree(True), three.agree(three.rank != 2)],
        "bytes": [three.bytes_from_first(content).decode() for content in contents],
    }
    try:
        train(make_recipe(model="two-layer", optimizer="sgd", lr=1e30, epochs=1), three)
    except DivergenceError as error:
        answers["divergence"] = str(error)
    return answers


def main(out: Path) -> None:
    dist.init_process_group("gloo")  # as a program of a person's own may
    with join_processes() as three:
        three.connect(CPU)
        pair: Any = dist.new_group([0, 1])
        share_cases(out, three, Processes(three.rank, 2, group=pair))
        go_on(out, three)
        answers = ask(three)
    ones = torch.ones(1)
    dist.all_reduce(ones)
    answers["after"] = [dist.is_initialized(), ones.item()]
    dist.destroy_process_group()
    runs = [
        fr.train(make_recipe(**CASES["mlp"], seed=n), SPLITS, out=out, figures=False)
        for n in (0, 1)
    ]
    answers["runs"] = [[run.name, run.status, run.evaluation.accuracy] for run in runs]
    answers["open"] = dist.is_initialized()
    (out / f"answers.{three.rank}.json").write_text(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
