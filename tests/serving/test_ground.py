"""The ground of drawn photos, whose colour at each place is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fittingroom.serving.ground import Pixels, border, find_ground

SIZE = (120, 90)
THING = np.s_[30:80, 25:60]
BRIGHT = (230.0, 225.0, 235.0)


def even(colour: tuple[float, float, float] = BRIGHT) -> Pixels:
    return np.full((*SIZE, 3), colour, np.float32)


def places() -> tuple[Pixels, Pixels]:
    y, x = np.indices(SIZE, np.float32)
    return y / np.float32(SIZE[0] - 1), x / np.float32(SIZE[1] - 1)


def with_thing(ground: Pixels, colour: float = 60) -> Pixels:
    pixels = ground.copy()
    pixels[THING] = colour
    return pixels


def is_thing() -> NDArray[np.bool_]:
    mask = np.zeros(SIZE, np.bool_)
    mask[THING] = True
    return mask


@pytest.mark.parametrize("colour", [(255.0, 255.0, 255.0), (0.0, 0.0, 0.0), (180.0, 120.0, 70.0)])
def test_an_even_ground_is_found_exactly(colour: tuple[float, float, float]) -> None:
    ground = find_ground(with_thing(even(colour), 200))
    np.testing.assert_allclose(ground.surface, even(colour), atol=0.05)
    np.testing.assert_array_equal(ground.outside, is_thing())
    assert ground.share == 1


@pytest.mark.parametrize(("x_share", "y_share"), [(0.4, 0), (0, 0.4), (0.2, 0.2), (-0.3, 0.3)])
def test_light_that_falls_off_by_two_fifths_is_followed(x_share: float, y_share: float) -> None:
    y, x = places()
    light = 1 - (x_share * x + y_share * y)
    pixels = even((200, 190, 180)) * (light / light.max())[..., None]
    ground = find_ground(with_thing(pixels, 20))
    np.testing.assert_allclose(ground.surface, pixels, atol=0.5)
    np.testing.assert_array_equal(ground.outside, is_thing())


def test_light_that_falls_off_to_all_sides_is_followed() -> None:
    y, x = places()
    light = 1 - 0.25 * ((2 * x - 1) ** 2 + (2 * y - 1) ** 2) / 2
    pixels = even() * light[..., None].astype(np.float32)
    ground = find_ground(with_thing(pixels))
    np.testing.assert_allclose(ground.surface, pixels, atol=2)
    np.testing.assert_array_equal(ground.outside, is_thing())


def test_half_a_photo_that_is_covered_is_not_taken_for_a_slope() -> None:
    pixels = even()
    pixels[:, :40] = 40
    ground = find_ground(pixels)
    np.testing.assert_allclose(ground.surface, even(), atol=1)
    assert ground.outside[:, :40].all()
    assert not ground.outside[:, 40:].any()


def test_a_thing_in_a_corner_is_not_ground() -> None:
    pixels = even()
    pixels[:35, :30] = 40
    ground = find_ground(pixels)
    np.testing.assert_allclose(ground.surface, even(), atol=0.5)
    assert ground.outside[:35, :30].all()
    assert not ground.outside[35:].any()


def test_noise_is_ground() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 6, (*SIZE, 3)).astype(np.float32)
    ground = find_ground(with_thing(even()) + noise)
    assert ground.outside[THING].all()
    assert (ground.outside & ~is_thing()).mean() < 0.01
    assert ground.share > 0.95


def test_little_of_a_border_of_many_colours_is_ground() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype(np.float32)
    assert find_ground(pixels).share < 0.3


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_a_photo_of_any_size_has_a_ground(height: int, width: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.float32)
    ground = find_ground(pixels)
    assert ground.surface.shape == pixels.shape
    assert ground.distance.shape == ground.outside.shape == (height, width)
    assert np.isfinite(ground.surface).all()
    assert 0 <= ground.share <= 1


@pytest.mark.parametrize(("size", "wide"), [((100, 200), 3), ((28, 28), 1), ((1, 9), 1)])
def test_the_border_is_a_frame_of_three_hundredths(size: tuple[int, int], wide: int) -> None:
    ring = border(*size)
    inside = max(0, size[0] - 2 * wide) * max(0, size[1] - 2 * wide)
    assert ring.sum() == size[0] * size[1] - inside
    assert ring[0].all()
    assert ring[:, -1].all()
