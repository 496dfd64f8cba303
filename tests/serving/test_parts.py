from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy import ndimage

from fittingroom.serving.parts import find_parts

EIGHT_NEIGHBOURS = np.ones((3, 3))
Part = tuple[int, ...]  # area, left, top, right, bottom


def ours(shape: NDArray[np.bool_]) -> list[Part]:
    areas, boxes = find_parts(shape)
    return sorted((int(area), *map(int, box)) for area, box in zip(areas, boxes, strict=True))


def theirs(shape: NDArray[np.bool_]) -> list[Part]:
    labels, _ = ndimage.label(shape, EIGHT_NEIGHBOURS)
    areas = np.bincount(labels.reshape(-1))[1:].tolist()
    return sorted(
        (area, x.start, y.start, x.stop, y.stop)
        for area, (y, x) in zip(areas, ndimage.find_objects(labels), strict=True)
    )


@given(arrays.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_parts_are_those_that_scipy_finds(shape: NDArray[np.bool_]) -> None:
    assert ours(shape) == theirs(shape)


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6])
def test_parts_of_noise_are_those_that_scipy_finds(share: float) -> None:
    shape = np.random.default_rng(0).random((200, 300)) < share
    assert ours(shape) == theirs(shape)


def test_arms_that_meet_far_below_are_one_part() -> None:
    shape = np.zeros((9, 9), np.bool_)
    shape[:, ::2] = True
    shape[8] = True
    assert ours(shape) == [(49, 0, 0, 9, 9)]


def test_nothing_has_no_parts() -> None:
    assert ours(np.zeros((3, 4), np.bool_)) == []
