"""Augmentation, checked picture by picture by brute force."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from fittingroom.training.augment import (
    ERASED_AREA,
    ERASED_ASPECT,
    alternate_flip,
    augment,
    erase,
    first_sides,
    flip,
    shift,
)
from fittingroom.training.recipe import Recipe

SHAPES = [(1, 8, 8), (3, 8, 8), (1, 6, 11), (3, 13, 5)]


def pictures(shape: tuple[int, int, int], count: int = 300) -> Tensor:
    """Return noise without black, so that black pixels are known to have come in."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(1, 256, (count, *shape), dtype=torch.uint8, generator=generator)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def moved(picture: NDArray[np.uint8], down: int, right: int) -> NDArray[np.uint8]:
    """Move one picture (C, H, W), pixel by pixel."""
    result = np.zeros_like(picture)
    _, height, width = picture.shape
    for y in range(height):
        for x in range(width):
            if 0 <= y - down < height and 0 <= x - right < width:
                result[:, y, x] = picture[:, y - down, x - right]
    return result


@pytest.mark.parametrize("shape", SHAPES)
def test_flip_mirrors_a_picture_or_leaves_it(shape: tuple[int, int, int]) -> None:
    images = pictures(shape)
    mirrored = 0
    for before, after in zip(images.numpy(), flip(images).numpy(), strict=True):
        if (after == before[:, :, ::-1]).all():
            mirrored += 1
        else:
            np.testing.assert_array_equal(after, before)
    # 5 standard deviations of a fair coin
    assert abs(mirrored - 150) < 5 * math.sqrt(300) / 2


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_two_epochs_of_the_alternating_flip_show_every_picture_both_ways(seed: int) -> None:
    images = pictures((1, 6, 11))
    which = torch.randperm(60_000)[:300]
    mirrored = torch.zeros(4, 300, dtype=torch.bool)
    for epoch in range(4):
        after = alternate_flip(images, which, torch.tensor(epoch), seed)
        mirrored[epoch] = (after == images.flip(-1)).flatten(1).all(dim=1)
        same = (after == images).flatten(1).all(dim=1)
        assert torch.equal(same, ~mirrored[epoch])
        # 5 standard deviations of a fair coin
        assert abs(int(mirrored[epoch].sum()) - 150) < 5 * math.sqrt(300) / 2
    assert torch.equal(mirrored[1], ~mirrored[0])
    assert torch.equal(mirrored[2:], mirrored[:2])


def test_which_pictures_are_mirrored_first_looks_like_coins() -> None:
    sides = torch.stack([first_sides(torch.arange(60_000), seed) for seed in range(40)]).double()
    assert set(sides.unique().tolist()) == {0, 1}
    assert ((sides.mean(dim=1) - 0.5).abs() < 5 * 0.5 / math.sqrt(60_000)).all()
    # No seed's coins resemble another's, nor a coin its neighbour's.
    alike = torch.corrcoef(sides) - torch.eye(40)
    assert alike.abs().max() < 5.5 / math.sqrt(60_000)
    for lag in (1, 2, 10, 64, 256):
        same = (sides[0, lag:] == sides[0, :-lag]).double().mean()
        assert abs(float(same) - 0.5) < 5 * 0.5 / math.sqrt(60_000 - lag)


@pytest.mark.parametrize("most", [1, 2, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_shift_moves_each_picture_within_bounds_and_fills_with_black(
    shape: tuple[int, int, int], most: int
) -> None:
    images = pictures(shape, 150)
    offsets = [(y, x) for y in range(-most, most + 1) for x in range(-most, most + 1)]
    seen = set()
    for before, after in zip(images.numpy(), shift(images, most).numpy(), strict=True):
        found = [offset for offset in offsets if (moved(before, *offset) == after).all()]
        assert len(found) == 1
        seen.update(found)
    assert {y for y, _ in seen} == {x for _, x in seen} == set(range(-most, most + 1))


def test_every_shift_is_equally_likely_none_included() -> None:
    images = torch.zeros(9000, 1, 5, 5, dtype=torch.uint8)
    images[:, :, 2, 2] = 255
    places = shift(images, 1)[:, 0].flatten(1).float().argmax(dim=1).bincount(minlength=25)
    counts = places.view(5, 5)[1:4, 1:4]
    assert counts.sum() == 9000
    # 5 standard deviations of a share of one in nine
    assert (counts - 1000).abs().max() < 5 * math.sqrt(9000 * 1 / 9 * 8 / 9)


def erased_rectangle(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[int, int]:
    """Return height and width of what was erased, which must be one rectangle; (0, 0) for none."""
    changed = (before != after).any(axis=0)
    if not changed.any():
        return 0, 0
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert changed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert (after[:, changed] == 0).all()
    return rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 28, 28), (1, 24, 40), (3, 32, 16), (1, 8, 8)])
