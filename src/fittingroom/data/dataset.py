"""Images, labels and class names in memory, and how they are divided.

Nothing here imports torch: a data set can be read, checked and drawn without it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fittingroom.data.on_disk import ImagesOnDisk
from fittingroom.data.passes import in_pieces
from fittingroom.errors import DataError

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]

DEFAULT_VALIDATION_SIZE = 5_000


@dataclass(frozen=True, eq=False, repr=False)
class ImageDataset:
    """Labelled pictures of one size.

    Parameters
    ----------
    images
        uint8, shape (N, C, H, W), values 0 to 255; C is 1 (grey) or 3 (RGB). Of a set in shards
        they stay in its files: `ImagesOnDisk`, which are indexed alike and which `np.asarray`
        reads.
    labels
        int64, shape (N,), values 0 to K-1: indices into `classes`.
    classes
        The K class names, in label order.

    Raises
    ------
    DataError
        If shapes, types or label values do not fit together.
    """

    images: Images
    labels: Labels
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        if images.dtype != np.uint8 or images.ndim != 4:
            raise DataError(
                "images must be uint8 of shape (N, C, H, W), "
                f"found {images.dtype} of shape {images.shape}"
            )
        if labels.dtype != np.int64 or labels.ndim != 1:
            raise DataError(
                f"labels must be int64 of shape (N,), found {labels.dtype} of shape {labels.shape}"
            )
        if len(images) != len(labels):
            raise DataError(f"{len(images):,} images but {len(labels):,} labels")
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(self.classes):
            raise DataError(
                f"labels must lie in 0..{len(self.classes) - 1} for {len(self.classes)} classes, "
                f"found {labels.min()}..{labels.max()}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return (
            f"<ImageDataset: {len(self):,} pictures {self.image_shape}, "
            f"{len(self.classes)} classes>"
        )

    def _repr_html_(self) -> str:
        from fittingroom.data.display import show_dataset

        return show_dataset(self)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one picture."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    @property
    def class_counts(self) -> Labels:
        """Number of pictures of each class, int64, shape (K,)."""
        return np.bincount(self.labels, minlength=len(self.classes)).astype(np.int64)

    @property
    def on_disk(self) -> ImagesOnDisk | None:
        """The pictures if they stay in files, None if they lie in memory."""
        return _if_on_disk(self.images)

    def subset(self, indices: NDArray[np.int64]) -> ImageDataset:
        """Return the pictures at `indices`, in that order: copied, unless they stay in files."""
        on_disk = self.on_disk
        chosen = self.images[indices] if on_disk is None else on_disk.view(indices)
        return ImageDataset(as_images(chosen), self.labels[indices], self.classes)


@dataclass(frozen=True, eq=False, repr=False)
class DataSplits:
    """One data set, divided into training, validation and test pictures.

    The division is part of the object and is made from the content and a seed alone:
    the same files, size and seed always give the same pictures.

    Parameters
    ----------
    name
        A short name, e.g. "fashion-mnist"; part of a run's name.
    source
        Where the pictures came from, for people to read: a path, an address, "drawn with seed 0".
    learning
        All pictures that may be learned from, in file order: training and validation together.
    test
        The pictures that are looked at once, at the end.
    validation_indices
        int64, sorted: which of `learning` are held back for validation. Empty for none.
    sketches
        True if the pictures are the program's own drawings, not a real data set.
    notes
        What a reader should know about how the data came together, one sentence each.
    """

    name: str
    source: str
    learning: ImageDataset
    test: ImageDataset
    validation_indices: Labels = field(default_factory=lambda: np.empty(0, np.int64))
    sketches: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.learning.classes != self.test.classes:
            raise DataError(
                f"{self.source}: training and test pictures have different classes: "
                f"{list(self.learning.classes)} and {list(self.test.classes)}"
            )
        if self.learning.image_shape != self.test.image_shape:
            raise DataError(
                f"{self.source}: training pictures are {self.learning.image_shape} (C, H, W), "
                f"test pictures {self.test.image_shape}; give one --size for both"
            )

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in label order."""
        return self.learning.classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one picture."""
        return self.learning.image_shape

    @cached_property
    def train(self) -> ImageDataset:
        """The pictures to learn from: `learning` without the validation pictures."""
        if len(self.validation_indices) == 0:
            return self.learning
        keep = np.ones(len(self.learning), dtype=bool)
        keep[self.validation_indices] = False
        return self.learning.subset(np.flatnonzero(keep))

    @cached_property
    def validation(self) -> ImageDataset:
        """The pictures that choices are made on; empty if none were held back."""
        return self.learning.subset(self.validation_indices)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the content: shapes, pictures and labels of both parts, and K.

        Class names, file format and the choice of validation pictures leave it unchanged.
        """
        digest = new_fingerprint(len(self.classes))
        for part in (self.learning, self.test):
            digest.update(repr(part.images.shape).encode())
            for piece in in_pieces(part.images):
                digest.update(np.ascontiguousarray(piece).data)
            digest.update(np.ascontiguousarray(part.labels, dtype="<i8").data)
        return digest.hexdigest()

    def with_validation(self, size: int | None = None, seed: int = 0) -> DataSplits:
        """Hold back `size` of the learning pictures for validation, stratified by class.

        Parameters
        ----------
        size
            Number of pictures; None for 5,000, or a tenth of the learning pictures if that is
            less; 0 for none.
        seed
            Which pictures: the same seed gives the same ones.

        Raises
        ------
        DataError
            If `size` leaves nothing to learn from.
        """
        total = len(self.learning)
        if size is None:
            size = min(DEFAULT_VALIDATION_SIZE, total // 10)
        if not 0 <= size < total:
            raise DataError(
                f"validation_size must be less than the {total:,} training pictures, found {size:,}"
            )
        indices = stratified_indices(self.learning.labels, size, len(self.classes), seed)
        return self.but(validation_indices=indices)

    def with_fingerprint(self, fingerprint: str) -> DataSplits:
        """Return the same data, with a fingerprint to trust instead of one to compute."""
        trusting = replace(self)
        vars(trusting)["fingerprint"] = fingerprint
        return trusting

    def but(self, *, classes: tuple[str, ...] | None = None, **fields: Any) -> DataSplits:
        """Return the same pictures under other class names, or with other fields.

        Neither of the parts can be replaced: so the fingerprint, once known, stays known.
        """
        if classes is not None:
            fields["learning"] = replace(self.learning, classes=classes)
            fields["test"] = replace(self.test, classes=classes)
        changed = replace(self, **fields)
        known = "fingerprint" in vars(self)
        return changed.with_fingerprint(self.fingerprint) if known else changed

    def __repr__(self) -> str:
        held_back = len(self.validation_indices)
        return (
            f"<DataSplits {self.name}: {len(self.learning) - held_back:,} training, "
            f"{held_back:,} validation, {len(self.test):,} test pictures {self.image_shape}, "
            f"{len(self.classes)} classes>"
        )

    def _repr_html_(self) -> str:
        from fittingroom.data.display import show_splits

        return show_splits(self)


def as_images(images: Images | ImagesOnDisk) -> Images:
    """Let pictures in files stand where an array is expected: they are indexed alike."""
    return cast("Images", images)


def _if_on_disk(images: object) -> ImagesOnDisk | None:
    return images if isinstance(images, ImagesOnDisk) else None


def new_fingerprint(num_classes: int) -> hashlib._Hash:
    """Begin a fingerprint of data with so many classes."""
    return hashlib.sha256(f"fittingroom-data/1 classes={num_classes}".encode())


def stratified_indices(labels: Labels, size: int, num_classes: int, seed: int) -> Labels:
    """Draw `size` indices without replacement, each class in proportion to its frequency.

    Shares are rounded by largest remainder (Hamilton's method), so that they add up to `size`.

    Parameters
    ----------
    labels
        int64, shape (N,), values 0 to num_classes-1.
    size
        How many to draw, 0 to N.

    Returns
    -------
    int64, shape (size,), sorted.
    """
    counts = np.bincount(labels, minlength=num_classes)
    exact = counts * (size / max(len(labels), 1))
    shares = np.floor(exact).astype(np.int64)
    by_remainder = np.argsort(-(exact - shares), kind="stable")
    shares[by_remainder[: size - int(shares.sum())]] += 1
    rng = np.random.default_rng(seed)
    drawn = [
        rng.choice(np.flatnonzero(labels == label), share, replace=False)
        for label, share in enumerate(shares)
    ]
    return np.sort(np.concatenate(drawn)).astype(np.int64)


def number_names(num_classes: int) -> tuple[str, ...]:
    """Name classes by their numbers: "0", "1", ..."""
    return tuple(str(number) for number in range(num_classes))


def check_class_names(classes: Sequence[str], num_classes: int, source: str) -> tuple[str, ...]:
    """Return `classes` as a tuple if there are `num_classes` different, non-empty ones.

    Raises
    ------
    DataError
        If there are too few or too many, or two are the same.
    """
    names = tuple(name.strip() for name in classes)
    if len(names) != num_classes:
        raise DataError(
            f"{source}: expected {num_classes} class names, found {len(names)}: {list(names)}"
        )
    if len(set(names)) != len(names) or "" in names:
        raise DataError(f"{source}: class names must be different and not empty: {list(names)}")
    return names
