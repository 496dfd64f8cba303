"""Two hundred steps of the loop beside plain PyTorch: nn modules, a DataLoader, torch.optim.

Nothing of fittingroom is in the reference: its networks are written out below, its learning rates
come from torch's own schedulers, and so do its optimizers; Muon, of which torch has no form for
filters and float32, goes by singular value decompositions in float64.

Both compute in float32, each in an order of its own, so that their weights part by rounding, which
every step carries on: by 1e-7 to 6e-6 of the way that training went, on a Xeon. A unit that lies
on the edge of its ReLU, where rounding decides whether it learns from a picture, may make that a
few times 1e-5. So TOLERANCE is 1e-4, and half a per cent in any of a recipe's numbers is more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LRScheduler, OneCycleLR
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, TensorDataset

from fittingroom.data.dataset import DataSplits
from fittingroom.models import Classifier
from fittingroom.training.device import Device
from fittingroom.training.loop import fit
from fittingroom.training.optimizers import SCHEDULES
from fittingroom.training.recipe import Recipe

MakeClassifier = Callable[..., Classifier]
MakeSplits = Callable[..., DataSplits]

OPTIMIZERS = get_args(Recipe.model_fields["optimizer"].annotation)
MEAN, STD = 0.4, 0.3
EPOCHS, BATCH, STEPS = 40, 32, 200
TOLERANCE = 1e-4


# The reference


class PlainConvNet(nn.Module):
    """The convolutional network, as torch's documentation would write it."""

    def __init__(self, widths: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        first, second, third = widths
        self.stem = nn.Sequential(*block(1, first), nn.MaxPool2d(2))
        self.middle = nn.Sequential(*block(first, second), nn.MaxPool2d(2))
        self.deep = nn.Sequential(*block(second, third))
        self.residual = nn.Sequential(*block(third, third), *block(third, third))
        self.head = nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(third, classes))

    def forward(self, x: Tensor) -> Tensor:
        x = self.deep(self.middle(self.stem(x)))
        scores: Tensor = self.head(x + self.residual(x))
        return scores


def block(channels_in: int, channels_out: int) -> list[nn.Module]:
    convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(channels_out), nn.ReLU()]


def plain_network(model: str) -> nn.Module:
    if model == "convnet":
        return PlainConvNet((4, 6, 8), 3)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3)
    )


