"""Pictures in one folder per class, with or without `train` and `test` above."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from fittingroom.data.dataset import Images
from fittingroom.data.files import DataFile, FileTree, normal_name
from fittingroom.data.pictures import (
    NotAPictureError,
    has_picture_name,
    picture_size,
    read_picture,
)
from fittingroom.data.reading import LabelledImages, Reading, join, part_of
from fittingroom.errors import DataError

# Pictures that all have one size of at most this many pixels a side are taken as they are;
# others get Fashion-MNIST's size.
MAX_OWN_SIDE = 64
DEFAULT_SIZE = (28, 28)
_SHOWN = 5

# The files of one part of a data set, by class name.
_Part = dict[str, list[DataFile]]


def read(tree: FileTree, size: tuple[int, int] | None = None) -> Reading | None:
    """Read the pictures of a tree; None if there are none.

    Classes are named by their folders, and matched by name between training and test pictures.
    Pictures become grey if all of them are, else RGB. Files that are no pictures are left out
    and named in the notes.

    Parameters
    ----------
    size
        (height, width) of the result; None for the pictures' own size if they all have the same
        and it is at most 64 a side, else 28x28.

    Raises
    ------
    DataError
        If the folders do not form classes, a class has no pictures or is missing on one side.
    """
    pictures = [file for file in tree.files if has_picture_name(file)]
    if not pictures:
        return None
    layout, other_folders = _find_parts(tree, _common_folder(pictures))
    classes = _check_classes(tree, layout)
    size, notes = (size, []) if size else _choose_size(layout)
    skipped: list[str] = []
    parts = {
        part: _read_part(files, classes, size, f"{tree.where} ({part})", skipped)
        for part, files in layout.items()
    }
    colour = any(part.images.shape[1] == 3 for part in parts.values())
    parts = {part: _with_channels(data, 3 if colour else 1) for part, data in parts.items()}
    notes.append("Pictures are read as " + ("RGB." if colour else "grey."))
    if "validation" in parts:
        notes.append("The files' validation pictures are part of the training pictures here.")
    if skipped:
        notes.append(f"Left out, as no pictures that can be read: {_some(skipped)}.")
    if other_folders:
        notes.append(f"Left out, beside the training folder: {_some(other_folders)}.")
    learning = join([parts[part] for part in ("train", "validation") if part in parts])
    return Reading(learning, parts.get("test"), classes, tuple(notes))


def _common_folder(pictures: Sequence[DataFile]) -> PurePosixPath:
    """Return the deepest folder that holds the class folders of all pictures."""
    folders = {str(file.path.parent) for file in pictures}
    common = PurePosixPath(os.path.commonpath(folders))
    # a single folder of pictures is a class itself; so is one that has pictures beside folders
    return common.parent if folders == {str(common)} else common


def _find_parts(tree: FileTree, base: PurePosixPath) -> tuple[dict[str, _Part], list[str]]:
    """Return the files by part and class, and the folders beside train and test."""
    children = [folder for folder in tree.folders if folder.parent == base]
    by_part = {child: _part_of_folder(child.name) for child in children}
    if "train" not in by_part.values():
        if _part_of_folder(base.name) == "test" or "test" in by_part.values():
            raise DataError(f"{tree.where}: a test folder, but no train folder beside it")
        return {"train": _classes_in(tree, base)}, []
    layout: dict[str, _Part] = {}
    for child, part in by_part.items():
        if part is not None:
            layout.setdefault(part, {}).update(_classes_in(tree, child))
    return layout, [child.name for child, part in by_part.items() if part is None]


def _classes_in(tree: FileTree, base: PurePosixPath) -> _Part:
    """Return the files below each sub-folder of `base`, by the sub-folder's name."""
    part: _Part = {normal_name(folder.name): [] for folder in tree.folders if folder.parent == base}
    depth = len(base.parts)
    for file in tree.files:
        if base in file.path.parents and len(file.path.parts) > depth + 1:
            part[normal_name(file.path.parts[depth])].append(file)
    return part


def _part_of_folder(name: str) -> str | None:
    """Tell which part of a data set a folder's name stands for, None for a class."""
    part, rest = part_of(name)
    return part if rest == "*" else None


def _check_classes(tree: FileTree, layout: dict[str, _Part]) -> tuple[str, ...]:
    """Return the class names in order: by number if all are numbers, else alphabetically."""
    names = set().union(*layout.values())
    for part, files in layout.items():
        found = {name for name, of_class in files.items() if any(map(has_picture_name, of_class))}
        missing = sorted(names - found)
        if missing and part != "validation":
            raise DataError(
                f"{tree.where}: no pictures of {_some(missing)} in the {part} folder; every class "
                "needs a folder with pictures of it in train and in test"
            )
    if len(names) < 2:
        raise DataError(
            f"{tree.where}: expected one sub-folder of pictures per class, found pictures in one "
            "folder only; give the folder above, or sort the pictures into folders"
        )
    if all(name.isdecimal() for name in names):
        return tuple(sorted(names, key=int))
    return tuple(sorted(names))


def _choose_size(layout: dict[str, _Part]) -> tuple[tuple[int, int], list[str]]:
    sizes = set()
    for files in layout.values():
        for file in (file for of_class in files.values() for file in of_class):
            try:
                sizes.add(picture_size(file))
            except NotAPictureError:
                continue  # named when it is read
    if len(sizes) == 1 and max(max(sizes)) <= MAX_OWN_SIDE:
        return sizes.pop(), []
    height, width = DEFAULT_SIZE
    sizes_found = "one size" if len(sizes) == 1 else f"{len(sizes):,} sizes"
    note = f"The pictures have {sizes_found} and are resized to {height}x{width} (--size)."
    return DEFAULT_SIZE, [note]


def _read_part(
    part: _Part, classes: Sequence[str], size: tuple[int, int], where: str, skipped: list[str]
) -> LabelledImages:
    """Read the pictures of a part, class by class; add the unreadable files to `skipped`."""
    pictures: list[Images] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        before = len(pictures)
        for file in part.get(name, []):
            try:
                pictures.append(read_picture(file, size))
            except NotAPictureError:
                skipped.append(str(file.path))
        labels += [label] * (len(pictures) - before)
        if len(pictures) == before and name in part:
            raise DataError(f"{where}: no file of class {name!r} is a picture that can be read")
    channels = 3 if any(picture.ndim == 3 for picture in pictures) else 1
    images = np.empty((len(pictures), channels, *size), np.uint8)
    for image, picture in zip(images, pictures, strict=True):
        image[:] = picture if picture.ndim == 2 else picture.transpose(2, 0, 1)
    return LabelledImages(images, np.array(labels, np.int64), where)


def _with_channels(data: LabelledImages, channels: int) -> LabelledImages:
    if data.images.shape[1] == channels:
        return data
    return LabelledImages(np.repeat(data.images, channels, axis=1), data.labels, data.where)


def _some(names: Sequence[str]) -> str:
    """List the first few of many names."""
    shown = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown
