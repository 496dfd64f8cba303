"""The notebook's two networks, beside the same layers put together by torch."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fittingroom.errors import ModelError
from fittingroom.models import Classifier, ThreeLayer, TwoLayer, build_network
from fittingroom.models.mlp import FullyConnected, PrincipalComponents


def number_of_weights(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def test_parameter_counts_are_those_of_the_notebook() -> None:
    assert number_of_weights(TwoLayer()) == 101_770
    assert number_of_weights(ThreeLayer()) == 235_146


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 14), (1, 1, 1)])
def test_two_layers_are_linear_relu_linear(shape: tuple[int, int, int]) -> None:
    network = TwoLayer(shape, 7, hidden=[5])
    same = nn.Sequential(nn.Flatten(), network.fc1, nn.ReLU(), network.fc2)
    x = torch.randn(11, *shape)
    assert network(x).shape == (11, 7)
    assert torch.equal(network(x), same(x))


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 14), (1, 1, 1)])
def test_three_layers_are_two_times_linear_relu_then_linear(shape: tuple[int, int, int]) -> None:
    network = ThreeLayer(shape, 7, hidden=[6, 5])
    same = nn.Sequential(nn.Flatten(), network.fc1, nn.ReLU(), network.fc2, nn.ReLU(), network.fc3)
    x = torch.randn(11, *shape)
    assert network(x).shape == (11, 7)
    assert torch.equal(network(x), same(x))


@pytest.mark.parametrize("kind", [TwoLayer, ThreeLayer])
def test_scores_are_no_probabilities(kind: type[nn.Module]) -> None:
    scores = kind()(torch.rand(20, 1, 28, 28))
    assert (scores < 0).any()
    assert not torch.isclose(scores.sum(dim=1), torch.tensor(1.0)).any()


@pytest.mark.parametrize("hidden", [[], [0], [-5], [5.5], ["128"], [256, 128], 0])
def test_nonsense_widths_of_two_layers_are_refused(hidden: Any) -> None:
    with pytest.raises(ModelError, match="two-layer: expected 1 positive layer width, found"):
        TwoLayer(hidden=hidden)


@pytest.mark.parametrize("hidden", [[], [128], [256, 0], [256, 128, 64], "ab"])
def test_nonsense_widths_of_three_layers_are_refused(hidden: Any) -> None:
    with pytest.raises(ModelError, match="three-layer: expected 2 positive layer widths, found"):
        ThreeLayer(hidden=hidden)


# Principal components


def correlated(count: int, shape: tuple[int, int, int], rank: int) -> torch.Tensor:
    """Return pictures that differ along `rank` directions, each half as much as the one before."""
    generator = torch.Generator().manual_seed(0)
    amounts = torch.randn(count, rank, generator=generator) * 0.5 ** torch.arange(rank)
    directions = torch.randn(rank, math.prod(shape), generator=generator)
    return (amounts @ directions + 3).view(count, *shape)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 5, 7)])
def test_principal_components_are_those_of_numpys_svd(shape: tuple[int, int, int]) -> None:
    images = correlated(200, shape, rank=20)
    found = PrincipalComponents(math.prod(shape), 6)
    found.initialize(images)
    x = images.flatten(1).double().numpy()
    _, sizes, directions = np.linalg.svd(x - x.mean(axis=0))
    np.testing.assert_allclose(found.mean, x.mean(axis=0), rtol=1e-5)
    along = found.directions.double().numpy()
    np.testing.assert_allclose(along @ along.T, np.eye(6), atol=1e-5)
    # Along its direction or against it; the last ones are found less exactly.
    np.testing.assert_allclose(np.abs(np.diag(along @ directions[:6].T))[:4], 1, atol=1e-3)
    kept, most = ((x - x.mean(axis=0)) @ along.T), np.square(sizes[:6]).sum()
    assert np.square(kept).sum() == pytest.approx(most, rel=1e-3)
    np.testing.assert_allclose(found(images), kept, atol=1e-3)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_there_are_no_more_principal_components_than_pictures(count: int) -> None:
    images = correlated(count, (1, 6, 6), rank=20)
    found = PrincipalComponents(36, 8)
    found.initialize(images)
    assert (found.directions[:count].norm(dim=1) - 1).abs().max() < 1e-5
    assert not found.directions[count:].any()
    assert found(images).isfinite().all()
    away = found(images)
    # Nothing is lost: there are as many directions as pictures.
    back = away @ found.directions + found.mean
    torch.testing.assert_close(back, images.flatten(1), rtol=1e-3, atol=1e-3)


def test_pictures_that_are_all_the_same_have_components_too() -> None:
    found = PrincipalComponents(16, 16)
    found.initialize(torch.full((9, 1, 4, 4), 0.5))
    assert found.directions.isfinite().all()
    assert not found(torch.full((2, 1, 4, 4), 0.5)).any()


def test_the_search_for_components_disturbs_no_random_numbers_and_repeats() -> None:
    images = correlated(50, (1, 6, 6), rank=20)
    found = [PrincipalComponents(36, 8) for _ in range(2)]
    for seed, components in enumerate(found):
        torch.manual_seed(seed)
        expected = torch.rand(3)
        torch.manual_seed(seed)
        components.initialize(images)
        assert torch.equal(torch.rand(3), expected)
    assert torch.equal(found[0].directions, found[1].directions)


@pytest.mark.parametrize("model", ["two-layer", "three-layer"])
def test_a_network_of_components_reads_them_instead_of_pixels(model: str) -> None:
    images = correlated(50, (3, 6, 5), rank=20)
    network = build_network(model, (3, 6, 5), 7, {"components": 9})
    assert isinstance(network, FullyConnected)
    assert network.initialize is not None
    network.initialize(images)
    x = network.features(images)
    assert x.shape == (50, 9)
    assert network.layers[0].in_features == 9
    for layer in network.layers[:-1]:
        x = layer(x).relu()
    assert torch.equal(network(images), network.layers[-1](x))
    classifier = Classifier(network, "abcdefg", (3, 6, 5), architecture=model)
    assert classifier.num_parameters == sum(p.numel() for p in network.parameters())
    of_layers = sum(layer.weight.numel() for layer in network.layers)
    assert classifier.count_multiply_adds() == 9 * 90 + of_layers


def test_a_network_of_components_survives_its_file(tmp_path: Path) -> None:
    options = {"hidden": [4], "components": 5}
    network = build_network("two-layer", (1, 6, 6), 3, options)
    images = correlated(50, (1, 6, 6), rank=20)
    network.get_submodule("features").initialize(images)  # type: ignore[operator]
    ours = Classifier(network, "abc", (1, 6, 6), architecture="two-layer", options=options)
    ours.save(tmp_path / "model.safetensors")
    pictures = torch.arange(72, dtype=torch.uint8).view(2, 1, 6, 6)
    assert torch.equal(Classifier.load(tmp_path / "model.safetensors")(pictures), ours(pictures))


@pytest.mark.parametrize("components", [0, -1, 785, 2**40, 5.0, True, "9", [9]])
@pytest.mark.parametrize("model", ["two-layer", "three-layer"])
def test_nonsense_components_are_refused(model: str, components: Any) -> None:
    with pytest.raises(ModelError, match=f"{model}: expected 1 to 784 components") as caught:
        build_network(model, (1, 28, 28), 10, {"components": components})
    assert "\n" not in str(caught.value)


def test_one_width_needs_no_list() -> None:
    assert TwoLayer(hidden=16).fc1.out_features == 16  # type: ignore[arg-type]
