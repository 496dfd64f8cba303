"""The network made to learn in seconds: what whitening and identity are meant to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fittingroom.errors import ModelError
from fittingroom.models import Classifier, WhitenedNet, build_network


def smooth_pictures(channels: int = 1, size: int = 14) -> Tensor:
    """Return pictures whose neighbouring pixels are alike, as in real ones."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(400, channels, size, size, generator=generator) + 0.5
    return nn.functional.avg_pool2d(noise, 3, stride=1, padding=1) * 2


@pytest.mark.parametrize(("channels", "patch"), [(1, 2), (1, 3), (1, 4), (3, 2)])
def test_the_first_layer_whitens_patches(channels: int, patch: int) -> None:
    images = smooth_pictures(channels)
    network = WhitenedNet((channels, 14, 14), 3, widths=(4, 4), patch=patch)
    network.initialize(images)
    # Without the frame that patches of 3 and more reach out into.
    found = nn.functional.conv2d(images, network.whiten.weight.detach(), stride=2)
    found = found.transpose(0, 1).flatten(1)
    count = channels * patch**2
    assert torch.allclose(found[:count], -found[count:], atol=1e-5)
    # Uncorrelated (about 0, not about their mean), of variance 1 but for the least ones.
    moments = (found[:count] @ found[:count].T / found.shape[1]).numpy()
    assert np.abs(moments - np.diag(np.diag(moments))).max() < 1e-3
    assert np.all((np.diag(moments) > 0.85) & (np.diag(moments) < 1.001))


def test_the_filters_stay_as_they_are() -> None:
    network = WhitenedNet((1, 14, 14), 3, widths=(4, 6))
    network.initialize(smooth_pictures())
    network(smooth_pictures()).sum().backward()
    assert network.whiten.weight.grad is None
    trained = Classifier(network, "abc", (1, 14, 14)).num_parameters
    # 32 filters; convolutions of 3x3 and the norms' shifts; the head.
    assert trained == 9 * 4 * 32 + 4 + 9 * 6 * (4 + 6 + 6) + 3 * 6 + 6 * 3


def test_the_same_pictures_give_the_same_filters() -> None:
    networks = [WhitenedNet((1, 14, 14), 3, widths=(4, 4)) for _ in range(2)]
    for network in networks:
        network.initialize(smooth_pictures())
    assert torch.equal(networks[0].whiten.weight, networks[1].whiten.weight)


def test_convolutions_pass_their_input_on_at_first() -> None:
    network = WhitenedNet((1, 14, 14), 3, widths=(8, 12), patch=2)
    x = torch.rand(2, 8, 5, 6)
    conv = network.get_submodule("stages.0.convs.0")
    torch.testing.assert_close(conv(x), x)
    wider = network.get_submodule("stages.1.convs.0")
    torch.testing.assert_close(wider(x)[:, :8], x)
    assert not torch.allclose(wider(x)[:, 8:], torch.zeros(()))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"widths": [4], "depths": [2], "halvings": None},
        {"widths": [4, 6, 8], "depths": [1, 2, 3], "halvings": 0, "activation": "gelu"},
        {"widths": [8, 6, 4, 5], "depths": [3, 2, 1, 1], "halvings": 9, "patch": 8, "stride": 8},
        {"widths": [300, 4], "patch": 1, "stride": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 30), (3, 8, 8)])
def test_scores_fit_any_picture_and_number_of_classes(
    shape: tuple[int, int, int], options: dict[str, Any]
) -> None:
    network = build_network("whitened", shape, 7, options).train()
    x = torch.rand(5, *shape)
    network.initialize(x)  # type: ignore[operator]
    scores = network(x)
    assert scores.shape == (5, 7)
    assert scores.isfinite().all()
    scores.square().sum().backward()
    trained = [weight for weight in network.parameters() if weight.requires_grad]
    assert all(weight.grad is not None for weight in trained)


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({}, [14, 7, 7]),
        ({"halvings": None}, [14, 7, 4]),
        ({"halvings": 0}, [14, 14, 14]),
        ({"patch": 2, "stride": 1, "halvings": 2}, [27, 14, 7]),
        ({"patch": 3, "stride": 1}, [28, 14, 14]),
    ],
    ids=str,
)
def test_stages_halve_the_picture_as_far_as_they_are_told(
    options: dict[str, Any], sizes: list[int]
) -> None:
    network = WhitenedNet(widths=(4, 6), **options)
    x = network.whiten(torch.rand(2, 1, 28, 28))
    found = [tuple(x.shape[2:])]
    for stage in network.stages:
        x = stage(x)
        found.append(tuple(x.shape[2:]))
    assert found == [(size, size) for size in sizes]


@pytest.mark.parametrize(("activation", "by_hand"), [("relu", nn.ReLU()), ("gelu", nn.GELU())])
def test_scores_are_those_of_the_layers_written_out(activation: str, by_hand: nn.Module) -> None:
    network = WhitenedNet(widths=(4, 6), depths=(2, 3), activation=activation).eval()
    images = smooth_pictures(size=28)[:3]
    network.initialize(images)
    first, second = ("stages.0", "stages.1")

    def part(stage: str, number: int, x: Tensor, between: nn.Module | None = None) -> Tensor:
        x = network.get_submodule(f"{stage}.convs.{number}")(x)
        x = x if between is None else between(x)
        out: Tensor = by_hand(network.get_submodule(f"{stage}.norms.{number}")(x))
        return out

    x = by_hand(network.whiten(images))
    x = part(first, 1, part(first, 0, x, nn.MaxPool2d(2)))
    x = part(second, 0, x)
    x = x + part(second, 2, part(second, 1, x))
    torch.testing.assert_close(network(images), network.head(x.flatten(2).max(dim=2).values))


def test_black_pictures_give_filters_that_are_numbers() -> None:
    network = WhitenedNet((1, 14, 14), 3, widths=(4, 4))
    network.initialize(torch.zeros(5, 1, 14, 14))
    assert network.whiten.weight.isfinite().all()


@pytest.mark.parametrize("shape", [(1, 7, 28), (1, 28, 7), (1, 1, 1)])
def test_pictures_too_small_are_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ModelError, match=f"at least 8x8, found {shape[1]}x{shape[2]}"):
        WhitenedNet(shape)


@pytest.mark.parametrize(
    "options",
    [
        {"widths": [4]}, {"widths": [4, 0]}, {"widths": "ab"}, {"widths": []}, {"depth": 2},
        {"depths": [1, 4]}, {"depths": [0, 1]}, {"depths": []}, {"depths": 3}, {"depths": ["a"]},
        {"patch": 0}, {"patch": 9}, {"patch": 2.5}, {"patch": "4"}, {"patch": 2, "stride": 3},
        {"stride": 0}, {"stride": None}, {"halvings": "all"}, {"halvings": -1},
        {"activation": "tanh"}, {"activation": ["relu"]}, {"widths": [2**40, 4]},
    ],
    ids=str,
)  # fmt: skip
def test_nonsense_options_are_refused_in_one_line(options: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="whitened") as caught:
        build_network("whitened", (1, 28, 28), 10, options)
    assert "\n" not in str(caught.value)
