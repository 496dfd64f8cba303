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


@pytest.mark.parametrize(("channels", "patch"), [(1, 2), (1, 4), (3, 2)])
def test_the_first_layer_whitens_patches(channels: int, patch: int) -> None:
    images = smooth_pictures(channels)
    network = WhitenedNet((channels, 14, 14), 3, widths=(4, 4, 4), patch=patch)
    network.initialize(images)
    with torch.no_grad():
        found = network.whiten(images).transpose(0, 1).flatten(1)
    count = channels * patch**2
    assert torch.allclose(found[:count], -found[count:], atol=1e-5)
    # Uncorrelated (about 0, not about their mean), of variance 1 but for the least ones.
    moments = (found[:count] @ found[:count].T / found.shape[1]).numpy()
    assert np.abs(moments - np.diag(np.diag(moments))).max() < 1e-3
    assert np.all((np.diag(moments) > 0.85) & (np.diag(moments) < 1.001))


def test_the_filters_stay_as_they_are_and_their_bias_does_not() -> None:
    network = WhitenedNet((1, 14, 14), 3, widths=(4, 4, 4))
    network.initialize(smooth_pictures())
    network(smooth_pictures()).sum().backward()
    assert network.whiten.weight.grad is None
    assert network.whiten.bias is not None
    assert network.whiten.bias.grad is not None
    trained = Classifier(network, "abc", (1, 14, 14)).num_parameters
    every = sum(p.numel() for p in network.parameters())
    assert trained == every - 8 * 4 - 6 * 4  # but for filters and the norms' scales


def test_the_same_pictures_give_the_same_filters() -> None:
    networks = [WhitenedNet((1, 14, 14), 3, widths=(4, 4, 4)) for _ in range(2)]
    for network in networks:
        network.initialize(smooth_pictures())
    assert torch.equal(networks[0].whiten.weight, networks[1].whiten.weight)


def test_convolutions_pass_their_input_on_at_first() -> None:
    network = WhitenedNet((1, 14, 14), 3, widths=(8, 12, 16))
    x = torch.rand(2, 8, 5, 6)
    conv = network.get_submodule("stages.0.convs.0")
    torch.testing.assert_close(conv(x), x)
    wider = network.get_submodule("stages.1.convs.0")
    torch.testing.assert_close(wider(x)[:, :8], x)
    assert not torch.allclose(wider(x)[:, 8:], torch.zeros(()))


@pytest.mark.parametrize("depth", [2, 3])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 30), (3, 8, 8)])
def test_scores_fit_any_picture_and_number_of_classes(
    shape: tuple[int, int, int], depth: int
) -> None:
    network = WhitenedNet(shape, 7, widths=(4, 6, 8), depth=depth).train()
    scores = network(torch.rand(2, *shape))
    assert scores.shape == (2, 7)
    scores.sum().backward()
    trained = [weight for weight in network.parameters() if weight.requires_grad]
    assert all(weight.grad is not None for weight in trained)


@pytest.mark.parametrize("shape", [(1, 7, 28), (1, 28, 7), (1, 1, 1)])
def test_pictures_too_small_are_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ModelError, match=f"at least 8x8, found {shape[1]}x{shape[2]}"):
        WhitenedNet(shape)


@pytest.mark.parametrize(
    "options",
    [{"widths": [4, 4]}, {"widths": [4, 4, 0]}, {"depth": 4}, {"patch": 0}, {"patch": 2.5}],
)
def test_nonsense_options_are_refused_in_one_line(options: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="whitened") as caught:
        build_network("whitened", (1, 28, 28), 10, options)
    assert "\n" not in str(caught.value)
