"""Read a set in shards: labels and class names; the pictures stay where they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fittingroom.data.dataset import DataSplits, Labels, as_images
from fittingroom.data.on_disk import ImagesOnDisk, PictureFile
from fittingroom.data.reading import LabelledImages, Reading
from fittingroom.data.shards import index
from fittingroom.data.shards.digests import digest_files
from fittingroom.data.shards.layout import PARTS, ArrayFile, Layout, Part
from fittingroom.errors import DataError

_SHARD = re.compile(r"(train|test)-\d+-(images|labels)-idx\d-(ubyte|int)")
_ADVICE = "copy or write the set again"


def folder_of(path: Path) -> Path | None:
    """Return the folder of the set in shards that a path is, or is a file of; None if of none."""
    folder = path if path.is_dir() else path.parent
    named = path.is_dir() or path.name == index.NAME or _SHARD.fullmatch(path.name)
    return folder if named and (folder / index.NAME).is_file() else None


def read(folder: Path, classes: Sequence[str] | None = None) -> DataSplits:
    """Read a set in shards, without validation pictures.

    The size and the header of every file are checked. Its content is not, which would take as
    long as reading all of it: the fingerprint in the index is trusted, and `verify` tells whether
    it may be.

    Parameters
    ----------
    folder
        With a `shards.json`.
    classes
        Class names; None for those in the index.

    Raises
    ------
    DataError
        If a file is missing, damaged or too many.
    """
    found = index.read_index(folder / index.NAME)
    _check_files(folder, found.layout)
    learning, test = (_read_part(folder, found.layout, part) for part in PARTS)
    reading = Reading(learning, test, found.classes, found.notes)
    splits = reading.to_splits(folder.resolve().name, str(folder), classes)
    splits = splits.but(sketches=found.sketches)
    if classes is None or list(classes) == list(found.classes):
        return splits.with_fingerprint(found.fingerprint)
    return splits


def verify(images: ImagesOnDisk) -> None:
    """See that the files of a set in shards have the content that was written.

    Parameters
    ----------
    images
        Some of its pictures; all files of the set are read.

    Raises
    ------
    DataError
        If one has not, or cannot be read.
    """
    folder = images.files[0].path.parent
    found = index.read_index(folder / index.NAME)
    try:
        fingerprint, digests = digest_files(folder, found.layout)
    except OSError as error:
        raise DataError(f"{error.filename or folder}: cannot be read ({error.strerror})") from error
    damaged = [name for name, digest in digests.items() if digest != found.digests[name]]
    if damaged:
        more = f" and {len(damaged) - 1:,} other files" if len(damaged) > 1 else ""
        raise DataError(
            f"{folder / damaged[0]}{more}: damaged: another SHA-256 than in {index.NAME}; {_ADVICE}"
        )
    if fingerprint != found.fingerprint:
        raise DataError(
            f"{folder / index.NAME}: damaged: expected the files' fingerprint "
            f"{fingerprint[:16]}..., found {found.fingerprint[:16]}...; {_ADVICE}"
        )


def _check_files(folder: Path, layout: Layout) -> None:
    files = {file.name: file for part in PARTS for file in layout.files(part)}
    try:
        names = {path.name for path in folder.iterdir() if _SHARD.fullmatch(path.name)}
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror})") from error
    if strangers := names - files.keys():
        raise DataError(
            f"{folder / min(strangers)}: a shard that {index.NAME} does not know, perhaps of "
            "another set; move it away"
        )
    for file in files.values():
        _check_file(folder, file)


def _check_file(folder: Path, file: ArrayFile) -> None:
    path = folder / file.name
    try:
        with path.open("rb") as stream:
            start = stream.read(len(file.header))
        size = path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); {_ADVICE}") from error
    if size != file.size:
        raise DataError(f"{path}: damaged: expected {file.size:,} bytes, found {size:,}; {_ADVICE}")
    if start != file.header:
        raise DataError(
            f"{path}: damaged: expected an IDX file of shape {file.shape}, which starts with "
            f"{file.header.hex(' ')}, found {start.hex(' ')}; {_ADVICE}"
        )


def _read_part(folder: Path, layout: Layout, part: Part) -> LabelledImages:
    shards = layout.shards(part)
    files = tuple(
        PictureFile(folder / shard.images.name, len(shard.images.header), shard.count)
        for shard in shards
    )
    labels = [_read_labels(folder, shard.labels, layout.num_classes) for shard in shards]
    return LabelledImages(
        as_images(ImagesOnDisk(files, layout.image_shape)), np.concatenate(labels), str(folder)
    )


def _read_labels(folder: Path, file: ArrayFile, num_classes: int) -> Labels:
    path = folder / file.name
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); {_ADVICE}") from error
    labels = np.frombuffer(stored, file.dtype, offset=len(file.header)).astype(np.int64)
    if not 0 <= labels.min() <= labels.max() < num_classes:
        raise DataError(
            f"{path}: damaged: labels must lie in 0..{num_classes - 1}, found {labels.min()}.."
            f"{labels.max()}; {_ADVICE}"
        )
    return labels
