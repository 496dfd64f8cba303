"""One step, and the methods that a recipe adds to it, beside the same written out by hand."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import RecipeError
from fittingroom.models import Classifier
from fittingroom.training.averaging import WeightAverage
from fittingroom.training.checkpoint import Checkpoint
from fittingroom.training.device import Device, repeatable, seed_everything
from fittingroom.training.loop import fit
from fittingroom.training.mixing import mix
from fittingroom.training.recipe import Recipe, recipe, shipped_recipes

MakeSplits = Callable[..., DataSplits]
MakeClassifier = Callable[..., Classifier]

PLAIN = Recipe(
    model="three-layer", model_options={"hidden": [16, 8]}, epochs=2, batch_size=32, lr=0.01
)
METHODS: dict[str, dict[str, Any]] = {
    "sharpness": {"sharpness": 0.5, "optimizer": "sgd"},
    "average": {"average": 0.9},
    "mixup": {"mixup": 1.0},
    "cutmix": {"cutmix": 1.0},
    "alternate_flip": {"alternate_flip": True},
    "muon": {"optimizer": "muon"},
    "hard_share": {"hard_share": 0.8},
    "all": {
        "optimizer": "muon", "sharpness": 0.1, "average": 0.9, "cutmix": 1.0,
        "alternate_flip": True, "shift": 1, "erase": 0.5, "hard_share": 0.8,
    },
}  # fmt: skip
NOT_WRITTEN_OUT = {"optimizer": "sgd", "erase": 0.0, "shift": 0, "hard_share": 1.0}


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


@pytest.mark.parametrize("model", ["three-layer", "test:Shaky"])
@pytest.mark.parametrize("name", METHODS)
def test_each_method_goes_on_from_a_checkpoint_bit_for_bit(
    name: str, model: str, splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    options = {"hidden": [16, 8]} if model == "three-layer" else {}
    ours = PLAIN.but(model=model, model_options=options, **METHODS[name])
    whole, stopped, resumed = (make_classifier(ours) for _ in range(3))
    expected = fit(whole, splits, ours, cpu)
    asked = iter([False] * 6 + [True])
    checkpoint = fit(stopped, splits, ours, cpu, should_stop=lambda: next(asked)).checkpoint
    assert isinstance(checkpoint, Checkpoint)
    assert (checkpoint.epoch, checkpoint.step) == (1, 2)
    result = fit(resumed, splits, ours, cpu, resume=checkpoint)
    assert same_weights(resumed, whole)
    assert [r.train_loss for r in result.history] == [r.train_loss for r in expected.history]
    assert [r.validation_loss for r in result.history] == [
        r.validation_loss for r in expected.history
    ]


@pytest.mark.parametrize("name", ["sharpness", "mixup", "cutmix", "alternate_flip", "all"])
def test_training_is_the_same_written_out(
    name: str, splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    ours = PLAIN.but(**{**METHODS[name], **NOT_WRITTEN_OUT})
    found = make_classifier(ours)
    network = copy.deepcopy(found).train()
    fit(found, splits, ours, cpu)

    images, labels = (torch.from_numpy(a) for a in (splits.train.images, splits.train.labels))
    optimizer = torch.optim.SGD(network.parameters(), lr=ours.lr, momentum=0.9, nesterov=True)
    average = WeightAverage(network, 0.9)
    with repeatable(cpu):
        for epoch in range(2):
            seed_everything(ours.seed, epoch + 1)
            for batch in torch.randperm(len(labels)).split(32):
                x, y = images[batch], labels[batch]
                if ours.alternate_flip:
                    x = alternately(x, batch, epoch)
                mixed = mix(x, y, ours)
                by_hand(network, mixed.images, mixed.labels, mixed, optimizer, ours.sharpness)
                average.update()
    if ours.average:
        average.put(average.average)
    for one, other in zip(found.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def alternately(x: torch.Tensor, which: torch.Tensor, epoch: int) -> torch.Tensor:
    from fittingroom.training.augment import first_sides

    sides = first_sides(which, 0).tolist()
    return torch.stack(
        [p.flip(-1) if (s + epoch) % 2 else p for p, s in zip(x, sides, strict=True)]
    )


def by_hand(
    network: Classifier,
    x: torch.Tensor,
    y: torch.Tensor,
    mixed: Any,
    optimizer: torch.optim.Optimizer,
    rho: float,
) -> None:
    """Take a sharpness-aware step on mixed pictures, as the papers write it."""

    def loss() -> torch.Tensor:
        scores = network(x)
        if mixed.share is None:
            return F.cross_entropy(scores, y)
        first, second = F.cross_entropy(scores, y), F.cross_entropy(scores, mixed.partners)
        total: torch.Tensor = mixed.share * first + (1 - mixed.share) * second
        return total

    weights = list(network.parameters())
    gradients = torch.autograd.grad(loss(), weights)
    if rho:
        norm = torch.cat([g.flatten() for g in gradients]).norm()
        before = [w.detach().clone() for w in weights]
        with torch.no_grad():
            for w, g in zip(weights, gradients, strict=True):
                w.add_(rho * g / norm)
        gradients = torch.autograd.grad(loss(), weights)
        with torch.no_grad():
            for w, b in zip(weights, before, strict=True):
                w.copy_(b)
    for w, g in zip(weights, gradients, strict=True):
        w.grad = g
    optimizer.step()


def test_validation_pictures_are_scored_with_the_averaged_weights(
    splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    ours = PLAIN.but(average=0.99)
    averaged, plain = make_classifier(ours), make_classifier(PLAIN)
    found, last = fit(averaged, splits, ours, cpu), fit(plain, splits, PLAIN, cpu)
    assert [r.train_loss for r in found.history] == [r.train_loss for r in last.history]
    assert found.history[-1].validation_loss != last.history[-1].validation_loss
    images = torch.from_numpy(splits.validation.images)
    labels = torch.from_numpy(splits.validation.labels)
    with torch.no_grad():
        loss = F.cross_entropy(averaged(images), labels)
    assert found.history[-1].validation_loss == pytest.approx(float(loss), rel=1e-5)


def test_the_best_weights_are_averages_too(
    splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    ours = PLAIN.but(average=0.9, early_stopping=2, epochs=6)
    classifier = make_classifier(ours)
    result = fit(classifier, splits, ours, cpu)
    with torch.no_grad():
        scores = classifier(torch.from_numpy(splits.validation.images))
    right = scores.argmax(dim=1) == torch.from_numpy(splits.validation.labels)
    kept = result.history[result.kept_epoch - 1]
    assert float(right.double().mean()) == pytest.approx(kept.validation_accuracy)


class Alone(nn.Module):
    """Cannot be trained on one picture: its norm has one number a channel."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8))
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.head(self.layers(x))
        return scores


