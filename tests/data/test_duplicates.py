from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fittingroom.data.duplicates import number_equals

SMALL = st.lists(st.integers(0, 4), max_size=12)


@given(SMALL, SMALL)
def test_pictures_have_the_same_number_just_where_they_are_equal(
    first: list[int], second: list[int]
) -> None:
    values = np.array([*first, *second], np.uint8)
    images = np.repeat(values, 6).reshape(-1, 1, 2, 3)
    parts = number_equals(images[: len(first)], images[len(first) :])
    assert [len(part) for part in parts] == [len(first), len(second)]
    numbers = np.concatenate(parts)
    equal = values[:, None] == values[None, :]
    np.testing.assert_array_equal(numbers[:, None] == numbers[None, :], equal)
    assert set(numbers.tolist()) == set(range(len(np.unique(values))))


def test_one_pixel_makes_a_difference_and_order_in_memory_none() -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 5, 5), np.uint8)
    images[1] = images[0]
    images[1, 2, 4, 4] ^= 1
    images[3] = images[0]
    (numbers,) = number_equals(np.asfortranarray(images))
    assert numbers[0] == numbers[3]
    assert len(set(numbers.tolist())) == 3