def test_erase_blackens_one_rectangle_of_the_papers_size(shape: tuple[int, int, int]) -> None:
    _, height, width = shape
    images = pictures(shape)
    low, high = (share * height * width for share in ERASED_AREA)
    sizes = [
        erased_rectangle(before, after)
        for before, after in zip(images.numpy(), erase(images, 1.0).numpy(), strict=True)
    ]
    for tall, wide in sizes:
        if (tall, wide) == (0, 0):  # a side shorter than a pixel may round to none
            assert low * ERASED_ASPECT[0] < 1
            continue
        # Each side was rounded by less than a pixel, and cut where it was longer than the picture.
        assert (tall - 1) * (wide - 1) < high
        assert (tall + 1) * (wide + 1) > low or tall == height or wide == width
        if 0 < tall < height and 0 < wide < width:
            assert (tall - 1) / (wide + 1) < ERASED_ASPECT[1]
            assert (tall + 1) / max(wide - 1, 1e-9) > ERASED_ASPECT[0]
    areas = [tall * wide for tall, wide in sizes]
    assert np.mean(areas) == pytest.approx((low + high) / 2, rel=0.12)
    assert len(set(sizes)) > 10


def test_erased_rectangles_lie_everywhere_on_the_picture() -> None:
    images = pictures((1, 28, 28), 5000)
    share = (erase(images, 1.0) == 0).float().mean(dim=(0, 1))
    assert share.min() > 0
    # No corner, no side is favoured: mirrored, the picture of shares is the same within noise.
    for mirrored in (share.flip(0), share.flip(1), share.T):
        assert (share - mirrored).abs().max() < 0.05


@pytest.mark.parametrize(("probability", "expected"), [(0.0, 0), (0.3, 300), (1.0, 1000)])
def test_erase_takes_the_given_share_of_pictures(probability: float, expected: int) -> None:
    images = pictures((1, 28, 28), 1000)
    found = int((erase(images, probability) != images).flatten(1).any(dim=1).sum())
    margin = 5 * math.sqrt(1000 * probability * (1 - probability))
    assert abs(found - expected) <= margin


AUGMENTATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "flip": flip,
    "shift": lambda images: shift(images, 2),
    "erase": lambda images: erase(images, 0.5),
    "all": lambda images: augment(
        images, Recipe(flip=True, shift=2, erase=0.5), torch.arange(len(images)), torch.tensor(0)
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_input_stays_the_shape_stays_and_the_seed_decides(
    name: str, shape: tuple[int, int, int]
) -> None:
    images = pictures(shape)
    before = images.clone()
    results = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        results.append(AUGMENTATIONS[name](images))
    assert torch.equal(images, before)
    assert all(result.dtype == torch.uint8 for result in results)
    assert all(result.shape == images.shape for result in results)
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_one_picture_is_a_batch_too(name: str) -> None:
    assert AUGMENTATIONS[name](pictures((3, 9, 8), 1)).shape == (1, 3, 9, 8)


def test_a_recipe_without_augmentation_changes_nothing_and_draws_nothing() -> None:
    images = pictures((1, 8, 8))
    state = torch.get_rng_state()
    assert augment(images, Recipe(), torch.arange(len(images)), torch.tensor(0)) is images
    assert torch.equal(torch.get_rng_state(), state)


def test_the_recipe_says_what_is_done() -> None:
    images = pictures((1, 8, 8))
    which, epoch = torch.arange(len(images)), torch.tensor(1)
    for fields, expected in (
        ({"flip": True}, flip),
        ({"alternate_flip": True}, lambda x: alternate_flip(x, which, epoch, 0)),
        ({"shift": 3}, lambda x: shift(x, 3)),
        ({"erase": 0.5}, lambda x: erase(x, 0.5)),
        ({"flip": True, "shift": 3, "erase": 0.5}, lambda x: erase(shift(flip(x), 3), 0.5)),
    ):
        torch.manual_seed(3)
        found = augment(images, Recipe(**fields), which, epoch)
        torch.manual_seed(3)
        assert torch.equal(found, expected(images))
