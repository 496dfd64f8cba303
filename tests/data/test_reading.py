from __future__ import annotations

import numpy as np
import pytest

from fittingroom.data.reading import LabelledImages, Reading, join, part_of
from fittingroom.errors import DataError


def labelled(labels: list[int], where: str = "x") -> LabelledImages:
    """Make pictures that show the label they were given."""
    array = np.array(labels, np.int64)
    images = np.broadcast_to(
        (array % 256).astype(np.uint8)[:, None, None, None], (len(array), 1, 2, 2)
    )
    return LabelledImages(images.copy(), array, where)


def reading(learning: list[int], test: list[int] | None = None, **options: object) -> Reading:
    return Reading(labelled(learning), None if test is None else labelled(test), **options)  # type: ignore[arg-type]  # test input


def test_labels_from_zero_stay_and_are_named_by_number() -> None:
    splits = reading([0, 1, 2, 0], [2, 1]).to_splits("name", "source", None)
    assert splits.classes == ("0", "1", "2")
    assert splits.learning.labels.tolist() == [0, 1, 2, 0]
    assert splits.notes == ()


def test_emnist_letters_are_counted_from_zero_and_keep_their_numbers_as_names() -> None:
    splits = reading([*range(1, 27)], [26, 1]).to_splits("name", "source", None)
    assert splits.classes == tuple(str(number) for number in range(1, 27))
    assert splits.learning.labels.tolist() == [*range(26)]
    assert splits.test.labels.tolist() == [25, 0]
    assert "1 to 26" in splits.notes[0]


def test_26_or_27_names_fit_emnist_letters() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    for names in (letters, ["N/A", *letters]):
        splits = reading([*range(1, 27)], [26, 1]).to_splits("name", "source", names)
        shown = splits.test.images[:, 0, 0, 0]
        named = [splits.classes[label] for label in splits.test.labels]
        assert named == [letters[number - 1] for number in shown]


def test_gap_in_the_labels_of_both_parts_is_closed() -> None:
    splits = reading([0, 2, 7], [9, 0]).to_splits("name", "source", None)
    assert splits.classes == ("0", "2", "7", "9")
    assert splits.test.labels.tolist() == [3, 0]
    assert "0, 2, 7, 9" in splits.notes[0]


def test_more_names_than_labels_keep_classes_without_pictures() -> None:
    splits = reading([0, 2, 2], [0]).to_splits("name", "source", ["a", "b", "c", "d"])
    assert splits.classes == ("a", "b", "c", "d")
    assert splits.learning.labels.tolist() == [0, 2, 2]


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", ""]])
def test_names_that_do_not_fit_are_refused(names: list[str]) -> None:
    with pytest.raises(DataError, match="class names"):
        reading([0, 1], [0, 1]).to_splits("name", "source", names)


def test_names_in_another_order_reorder_classes_that_have_names() -> None:
    read = reading([0, 1, 2], [2], classes=("bag", "coat", "dress"))
    splits = read.to_splits("name", "source", ["dress", "bag", "coat"])
    assert splits.classes == ("dress", "bag", "coat")
    assert splits.learning.labels.tolist() == [1, 2, 0]


def test_new_names_take_the_classes_in_their_order() -> None:
    read = reading([0, 1], [1], classes=("bag", "coat"))
    splits = read.to_splits("name", "source", ["가방", "코트"])
    assert splits.classes == ("가방", "코트")
    assert splits.learning.labels.tolist() == [0, 1]


def test_without_test_pictures_a_fifth_of_each_class_is_held_out() -> None:
    labels = [0] * 50 + [1] * 100
    splits = reading(labels).to_splits("name", "source", None)
    assert splits.test.class_counts.tolist() == [10, 20]
    assert splits.learning.class_counts.tolist() == [40, 80]
    assert "30 of the 150 pictures" in splits.notes[0]
    again = reading(labels).to_splits("name", "source", None)
    assert again.fingerprint == splits.fingerprint


def test_too_few_pictures_to_hold_some_out() -> None:
    with pytest.raises(DataError, match="too few"):
        reading([0, 1]).to_splits("name", "source", None)


def test_join_refuses_pictures_of_different_shape() -> None:
    other = LabelledImages(np.zeros((1, 1, 3, 3), np.uint8), np.zeros(1, np.int64), "y")
    with pytest.raises(DataError, match=r"y: pictures of shape \(1, 3, 3\)"):
        join([labelled([0]), other])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("train-images-idx3-ubyte.gz", ("train", "*-images-idx3-ubyte.gz")),
        ("t10k-labels.idx1-ubyte", ("test", "*-labels.idx1-ubyte")),
        ("fashion-mnist_test.csv", ("test", "fashion-mnist_*.csv")),
        ("mytrain.csv", ("train", "my*.csv")),
        ("latest_train.csv", ("train", "latest_*.csv")),
        ("val", ("validation", "*")),
        ("interval.csv", (None, "interval.csv")),
        ("옷.csv", (None, "옷.csv")),
    ],
)
def test_part_of_a_name(name: str, expected: tuple[str | None, str]) -> None:
    assert part_of(name) == expected