class MuonBySvd(torch.optim.Optimizer):
    """Jordan's Muon on a network's filters and matrices but its last, with Nesterov momentum."""

    def __init__(self, weights: list[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(weights, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, _closure: Any = None) -> None:  # type: ignore[override]
        (group,) = self.param_groups
        for weight in group["params"]:
            average = self.state[weight].setdefault("average", torch.zeros_like(weight))
            average.mul_(0.8).add_(weight.grad, alpha=0.2)
            ahead = (0.8 * average + 0.2 * weight.grad).flatten(1)
            u, s, vt = torch.linalg.svd(ahead.double(), full_matrices=False)
            s = s / s.square().sum().sqrt()
            for _ in range(5):
                s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
            direction = (u * s @ vt).view(weight.shape).float()
            length = group["lr"] * 0.2 * max(ahead.shape) ** 0.5
            weight.mul_(1 - group["lr"] * group["weight_decay"]).sub_(direction, alpha=length)


def plain_optimizers(network: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    weights = list(network.parameters())
    settings: dict[str, Any] = {"lr": recipe.lr, "weight_decay": recipe.weight_decay}
    plain: dict[str, Any] = {"fused": False, "foreach": False, **settings}
    match recipe.optimizer:
        case "adam":
            return [torch.optim.Adam(weights, **plain)]
        case "adamw":
            return [torch.optim.AdamW(weights, **plain)]
        case "sgd":
            return [torch.optim.SGD(weights, momentum=0.9, nesterov=True, **plain)]
        case "muon":
            *hidden, _last = [weight for weight in weights if weight.ndim >= 2]
            others = [weight for weight in weights if all(weight is not each for each in hidden)]
            return [MuonBySvd(hidden, **settings), torch.optim.AdamW(others, **plain)]


def plain_schedule(optimizer: torch.optim.Optimizer, recipe: Recipe) -> LRScheduler:
    match recipe.schedule:
        case "constant":
            return ConstantLR(optimizer, factor=1)
        case "cosine":
            return CosineAnnealingLR(optimizer, T_max=STEPS)
        case "one-cycle":
            return OneCycleLR(optimizer, recipe.lr, total_steps=STEPS, cycle_momentum=False)


def plain_average(network: nn.Module, decay: float) -> AveragedModel:
    """Return torch's average of weights and buffers, which at first forgets sooner."""

    def follow(average: Any, current: Any, count: Any) -> None:
        # The first update copies, in torch; it is made before training.
        kept = min(decay, (1 + int(count)) / (10 + int(count)))
        for old, new in zip(average, current, strict=True):
            old.copy_(kept * old + (1 - kept) * new if old.is_floating_point() else new)

    average = AveragedModel(network, multi_avg_fn=follow, use_buffers=True)
    average.update_parameters(network)
    return average


def plain_second_gradient(
    network: nn.Module, rho: float, criterion: nn.Module, images: Tensor, labels: Tensor
) -> None:
    """Put the gradient at the place uphill in the place of the one here, as SAM does."""
    weights = list(network.parameters())
    here = [weight.detach().clone() for weight in weights]
    gradients = [weight.grad.clone() for weight in weights if weight.grad is not None]
    length = nn.utils.parameters_to_vector(gradients).norm()
    with torch.no_grad():
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.add_(rho * gradient / length)
    network.zero_grad()
    criterion(network(images), labels).backward()
    with torch.no_grad():
        for weight, before in zip(weights, here, strict=True):
            weight.copy_(before)


class Order:
    """The batches of pictures of a recipe's epochs, one epoch each time it is gone through."""

    def __init__(self, seed: int, count: int) -> None:
        self.seed, self.count, self.epoch = seed, count, 0

    def __iter__(self) -> Iterator[list[int]]:
        self.epoch += 1
        state = np.random.SeedSequence([self.seed, self.epoch]).generate_state(1, np.uint64)[0]
        generator = torch.Generator().manual_seed(int(state))
        for batch in torch.randperm(self.count, generator=generator).split(BATCH):
            yield batch.tolist()


def plain_training(network: nn.Module, splits: DataSplits, recipe: Recipe) -> nn.Module:
    """Train for 200 steps; return the network, or the average of its weights."""
    x = (torch.from_numpy(splits.train.images).float() / 255 - MEAN) / STD
    pictures = TensorDataset(x, torch.from_numpy(splits.train.labels))
    loader = DataLoader(pictures, batch_sampler=Order(recipe.seed, len(pictures)))
    criterion = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
    optimizers = plain_optimizers(network, recipe)
    schedules = [plain_schedule(optimizer, recipe) for optimizer in optimizers]
    average = plain_average(network, recipe.average) if recipe.average else None
    network.train()
    step = 0
    for _epoch in range(EPOCHS):
        for images, labels in loader:
            network.zero_grad()
            criterion(network(images), labels).backward()
            if recipe.sharpness:
                plain_second_gradient(network, recipe.sharpness, criterion, images, labels)
            for optimizer in optimizers:
                optimizer.step()
            if average is not None:
                average.update_parameters(network)
            step += 1
            for schedule in schedules if step < STEPS else []:
                schedule.step()
    assert step == STEPS
    return network if average is None else average.module


# The comparison


def weights_of(network: nn.Module) -> list[Tensor]:
    """Return weights and running statistics, in the network's order."""
    return [t.detach().double() for t in network.state_dict().values() if t.is_floating_point()]


def distance_after_training(
    recipe: Recipe,
    splits: DataSplits,
    make_classifier: MakeClassifier,
    cpu: Device,
    plain: Recipe | None = None,
) -> float:
    """Return how far apart loop and reference end, as a share of the way that the reference went.

    The largest of all tensors, each measured by its norm. `plain` is the reference's recipe if it
    is another one.
    """
    ours = make_classifier(recipe, mean=[MEAN], std=[STD])
    theirs = plain_network(recipe.model)
    names = zip(theirs.state_dict(), ours.network.state_dict().values(), strict=True)
    theirs.load_state_dict({name: tensor.clone() for name, tensor in names})
    start = weights_of(theirs)
    result = fit(ours, splits, recipe, cpu)
    assert result.completed
    theirs = plain_training(theirs, splits, plain or recipe)
    ends = zip(weights_of(ours.network), weights_of(theirs), start, strict=True)
    return max(float((one - other).norm() / (other - was).norm()) for one, other, was in ends)


def long_recipe(model: str = "three-layer", **fields: Any) -> Recipe:
    options = {"widths": [4, 6, 8]} if model == "convnet" else {"hidden": [16, 8]}
    usual = Recipe(
        model=model,
        model_options=options,
        epochs=EPOCHS,
        batch_size=BATCH,
        lr=0.003,
        weight_decay=0.05,
        label_smoothing=0.1,
        seed=7,
    )
    return usual.but(**fields)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_after_200_steps_the_weights_are_those_of_plain_pytorch(
    optimizer: str,
    schedule: str,
    splits: DataSplits,
    make_classifier: MakeClassifier,
    cpu: Device,
) -> None:
    # 130 pictures: five steps an epoch, the last of two pictures.
    recipe = long_recipe(optimizer=optimizer, schedule=schedule)
    assert distance_after_training(recipe, splits, make_classifier, cpu) < TOLERANCE


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_so_are_filters_norms_and_their_running_statistics(
    optimizer: str, make_splits: MakeSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    # Five whole batches: normalisation over two pictures blows rounding up to 1e-3 and more.
    recipe = long_recipe("convnet", optimizer=optimizer, schedule="one-cycle", lr=0.001)
    splits = make_splits(train=160)
    assert distance_after_training(recipe, splits, make_classifier, cpu) < TOLERANCE


@pytest.mark.parametrize(
    "fields",
    [{"average": 0.95}, {"average": 0.2}, {"sharpness": 0.1}, {"label_smoothing": 0.0}],
    ids=lambda fields: " ".join(f"{name} {value}" for name, value in fields.items()),
)
def test_so_is_what_a_recipe_may_add(
    fields: dict[str, Any], splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    recipe = long_recipe(optimizer="adamw", schedule="cosine", **fields)
    assert distance_after_training(recipe, splits, make_classifier, cpu) < TOLERANCE


@pytest.mark.parametrize(
    "slip",
    [
        {"lr": 0.003 * 1.005},
        {"weight_decay": 0.05 * 1.005},
        {"label_smoothing": 0.1 * 1.005},
        {"sharpness": 0.1 * 1.005},
        {"average": 0.95 * 1.005},
    ],
    ids=lambda slip: next(iter(slip)),
)
def test_the_reference_notices_half_a_per_cent(
    slip: dict[str, Any], splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    recipe = long_recipe(optimizer="adamw", schedule="cosine", sharpness=0.1, average=0.95)
    distance = distance_after_training(
        recipe, splits, make_classifier, cpu, plain=recipe.but(**slip)
    )
    assert distance > TOLERANCE
