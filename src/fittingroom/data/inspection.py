"""What is in a data set, and whether it is sound.

Both functions look at all pictures and change nothing; `fittingroom data show` and
`fittingroom data check` print what they return.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from fittingroom.data.dataset import DataSplits, ImageDataset, Labels
from fittingroom.data.duplicates import number_equals
from fittingroom.data.passes import count_values, in_pieces
from fittingroom.data.shards.reading import verify

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

    Memory is needed for the numbers of the pictures, not for the pictures of a set in shards.

    Raises
    ------
    DataError
        If the files of a set in shards are not what was written.
    """
    if splits.learning.on_disk is not None:
        verify(splits.learning.on_disk)
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
    counts = count_values(data.images).sum(axis=0)
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
    train, test = number_equals(splits.learning.images, splits.test.images)
    findings = _find_shared(train, test) + _find_repeated(train)
    return findings + _find_contradictions(splits, train, test)


def _find_shared(train: Labels, test: Labels) -> list[Finding]:
    """Find test pictures that are training pictures too, by the numbers of equal ones."""
    shared = np.isin(test, train)
    if not shared.any():
        return []
    firsts = _first_ones(np.where(shared, test, -1))
    pairs = [f"{_first(train, test[row])} = {row}" for row in firsts[:_SHOWN].tolist()]
    return [
        Finding(
            "warning",
            f"{np.count_nonzero(shared):,} test pictures are also training pictures (training "
            f"index = test index: {_some(pairs, len(firsts))}); the test score is too good by up "
            f"to {np.mean(shared):.2%}.",
        )
    ]


def _find_repeated(train: Labels) -> list[Finding]:
    """Find training pictures that occur more than once, by the numbers of equal ones."""
    often = np.bincount(train)[train] > 1
    if not often.any():
        return []
    firsts = _first_ones(np.where(often, train, -1))
    extra = np.count_nonzero(often) - len(firsts)
    groups = [
        " = ".join(map(str, np.flatnonzero(train == train[row])[:_SHOWN].tolist()))
        for row in firsts[:_SHOWN]
    ]
    found = _some(groups, len(firsts))
    return [Finding("info", f"{extra:,} training pictures repeat another one (indices: {found}).")]


def _find_contradictions(splits: DataSplits, train: Labels, test: Labels) -> list[Finding]:
    """Find pictures that occur under different labels, in all splits together."""
    numbers = np.concatenate([train, test])
    labels = np.concatenate([splits.learning.labels, splits.test.labels])
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    lowest, highest = (f.reduceat(labels[order], starts) for f in (np.minimum, np.maximum))
    rows = order[starts[lowest != highest]].tolist()  # where each of them occurs first
    if not rows:
        return []

    def describe_row(row: int) -> str:
        in_train = row < len(train)
        where = f"training index {row}" if in_train else f"test index {row - len(train)}"
        found = np.unique(labels[numbers == numbers[row]])
        return f"{where}: {' and '.join(splits.classes[label] for label in found)}"

    found = _some([describe_row(row) for row in sorted(rows)[:_SHOWN]], len(rows))
    return [Finding("warning", f"{len(rows):,} pictures occur under different labels ({found}).")]


def _first_ones(numbers: Labels) -> Labels:
    """Return the rows in which a number, -1 apart, is for the first time, in rising order."""
    different, firsts = np.unique(numbers, return_index=True)
    return np.sort(firsts[different >= 0])


def _first(numbers: Labels, wanted: int) -> int:
    return int(np.flatnonzero(numbers == wanted)[0])


def _find_blank(part: str, data: ImageDataset) -> list[Finding]:
    flat = (piece.reshape(len(piece), -1) for piece in in_pieces(data.images))
    blank = np.flatnonzero(np.concatenate([(f == f[:, :1]).all(axis=1) for f in flat]))
    if len(blank) == 0:
        return []
    indices = _some([str(index) for index in blank[:_SHOWN]], len(blank))
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
    names = [data.classes[label] for label in np.flatnonzero(mask)]
    return _some(names[:_SHOWN], len(names))


def _some(shown: Sequence[str], count: int) -> str:
    """List the first few of `count` names."""
    more = count - len(shown)
    listed = ", ".join(shown)
    return f"{listed} and {more:,} more" if more > 0 else listed
