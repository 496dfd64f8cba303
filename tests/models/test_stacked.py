"""Networks in a stack beside the same networks alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fittingroom.errors import ModelError
from fittingroom.models import Classifier, Preprocessing, ThreeLayer, build_network
from fittingroom.models.stacked import Stacked, can_stack

SHAPE = (1, 8, 8)
CLASSES = ("a", "b", "c")
HIDDEN = {"two-layer": [9], "three-layer": [9, 5]}
BATCH = 7


def make(
    model: str = "three-layer", seed: int = 0, mean: float = 0.4, **options: Any
) -> Classifier:
    options = options or {"hidden": HIDDEN[model]}
    torch.manual_seed(seed)
    return Classifier(
        build_network(model, SHAPE, len(CLASSES), options),
        CLASSES,
        SHAPE,
        preprocessing=Preprocessing([mean], [0.3]),
        architecture=model,
        options=options,
    )


def batches(runs: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(99)
    images = torch.randint(0, 256, (runs * BATCH, *SHAPE), dtype=torch.uint8)
    return images, torch.randint(0, len(CLASSES), (runs * BATCH,))


@pytest.mark.parametrize("components", [None, 6])
@pytest.mark.parametrize("model", ["two-layer", "three-layer"])
@pytest.mark.parametrize("runs", [1, 2, 5])
def test_each_scores_its_own_pictures_as_it_does_alone(
    model: str, runs: int, components: int | None
) -> None:
    classifiers = [
        make(model, seed, hidden=HIDDEN[model], components=components) for seed in range(runs)
    ]
    images, _ = batches(runs)
    if components is not None:
        for classifier in classifiers:
            network = classifier.network
            network.initialize(classifier.preprocessing(images))  # type: ignore[operator]
    scores = Stacked(classifiers)(images)
    alone = [c(part) for c, part in zip(classifiers, images.split(BATCH), strict=True)]
    torch.testing.assert_close(scores, torch.cat(alone))


@pytest.mark.parametrize("model", ["two-layer", "three-layer"])
def test_each_has_its_own_gradients(model: str) -> None:
    classifiers = [make(model, seed) for seed in range(3)]
    images, labels = batches(3)
    stack = Stacked(classifiers)
    losses = F.cross_entropy(stack(images), labels, reduction="none")
    (losses.sum() / BATCH).backward()
    for run, classifier in enumerate(classifiers):
        mine = slice(run * BATCH, (run + 1) * BATCH)
        F.cross_entropy(classifier(images[mine]), labels[mine]).backward()
        layers = [m for m in classifier.modules() if isinstance(m, nn.Linear)]
        for layer, weight, bias in zip(layers, stack.weights, stack.biases, strict=True):
            assert weight.grad is not None
            assert bias.grad is not None
            torch.testing.assert_close(weight.grad[run].t(), layer.weight.grad)
            torch.testing.assert_close(bias.grad[run, 0, : len(layer.bias)], layer.bias.grad)


def test_a_run_that_is_lost_leaves_the_others_alone() -> None:
    images, labels = batches(3)
    gradients = []
    for lost in (False, True):
        stack = Stacked([make(seed=seed) for seed in range(3)])
        if lost:
            stack.weights[0].data[1] = torch.nan
        losses = F.cross_entropy(stack(images), labels, reduction="none")
        assert losses[BATCH : 2 * BATCH].isnan().all() == lost
        losses.sum().backward()
        gradients.append([p.grad[[0, 2]] for p in stack.parameters() if p.grad is not None])
    assert len(gradients[0]) == 6
    for ours, theirs in zip(*gradients, strict=True):
        assert torch.equal(ours, theirs)


def test_what_is_learned_comes_back() -> None:
    classifiers = [make(seed=seed) for seed in range(3)]
    before = [c.network.get_parameter("fc1.weight").clone() for c in classifiers]
    stack = Stacked(classifiers)
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter.mul_(1 + torch.rand_like(parameter))
    for classifier, weight in zip(classifiers, before, strict=True):
        assert torch.equal(classifier.network.get_parameter("fc1.weight"), weight)
    images, _ = batches(3)
    found = stack.unstack()
    assert found == tuple(classifiers)
    alone = [c(part) for c, part in zip(found, images.split(BATCH), strict=True)]
    torch.testing.assert_close(stack(images), torch.cat(alone))
    again = Stacked(found)
    assert all(
        torch.equal(a, b) for a, b in zip(again.parameters(), stack.parameters(), strict=True)
    )


def test_a_stack_counts_what_is_trained_in_all() -> None:
    classifiers = [make(seed=seed) for seed in range(4)]
    stack = Stacked(classifiers)
    assert stack.runs == 4
    assert stack.num_parameters == 4 * classifiers[0].num_parameters
    assert all(parameter.is_contiguous() for parameter in stack.parameters())


def test_each_runs_biases_fill_whole_vectors() -> None:
    stack = Stacked([make(hidden=[17, 32]) for _ in range(2)])
    assert [tuple(bias.shape) for bias in stack.biases] == [(2, 1, 32), (2, 1, 32), (2, 1, 16)]
    assert [tuple(weight.shape) for weight in stack.weights] == [
        (2, 64, 17),
        (2, 17, 32),
        (2, 32, 3),
    ]


class Own(ThreeLayer):
    """A person's own, which may do something else with the same layers."""


def test_only_our_fully_connected_networks_can_be_stacked() -> None:
    convnet = build_network("convnet", SHAPE, 3, {"widths": [4, 6, 8]})
    own = Classifier(Own(SHAPE, 3, [9, 5]), CLASSES, SHAPE, architecture="my:Own")
    mirrored = make()
    mirrored.views = "mirror"
    assert can_stack(make())
    for other in (Classifier(convnet, CLASSES, SHAPE, architecture="convnet"), own, mirrored):
        assert not can_stack(other)
        with pytest.raises(ModelError, match=r"only fully connected networks of ours"):
            Stacked([other])


@pytest.mark.parametrize(
    "other",
    [
        make("two-layer"),
        make(hidden=[9, 6]),
        make(mean=0.5),
        make(hidden=[9, 5], components=SHAPE[1] * SHAPE[2]),
    ],
    ids=["kind", "size", "mean", "components"],
)
def test_networks_in_a_stack_are_alike(other: Classifier) -> None:
    with pytest.raises(ModelError, match="must be of the same sizes and preprocessing"):
        Stacked([make(), other])


def test_networks_in_a_stack_read_the_same_components() -> None:
    one, other = (make(seed=seed, hidden=[9, 5], components=4) for seed in range(2))
    Stacked([one, other])
    other.network.get_buffer("features.directions")[0, 0] = 0.5
    with pytest.raises(ModelError, match="must be of the same sizes and preprocessing"):
        Stacked([one, other])
