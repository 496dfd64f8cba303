from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fittingroom.data.dataset import (
    DataSplits,
    ImageDataset,
    check_class_names,
    number_names,
    stratified_indices,
)
from fittingroom.errors import DataError


def dataset(count: int, classes: tuple[str, ...] = ("a", "b", "c")) -> ImageDataset:
    """Make pictures that show their own index."""
    images = np.broadcast_to(
        np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 1, 2, 3)
    )
    return ImageDataset(images.copy(), np.arange(count) % len(classes), classes)


def splits(count: int = 60) -> DataSplits:
    return DataSplits("toy", "here", dataset(count), dataset(30))


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 1, 3, 3)), np.zeros(2, np.int64), "uint8 of shape"),
        (np.zeros((2, 3, 3), np.uint8), np.zeros(2, np.int64), "uint8 of shape"),
        (np.zeros((2, 1, 3, 3), np.uint8), np.zeros(2, np.int32), "int64 of shape"),
        (np.zeros((2, 1, 3, 3), np.uint8), np.zeros((2, 1), np.int64), "int64 of shape"),
        (np.zeros((2, 1, 3, 3), np.uint8), np.zeros(3, np.int64), "2 images but 3 labels"),
        (np.zeros((2, 1, 3, 3), np.uint8), np.array([0, 2]), r"0\.\.1 for 2 classes"),
        (np.zeros((2, 1, 3, 3), np.uint8), np.array([-1, 0]), r"found -1\.\.0"),
    ],
)
def test_arrays_that_do_not_fit_together(
    images: NDArray[np.uint8], labels: NDArray[np.int64], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        ImageDataset(images, labels, ("a", "b"))


def test_image_shape_and_class_counts() -> None:
    data = dataset(10)
    assert data.image_shape == (1, 2, 3)
    assert data.class_counts.tolist() == [4, 3, 3]


def test_subset_is_a_copy_in_the_given_order() -> None:
    data = dataset(10)
    part = data.subset(np.array([7, 2]))
    part.images[:] = 0
    assert part.labels.tolist() == [1, 2]
    assert data.images[[7, 2], 0, 0, 0].tolist() == [7, 2]


def test_training_and_test_pictures_must_fit_together() -> None:
    with pytest.raises(DataError, match="different classes"):
        DataSplits("toy", "here", dataset(9), dataset(9, ("x", "y", "z")))
    other = ImageDataset(np.zeros((1, 1, 5, 5), np.uint8), np.zeros(1, np.int64), ("a", "b", "c"))
    with pytest.raises(DataError, match="--size"):
        DataSplits("toy", "here", dataset(9), other)


@settings(derandomize=True, max_examples=50)
@given(size=st.integers(0, 59), seed=st.integers(0, 1000))
def test_train_and_validation_divide_the_learning_pictures(size: int, seed: int) -> None:
    divided = splits().with_validation(size, seed)
    shown = [part.images[:, 0, 0, 0].tolist() for part in (divided.train, divided.validation)]
    assert len(shown[1]) == size
    assert sorted(shown[0] + shown[1]) == list(range(60))
    assert shown[0] == sorted(shown[0])


def test_validation_is_the_same_for_the_same_seed_only() -> None:
    first = splits().with_validation(20, seed=1)
    assert (first.validation_indices == splits().with_validation(20, 1).validation_indices).all()
    assert (first.validation_indices != splits().with_validation(20, 2).validation_indices).any()


def test_default_validation_is_a_tenth_of_a_small_set_and_5000_of_a_large_one() -> None:
    assert len(splits(60).with_validation().validation_indices) == 6
    images = np.zeros((60_000, 1, 1, 1), np.uint8)
    large = ImageDataset(images, np.arange(60_000) % 10, number_names(10))
    divided = DataSplits("toy", "here", large, large).with_validation()
    assert divided.validation.class_counts.tolist() == [500] * 10


@pytest.mark.parametrize("size", [-1, 60, 1000])
def test_validation_must_leave_something_to_learn_from(size: int) -> None:
    with pytest.raises(DataError, match="validation_size"):
        splits().with_validation(size)


@settings(derandomize=True, max_examples=200)
@given(counts=st.lists(st.integers(0, 30), min_size=1, max_size=8), share=st.floats(0, 1))
def test_strata_differ_from_their_exact_share_by_less_than_one(
    counts: list[int], share: float
) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    size = int(share * len(labels))
    drawn = stratified_indices(labels, size, len(counts), seed=0)
    assert len(set(drawn.tolist())) == size
    found = np.bincount(labels[drawn], minlength=len(counts))
    assert (np.abs(found - np.array(counts) * size / max(len(labels), 1)) < 1).all()


def test_fingerprint_is_sha256_of_the_documented_bytes() -> None:
    data = splits()
    digest = hashlib.sha256(b"fittingroom-data/1 classes=3")
    for part in (data.learning, data.test):
        digest.update(repr(part.images.shape).encode() + part.images.tobytes())
        digest.update(part.labels.astype("<i8").tobytes())
    assert data.fingerprint == digest.hexdigest()


def test_fingerprint_depends_on_content_alone() -> None:
    data = splits()
    assert data.with_validation(7).fingerprint == data.fingerprint
    changed = dataset(60)
    changed.images[5, 0, 0, 0] ^= 1
    assert DataSplits("toy", "here", changed, dataset(30)).fingerprint != data.fingerprint
    changed = dataset(60)
    changed.labels[5] = (changed.labels[5] + 1) % 3
    assert DataSplits("toy", "here", changed, dataset(30)).fingerprint != data.fingerprint
    names = ("x", "y", "z")
    named = DataSplits("other", "there", dataset(60, names), dataset(30, names))
    assert named.fingerprint == data.fingerprint


def test_class_names_are_stripped_and_counted() -> None:
    assert check_class_names([" a ", "b"], 2, "x") == ("a", "b")
    for names in (["a"], ["a", "a "], ["a", " "]):
        with pytest.raises(DataError, match="class names"):
            check_class_names(names, 2, "x")
