"""What is measured on training pictures of every kind, and how it is written down."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from fittingroom.data.dataset import DataSplits, Images
from fittingroom.serving.preparation import Preparation, extent, sharpness

FASHION = Preparation((1, 28, 28), True, 0, 28, 1.36)


def things(longest: int, frame: int = 28, count: int = 40) -> Images:
    """Draw things alone on black, in the middle, higher than wide, their edges sharp."""
    rng = np.random.default_rng(0)
    images = np.zeros((count, 1, frame, frame), np.uint8)
    top = (frame - longest) // 2
    for image in images:
        left = rng.integers(frame // 4, frame // 2)
        image[0, top : top + longest, left : left + frame // 3] = rng.integers(60, 256)
    return images


@pytest.mark.parametrize("longest", [28, 20])
@pytest.mark.parametrize("ground", [0, 255])
def test_things_alone_on_an_even_ground_are_measured(longest: int, ground: int) -> None:
    images = things(longest)
    found = Preparation.measured(images if ground == 0 else 255 - images)
    assert replace(found, sharpness=0) == Preparation((1, 28, 28), True, ground, longest)
    assert found.sharpness > 0


def test_frames_of_other_sizes_are_measured() -> None:
    assert Preparation.measured(things(30, frame=32)).longest == 30


@pytest.mark.parametrize(
    "images",
    [
        np.repeat(things(28), 3, axis=1),  # in colour
        np.random.default_rng(0).integers(0, 256, (9, 1, 28, 28)).astype(np.uint8),
        np.full((9, 1, 28, 28), 120, np.uint8),
        np.zeros((9, 1, 2, 2), np.uint8),
        np.zeros((0, 1, 28, 28), np.uint8),
    ],
)
def test_other_pictures_are_whole(images: Images) -> None:
    _, channels, height, width = images.shape
    assert Preparation.measured(images) == Preparation((channels, height, width))


def test_pictures_of_nothing_can_be_measured() -> None:
    found = Preparation.measured(np.zeros((9, 1, 28, 28), np.uint8))
    assert Preparation.from_dict(found.to_dict()) == found


@pytest.mark.real_data
def test_fashion_mnist_is_as_its_authors_made_it(fashion_mnist: DataSplits) -> None:
    found = Preparation.measured(fashion_mnist.learning.images)
    assert replace(found, sharpness=0) == replace(FASHION, sharpness=0)
    assert found.sharpness == pytest.approx(1.36, abs=0.02)


def test_it_survives_being_written_as_json() -> None:
    for one in (FASHION, Preparation((3, 32, 40)), Preparation.measured(255 - things(20))):
        assert Preparation.from_dict(json.loads(json.dumps(one.to_dict()))) == one


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("input_shape", [28, 28]),
        ("input_shape", [1, 0, 28]),
        ("input_shape", [3, 28, 28]),  # alone is grey
        ("input_shape", 28),
        ("input_shape", "abc"),
        ("input_shape", [1, 28.5, 28]),
        ("alone", "no"),
        ("alone", False),  # but with a longest edge
        ("ground", 7),
        ("ground", None),
        ("ground", []),
        ("longest", 0),
        ("longest", 29),
        ("longest", float("inf")),
        ("sharpness", "sharp"),
        ("sharpness", float("nan")),
        ("sharpness", float("inf")),
        ("sharpness", -1),
    ],
)
def test_damaged_fields_are_refused(name: str, value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        Preparation.from_dict(FASHION.to_dict() | {name: value})


@pytest.mark.parametrize("name", FASHION.to_dict())
def test_a_field_that_is_missing_is_refused(name: str) -> None:
    fields = FASHION.to_dict()
    del fields[name]
    with pytest.raises(KeyError):
        Preparation.from_dict(fields)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FASHION.to_dict(), VALUES)) | VALUES)
def test_no_json_raises_anything_else(fields: Any) -> None:
    whole = FASHION.to_dict() | fields if isinstance(fields, dict) else fields
    try:
        read = Preparation.from_dict(whole)
    except (ValueError, KeyError, TypeError):
        return
    assert Preparation.from_dict(read.to_dict()) == read


@pytest.mark.parametrize(
    ("occupied", "length"), [([0, 0, 0], 0), ([0, 1, 0], 1), ([1, 0, 1, 0], 3), ([1], 1)]
)
def test_an_extent_is_from_the_first_to_the_last(occupied: list[int], length: int) -> None:
    assert extent(np.array(occupied, np.bool_)) == length


def drawn() -> Image.Image:
    image = Image.new("L", (60, 60), 0)
    draw = ImageDraw.Draw(image)
    draw.polygon([(5, 5), (50, 9), (55, 50), (20, 55)], fill=200)
    draw.ellipse((20, 20, 40, 45), fill=90)
    return image.filter(ImageFilter.GaussianBlur(1))


def test_sharper_is_more_and_brighter_is_the_same() -> None:
    image = drawn()
    levels = [
        sharpness(np.asarray(image.filter(kernel)))
        for kernel in (ImageFilter.GaussianBlur(3), ImageFilter.GaussianBlur(1))
    ]
    levels += [
        sharpness(np.asarray(image)),
        sharpness(np.asarray(image.filter(ImageFilter.SHARPEN))),
    ]
    assert levels == sorted(levels)
    grey: NDArray[np.float32] = np.asarray(image, np.float32)
    assert sharpness(grey / 2 + 20) == pytest.approx(sharpness(grey))
    assert sharpness(255 - grey) == pytest.approx(sharpness(grey))
    assert sharpness(np.zeros((5, 5), np.uint8)) == 0
