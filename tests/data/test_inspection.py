from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.data.inspection import check, describe

Change = Callable[
    [NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]], None
]


def make(change: Change | None = None) -> DataSplits:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (120, 1, 4, 4), dtype=np.uint8)
    labels = np.arange(120) % 3
    arrays = images[:90].copy(), labels[:90].copy(), images[90:].copy(), labels[90:].copy()
    if change:
        change(*arrays)
    classes = ("shirt", "바지", "bag")
    learning, test = ImageDataset(*arrays[:2], classes), ImageDataset(*arrays[2:], classes)
    return DataSplits("toy", "here", learning, test, notes=("a note",))


def test_description_counts_and_measures() -> None:
    splits = make().with_validation(30)
    description = describe(splits)
    pixels = splits.learning.images
    assert (description.train, description.validation, description.test) == (60, 30, 30)
    assert [(row.name, row.train, row.validation, row.test) for row in description.classes] == [
        *(("shirt", 20, 10, 10), ("바지", 20, 10, 10), ("bag", 20, 10, 10))
    ]
    assert description.pixel_mean == pytest.approx(pixels.mean())
    assert description.pixel_std == pytest.approx(pixels.std())
    assert description.fingerprint == splits.fingerprint
    assert json.loads(json.dumps(description.to_dict()))["classes"][1]["name"] == "바지"


def test_sound_data_has_no_findings() -> None:
    assert check(make()) == []


def repeat(images: NDArray[np.uint8], labels: object, test: object, test_labels: object) -> None:
    images[[6, 9]] = images[3]


def leak(images: NDArray[np.uint8], labels: object, test: NDArray[np.uint8], _: object) -> None:
    test[[3, 6]] = images[12]


def contradict(images: NDArray[np.uint8], *_: object) -> None:
    images[5] = images[3]


def blank(images: NDArray[np.uint8], labels: object, test: NDArray[np.uint8], _: object) -> None:
    test[7] = 255


def no_bag(images: object, labels: NDArray[np.int64], test: object, _: object) -> None:
    labels[labels == 2] = 0


def few_test_bags(images: object, labels: object, test: object, found: NDArray[np.int64]) -> None:
    found[np.flatnonzero(found == 2)[1:]] = 0


def few_bags(images: object, labels: NDArray[np.int64], *_: object) -> None:
    labels[np.flatnonzero(labels == 2)[5:]] = 0


@pytest.mark.parametrize(
    ("change", "severity", "parts"),
    [
        (repeat, "info", ["2 training pictures repeat", "3 = 6 = 9"]),
        (leak, "warning", ["2 test pictures are also training pictures", "12 = 3", "6.67%"]),
        (contradict, "warning", ["1 pictures occur", "training index 3: shirt and bag"]),
        (blank, "warning", ["1 test pictures are blank", "(7)"]),
        (no_bag, "error", ["No training pictures of bag."]),
        (few_test_bags, "warning", ["Fewer than 10 test pictures of bag."]),
        (few_bags, "warning", ["Fewer than 20 training pictures of bag."]),
        (few_bags, "warning", ["differ much in size: 55 training pictures of shirt, 5 of bag"]),
    ],
)
def test_each_fault_is_found(change: Change, severity: str, parts: list[str]) -> None:
    findings = check(make(change))
    assert [
        finding
        for finding in findings
        if finding.severity == severity and all(part in finding.sentence for part in parts)
    ], findings


def test_worst_findings_come_first() -> None:
    def spoil(images: NDArray[np.uint8], labels: NDArray[np.int64], *rest: object) -> None:
        repeat(images, labels, *rest)
        no_bag(images, labels, *rest)

    severities = [finding.severity for finding in check(make(spoil))]
    assert severities[0] == "error"
    assert severities[-1] == "info"
