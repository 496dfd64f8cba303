"""Read the data set at a path, whatever form it has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from fittingroom.data import folders, idx, npz, sketches, tables
from fittingroom.data.archives import ZIP_MAGIC, open_archive
from fittingroom.data.dataset import DataSplits
from fittingroom.data.files import DataFile, FileTree, file_on_disk, list_folder
from fittingroom.data.reading import Reading, part_of
from fittingroom.data.shards import reading as shards
from fittingroom.errors import DataError

CLASS_NAMES_FILE = "classes.txt"

_ARCHIVES = (".zip", ".npz")
# An archive in a folder, and an .npz file in that archive.
_MAX_NESTING = 2

_LAYOUTS = (
    "IDX files (train-images-idx3-ubyte, ...), train and test CSV files, one .npz file, a zip of "
    "these, one sub-folder of pictures per class, or shards with their shards.json"
)


def read_path(
    path: Path, *, classes: Sequence[str] | None = None, size: tuple[int, int] | None = None
) -> DataSplits:
    """Read the data set at a path; its name is that of the file or folder.

    Parameters
    ----------
    path
        A folder, an archive or one file; one file of a set stands for the set.
    classes
        Class names; None for those in a classes.txt beside the data, in the files, or numbers.
    size
        (height, width) that folders of pictures are resized to.

    Returns
    -------
    Without validation pictures. Folders marked as sketches are called that.

    Raises
    ------
    DataError
        If there is nothing at the path, or nothing that can be read.
    """
    if not path.exists():
        raise DataError(
            f"{path}: no such file or folder; give a path, or one of the names auto, "
            f"fashion-mnist, {sketches.NAME}"
        )
    folder = shards.folder_of(path)
    if folder is not None:
        splits = shards.read(folder, classes or _names_in_trees([list_folder(folder, depth=1)]))
        return _called_sketches(splits) if splits.sketches else splits
    with ExitStack() as stack:
        tree, beside = _open(path, stack)
        reading, trees = _read(tree, size, stack)
        trees += beside
        names = classes or _names_in_trees(trees)
    # Sketches that were written as files are never taken for real data.
    if any(tree.find(sketches.MARKER) for tree in trees):
        return _called_sketches(reading.to_splits(sketches.NAME, str(path), names))
    return reading.to_splits(tree.name, str(path), names)


def _called_sketches(splits: DataSplits) -> DataSplits:
    notes = (*(note for note in splits.notes if note != sketches.NOTE), sketches.NOTE)
    return splits.but(name=sketches.NAME, sketches=True, notes=notes)


def names_in(file: DataFile) -> tuple[str, ...]:
    """Return the class names in a text file, one a line; empty lines are passed over.

    Raises
    ------
    DataError
        If there are none, or the file is not UTF-8.
    """
    names = tuple(line.strip() for line in file.text().splitlines() if line.strip())
    if not names:
        raise DataError(f"{file.where}: expected one class name a line, found none")
    return names


def _names_in_trees(trees: Sequence[FileTree]) -> tuple[str, ...] | None:
    files = [tree.find(CLASS_NAMES_FILE) for tree in trees]
    return next((names_in(file) for file in files if file), None)


def _open(path: Path, stack: ExitStack) -> tuple[FileTree, list[FileTree]]:
    """Return the tree to read, and the folder around it where that is a file."""
    if path.is_dir():
        return list_folder(path), []
    file = file_on_disk(path)
    beside = list_folder(path.parent, depth=1)
    if file.starts_with(ZIP_MAGIC):
        return stack.enter_context(open_archive(file)), [beside]
    part, _ = part_of(path.name)
    if part is None:
        return FileTree(str(path), path.stem, (file,), ()), [beside]
    return beside.keep(lambda other: _set_of(other.name) == _set_of(path.name)), [beside]


def _set_of(name: str) -> str:
    """Reduce a file's name to what the files of one data set have in common."""
    _, set_name = part_of(name)
    return re.sub("images|labels|idx[13]", "", set_name.lower().removesuffix(".gz"))


def _read(
    tree: FileTree, size: tuple[int, int] | None, stack: ExitStack
) -> tuple[Reading, list[FileTree]]:
    """Read a tree by the first format that it holds, or the one archive in it.

    Returns
    -------
    The reading, and the trees that were opened, the innermost first.
    """
    trees = [tree]
    while True:
        tree = trees[0]
        reading = idx.read(tree) or npz.read(tree) or tables.read(tree) or folders.read(tree, size)
        if reading is not None:
            return reading, trees
        archives = [file for file in tree.files if file.path.suffix.lower() in _ARCHIVES]
        if len(archives) != 1 or len(trees) > _MAX_NESTING:
            found = ", ".join(file.name for file in tree.files[:5]) or "nothing"
            raise DataError(f"{tree.where}: expected {_LAYOUTS}; found {found}")
        trees.insert(0, stack.enter_context(open_archive(archives[0])))
