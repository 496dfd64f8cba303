"""What a reader found in files, and how it becomes a data set.

Every format ends here, so labels are numbered, classes named and test pictures held out in one
way for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fittingroom.data.dataset import (
    DataSplits,
    ImageDataset,
    Images,
    Labels,
    check_class_names,
    stratified_indices,
)
from fittingroom.errors import DataError

TEST_SHARE = 0.2
TEST_SEED = 0

_PARTS = {
    "train": "train|training",
    "validation": "val|valid|validation",
    "test": "test|testing|t10k",
}
_WORDS = "|".join(_PARTS.values())
_WHOLE_WORD = re.compile(rf"(?<![a-z])(?:{_WORDS})(?![a-z])", re.IGNORECASE)
_INSIDE_WORD = re.compile(r"train|test", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Pictures with the labels that the files give them.

    Parameters
    ----------
    images
        uint8, shape (N, C, H, W).
    labels
        int64, shape (N,), any values.
    where
        The files, for people to read.
    """

    images: Images
    labels: Labels
    where: str

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise DataError(
                f"{self.where}: {len(self.images):,} images but {len(self.labels):,} labels; "
                "the two belong to different data sets or one is cut short"
            )
        if self.images.size == 0:
            raise DataError(f"{self.where}: no pictures in it")


@dataclass(frozen=True, eq=False)
class Reading:
    """What a reader found.

    Parameters
    ----------
    learning, test
        `test` is None where the files hold no test pictures.
    classes
        Names that the files themselves give, one for each of the labels 0..K-1.
    notes
        What a reader of results should know, one sentence each.
    """

    learning: LabelledImages
    test: LabelledImages | None
    classes: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    def to_splits(self, name: str, source: str, classes: Sequence[str] | None) -> DataSplits:
        """Make a data set: labels from 0, named classes, test pictures held out if there are none.

        Parameters
        ----------
        name, source
            Of the `DataSplits`.
        classes
            Names chosen by the person; they win over the names in the files.

        Raises
        ------
        DataError
            If names and labels do not fit, or there are too few pictures to hold some out.
        """
        parts = [self.learning] if self.test is None else [self.learning, self.test]
        labels = [part.labels for part in parts]
        if self.classes is not None:
            names, labels = _reorder(self.classes, labels, classes, source)
            notes: tuple[str, ...] = ()
        else:
            names, labels, notes = _number(labels, classes, source)
        datasets = [
            ImageDataset(part.images, numbers, names)
            for part, numbers in zip(parts, labels, strict=True)
        ]
        if len(datasets) == 1:
            *datasets, held_out = _hold_out_test(datasets[0], source)
            notes += (held_out,)
        learning, test = datasets
        return DataSplits(name, source, learning, test, notes=self.notes + notes)


def join(parts: Sequence[LabelledImages]) -> LabelledImages:
    """Put pictures of several files behind one another.

    Raises
    ------
    DataError
        If their pictures differ in shape.
    """
    first, *rest = parts
    if not rest:
        return first
    for part in rest:
        if part.images.shape[1:] != first.images.shape[1:]:
            raise DataError(
                f"{part.where}: pictures of shape {part.images.shape[1:]} (C, H, W), but "
                f"{first.images.shape[1:]} in {first.where}"
            )
    return LabelledImages(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        " and ".join(part.where for part in parts),
    )


def part_of(name: str) -> tuple[str | None, str]:
    """Tell which part of a data set a name speaks of, and which set.

    Returns
    -------
    part
        "train", "validation", "test", or None if the name has no such word.
    set_name
        The name with that word replaced by "*": the same for all files of one data set.

    Examples
    --------
    >>> part_of("fashion-mnist_train.csv")
    ('train', 'fashion-mnist_*.csv')
    """
    match = _WHOLE_WORD.search(name) or _INSIDE_WORD.search(name)
    if match is None:
        return None, name
    word = match.group().lower()
    part = next(part for part, words in _PARTS.items() if word in words.split("|"))
    return part, name[: match.start()] + "*" + name[match.end() :]


def _reorder(
    own: tuple[str, ...], labels: list[Labels], classes: Sequence[str] | None, source: str
) -> tuple[tuple[str, ...], list[Labels]]:
    """Give classes that have names of their own the order of `classes`, or new names."""
    names = check_class_names(classes or own, len(own), source)
    if set(names) != set(own):
        return names, labels
    positions = np.array([names.index(name) for name in own], np.int64)
    return names, [positions[part] for part in labels]


def _number(
    labels: list[Labels], classes: Sequence[str] | None, source: str
) -> tuple[tuple[str, ...], list[Labels], tuple[str, ...]]:
    """Name classes that are only numbers; return names, labels from 0, and notes.

    As many names as different labels: they follow the labels' order, whatever the numbers are.
    More names than that: label i has name i, and classes without pictures stay.
    """
    found = np.unique(np.concatenate(labels))
    if classes and len(classes) > len(found) and found[0] >= 0 and found[-1] < len(classes):
        return check_class_names(classes, len(classes), source), labels, ()
    names = check_class_names(classes or [str(label) for label in found], len(found), source)
    if np.array_equal(found, np.arange(len(found))):
        return names, labels, ()
    note = f"The files' labels are {_summary(found)}; here they are counted from 0."
    return names, [np.searchsorted(found, part).astype(np.int64) for part in labels], (note,)


def _summary(found: Labels) -> str:
    if len(found) == found[-1] - found[0] + 1:
        return f"{found[0]} to {found[-1]}"
    return ", ".join(str(label) for label in found)


def _hold_out_test(data: ImageDataset, source: str) -> tuple[ImageDataset, ImageDataset, str]:
    size = round(TEST_SHARE * len(data))
    if size == 0:
        raise DataError(
            f"{source}: no test pictures, and {len(data)} pictures are too few to hold some out; "
            "add pictures"
        )
    test = stratified_indices(data.labels, size, len(data.classes), TEST_SEED)
    learning = np.setdiff1d(np.arange(len(data)), test, assume_unique=True)
    note = (
        f"The files hold no test pictures: {size:,} of the {len(data):,} pictures "
        f"({TEST_SHARE:.0%} of each class, seed {TEST_SEED}) are held out as the test set."
    )
    return data.subset(learning), data.subset(test), note