def test_a_last_batch_of_one_is_no_trouble_for_any_batch_normalisation(
    make_splits: MakeSplits, cpu: Device
) -> None:
    splits = make_splits(train=65)
    classifier = Classifier(Alone(), splits.classes, (1, 8, 8), architecture="test:Alone")
    result = fit(classifier, splits, Recipe(model="test:Alone", epochs=1, batch_size=32), cpu)
    assert result.completed
    assert math.isfinite(result.history[0].train_loss)


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_shipped_recipe_trains(
    name: str, make_splits: MakeSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    ours = recipe(name, epochs=1, batch_size=8, precision="fp32")
    splits = make_splits(train=16, validation=4, shape=(1, 12, 12))
    result = fit(make_classifier(ours, (1, 12, 12)), splits, ours, cpu)
    assert result.completed
    assert math.isfinite(result.history[0].train_loss)


def test_batches_of_one_that_a_network_does_not_bear_are_refused(
    make_splits: MakeSplits, cpu: Device
) -> None:
    splits = make_splits(train=10)
    classifier = Classifier(Alone(), splits.classes, (1, 8, 8), architecture="test:Alone")
    with pytest.raises(
        RecipeError, match="batch_size must be 2 or more for test:Alone: "
    ) as caught:
        fit(classifier, splits, Recipe(model="test:Alone", epochs=1, batch_size=1), cpu)
    assert "\n" not in str(caught.value)
