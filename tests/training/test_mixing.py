"""Mixed pictures, checked picture by picture, and the loss for them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.nn import functional as F

from fittingroom.training.mixing import cutmix, draw_share, mix, mixup
from fittingroom.training.recipe import Recipe

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def images() -> Tensor:
    return torch.randint(0, 256, (7, 3, 12, 20), dtype=torch.uint8)


@pytest.fixture
def labels() -> Tensor:
    return torch.randint(0, 5, (7,))


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_shares_are_drawn_from_the_beta_distribution(alpha: float) -> None:
    shares = [float(draw_share(alpha, CPU)) for _ in range(2000)]
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 0.001


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_mixup_blends_each_picture_with_the_one_before(images: Tensor, share: float) -> None:
    mixed, left = mixup(images, torch.tensor(share))
    assert float(left) == pytest.approx(share)
    pixels = images.numpy().astype(float)
    for number in range(len(pixels)):
        expected = share * pixels[number] + (1 - share) * pixels[number - 1]
        np.testing.assert_allclose(mixed[number].numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.9, 1.0])
def test_cutmix_pastes_one_rectangle_and_tells_its_area(share: float) -> None:
    images = torch.arange(1, 6, dtype=torch.uint8)[:, None, None, None].expand(5, 3, 12, 20)
    for _ in range(20):
        mixed, left = cutmix(images, torch.tensor(share))
        assert mixed.dtype == torch.uint8
        pasted = (mixed != images).numpy()
        assert (pasted == pasted[0, 0]).all()
        rows, columns = pasted[0, 0].any(axis=1), pasted[0, 0].any(axis=0)
        assert (pasted[0, 0] == rows[:, None] & columns).all()
        for side in (rows, columns):
            assert np.abs(np.diff(side.astype(int))).sum() <= 2  # in one piece
        assert (mixed == torch.where(mixed != images, images.roll(1, 0), images)).all()
        assert float(left) == pytest.approx(1 - pasted[0, 0].mean(), abs=1e-6)
        assert float(left) >= share - 0.08  # the sides are rounded; what lies outside is cut off


def test_the_loss_is_the_labels_by_their_shares(images: Tensor, labels: Tensor) -> None:
    mixed = mix(images, labels, Recipe(mixup=1.0))
    assert mixed.share is not None
    assert 0 < float(mixed.share) < 1
    scores = torch.randn(7, 5)
    targets = F.one_hot(labels, 5).float()
    blended = mixed.share * targets + (1 - mixed.share) * targets.roll(1, dims=0)
    for smoothing in (0.0, 0.1):
        expected = F.cross_entropy(scores, blended, label_smoothing=smoothing, reduction="none")
        torch.testing.assert_close(mixed.losses(scores, smoothing), expected)


@pytest.mark.parametrize("method", ["mixup", "cutmix"])
def test_the_recipe_says_what_is_done(method: str, images: Tensor, labels: Tensor) -> None:
    before = images.clone()
    mixed = mix(images, labels, Recipe(**{method: 1.0}))
    assert torch.equal(images, before)
    assert mixed.images.shape == images.shape
    assert mixed.images.is_floating_point() == (method == "mixup")
    assert torch.equal(mixed.labels, labels)
    assert torch.equal(mixed.partners, labels.roll(1))


@pytest.mark.parametrize("method", ["mixup", "cutmix", ""])
def test_the_losses_of_a_part_are_that_part_of_the_losses(
    method: str, images: Tensor, labels: Tensor
) -> None:
    mixed = mix(images, labels, Recipe(**({method: 0.5} if method else {})))
    scores = torch.randn(7, 5)
    which = slice(2, 6)
    part = mixed.part(which)
    assert torch.equal(part.images, mixed.images[which])
    assert torch.equal(part.losses(scores[which], 0.1), mixed.losses(scores, 0.1)[which])


def test_a_recipe_without_mixing_changes_nothing_and_draws_nothing(
    images: Tensor, labels: Tensor
) -> None:
    state = torch.get_rng_state()
    mixed = mix(images, labels, Recipe())
    assert mixed.images is images
    assert torch.equal(torch.get_rng_state(), state)
    scores = torch.randn(7, 5)
    expected = F.cross_entropy(scores, labels, label_smoothing=0.1, reduction="none")
    assert torch.equal(mixed.losses(scores, 0.1), expected)


@pytest.mark.parametrize("method", ["mixup", "cutmix"])
def test_one_picture_is_a_batch_too(method: str) -> None:
    images = torch.full((1, 1, 8, 8), 100, dtype=torch.uint8)
    mixed = mix(images, torch.tensor([3]), Recipe(**{method: 0.5}))
    torch.testing.assert_close(mixed.images.float(), images.float())
