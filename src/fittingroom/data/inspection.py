"""What is in a data set, and whether it is sound.

Both functions look at all pictures and change nothing; `fittingroom data show` and
`fittingroom data check` print what they return.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from fittingroom.data.dataset import DataSplits, ImageDataset

# A class with fewer training pictures than this is hardly ever learned.
TINY_CLASS = 20
# Fewer test pictures of a class than this: its score has an interval wider than +-25 points.
TINY_TEST_CLASS = 10
# From here on a network that never names the rare class looks good.
UNBALANCED = 10

_SHOWN = 5

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class ClassCounts:
    """Number of pictures of one class in each split."""

    name: str
    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class DataDescription:
    """What is in a data set.

    Parameters
    ----------
    image_shape
        (C, H, W).
    pixel_mean, pixel_std
        Of all training and validation pictures, channels together, on the scale 0 to 255;
        standard deviation over the population.
    fingerprint
        SHA-256 (hex) of the content.
    """

    name: str
    source: str
    sketches: bool
    image_shape: tuple[int, int, int]
    classes: tuple[ClassCounts, ...]
    train: int
    validation: int
    test: int
    pixel_mean: float
    pixel_std: float
    fingerprint: str
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain dictionaries, lists and values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Finding:
    """One thing that was noticed.

    Parameters
    ----------
    severity
        "error": results would mean little; "warning": results may mislead; "info": good to know.
    sentence
        What and how many, for people to read.
    """

    severity: Severity
    sentence: str

    def to_dict(self) -> dict[str, str]:
        """Return a plain dictionary, for JSON."""
        return asdict(self)


def describe(splits: DataSplits) -> DataDescription:
    """Count pictures by class and split, and take the statistics of the pixels."""
    counts = zip(
        splits.classes,
        splits.train.class_counts.tolist(),
        splits.validation.class_counts.tolist(),
        splits.test.class_counts.tolist(),
        strict=True,
    )
    mean, std = _pixel_statistics(splits.learning)
    return DataDescription(
        name=splits.name,
        source=splits.source,
        sketches=splits.sketches,
        image_shape=splits.image_shape,
        classes=tuple(ClassCounts(*row) for row in counts),
        train=len(splits.train),
        validation=len(splits.validation),
        test=len(splits.test),
        pixel_mean=mean,
        pixel_std=std,
        fingerprint=splits.fingerprint,
        notes=splits.notes,
    )


def check(splits: DataSplits) -> list[Finding]:
    """Look for what makes results mislead, worst first.

    Exact duplicates (within the training pictures, and between these and the test pictures), the
    same picture under different labels, pictures of one value only, classes without or with few
    pictures, and classes of very different size. Indices count the pictures in file order.
    """
    findings = [
        *_find_missing_classes(splits),
        *_find_duplicates(splits),
        *_find_blank("training", splits.learning),
        *_find_blank("test", splits.test),
        *_find_small_classes(splits),
        *_find_imbalance(splits.learning),
    ]
    order: tuple[Severity, ...] = ("error", "warning", "info")
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def _pixel_statistics(data: ImageDataset) -> tuple[float, float]:
    """Return mean and standard deviation, exactly, from how often each value occurs."""
    counts = np.zeros(256, np.int64)
    for image in data.images:  # one by one: bincount makes eight bytes of each pixel
        counts += np.bincount(image.ravel(), minlength=256)
    values = np.arange(256)
    mean = float(counts @ values / counts.sum())
    return mean, float(np.sqrt(counts @ (values - mean) ** 2 / counts.sum()))


def _find_missing_classes(splits: DataSplits) -> list[Finding]:
    findings = []
    for part, data in (("training", splits.learning), ("test", splits.test)):
        if missing := _names_where(data, data.class_counts == 0):
            findings.append(Finding("error", f"No {part} pictures of {missing}."))
    return findings


def _find_duplicates(splits: DataSplits) -> list[Finding]:
    train, test = _groups(splits.learning), _groups(splits.test)
    repeated = [rows for rows in train.values() if len(rows) > 1]
    shared = [(train[picture][0], rows[0]) for picture, rows in test.items() if picture in train]
    shared_count = sum(len(rows) for picture, rows in test.items() if picture in train)
    findings = []
    if shared:
        pairs = _some([f"{in_train} = {in_test}" for in_train, in_test in shared])
        findings.append(
            Finding(
                "warning",
                f"{shared_count:,} test pictures are also training pictures (training index = "
                f"test index: {pairs}); the test score is too good by up to "
                f"{shared_count / len(splits.test):.2%}.",
            )
        )
    if repeated:
        extra = sum(len(rows) - 1 for rows in repeated)
        groups = _some([" = ".join(map(str, rows[:_SHOWN])) for rows in repeated])
        findings.append(
            Finding("info", f"{extra:,} training pictures repeat another one (indices: {groups}).")
        )
    return findings + _find_contradictions(splits, train, test)


def _find_contradictions(
    splits: DataSplits, train: dict[bytes, list[int]], test: dict[bytes, list[int]]
) -> list[Finding]:
    """Find pictures that occur under different labels, in all splits together."""
    contradictions = []
    for picture in train.keys() | test.keys():
        labels = {int(splits.learning.labels[row]) for row in train.get(picture, [])}
        labels |= {int(splits.test.labels[row]) for row in test.get(picture, [])}
        if len(labels) > 1:
            where = f"training index {train[picture][0]}" if picture in train else ""
            where = where or f"test index {test[picture][0]}"
            names = " and ".join(splits.classes[label] for label in sorted(labels))
            contradictions.append(f"{where}: {names}")
    if not contradictions:
        return []
    found = _some(sorted(contradictions))
    return [
        Finding(
            "warning",
            f"{len(contradictions):,} pictures occur under different labels ({found}).",
        )
    ]


def _groups(data: ImageDataset) -> dict[bytes, list[int]]:
    """Return the indices of equal pictures, by the picture's bytes."""
    groups: defaultdict[bytes, list[int]] = defaultdict(list)
    for index, image in enumerate(data.images):
        groups[image.tobytes()].append(index)
    return dict(groups)


def _find_blank(part: str, data: ImageDataset) -> list[Finding]:
    flat = data.images.reshape(len(data), -1)
    blank = np.flatnonzero((flat == flat[:, :1]).all(axis=1))
    if len(blank) == 0:
        return []
    indices = _some([str(index) for index in blank])
    return [
        Finding("warning", f"{len(blank):,} {part} pictures are blank, of one value ({indices}).")
    ]


def _find_small_classes(splits: DataSplits) -> list[Finding]:
    findings = []
    for part, data, least in (
        ("training", splits.learning, TINY_CLASS),
        ("test", splits.test, TINY_TEST_CLASS),
    ):
        counts = data.class_counts
        if small := _names_where(data, (counts > 0) & (counts < least)):
            findings.append(Finding("warning", f"Fewer than {least} {part} pictures of {small}."))
    return findings


def _find_imbalance(data: ImageDataset) -> list[Finding]:
    counts = data.class_counts
    present = np.flatnonzero(counts)
    most, least = present[counts[present].argmax()], present[counts[present].argmin()]
    if counts[most] < UNBALANCED * counts[least]:
        return []
    return [
        Finding(
            "warning",
            f"The classes differ much in size: {counts[most]:,} training pictures of "
            f"{data.classes[most]}, {counts[least]:,} of {data.classes[least]}; "
            "read the scores class by class.",
        )
    ]


def _names_where(data: ImageDataset, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> str:
    return _some([data.classes[label] for label in np.flatnonzero(mask)])


def _some(names: Sequence[str]) -> str:
    """List the first few of many names."""
    shown = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown
