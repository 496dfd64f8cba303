"""Pictures as rows of a CSV file: a label and one column a pixel, as Kaggle publishes MNIST."""

from __future__ import annotations

import math
from pathlib import PurePosixPath

import numpy as np

from fittingroom.data import fashion_mnist
from fittingroom.data.csv_bytes import LABEL_NAMES, read_numbers
from fittingroom.data.files import DataFile, FileTree
from fittingroom.data.pictures import has_picture_name
from fittingroom.data.reading import LabelledImages, Reading, join, part_of
from fittingroom.errors import DataError

EXTENSIONS = (".csv", ".csv.gz")


def read(tree: FileTree) -> Reading | None:
    """Read the CSV files of a tree; None if there are none.

    A pair is told by "train" and "test" in the names; a single file is read alone. The columns
    are the label (named so, or the first) and the pixels of a square picture, row by row. A test
    file without labels, as in Kaggle's competitions, is left aside.

    Raises
    ------
    DataError
        If there are several data sets, or a file is damaged or no such table.
    """
    files = _find_files(tree)
    if "train" not in files:
        return None
    tables = {part: read_table(file) for part, file in files.items()}
    labelled = {part: table for part, table in tables.items() if table is not None}
    if "train" not in labelled:
        raise DataError(f"{files['train'].where}: no label column; nothing can be learned from it")
    unlabelled = [file.name for part, file in files.items() if tables[part] is None]
    notes = [f"{name} has no labels and is left aside." for name in unlabelled]
    if "validation" in labelled:
        notes.append("The files' validation pictures are part of the training pictures here.")
    learning = join([labelled[part] for part in ("train", "validation") if part in labelled])
    names = None
    if files["train"].name.lower().startswith("fashion-mnist") and _has_ten_classes(learning):
        names = fashion_mnist.CLASSES
        notes.append("The class names are Fashion-MNIST's, by the name of the file.")
    return Reading(learning, labelled.get("test"), names, tuple(notes))


def read_table(file: DataFile) -> LabelledImages | None:
    """Read one CSV file.

    Returns
    -------
    images uint8 (N, 1, S, S) and labels 0..255; None if there are pixels but no labels in it.

    Raises
    ------
    DataError
        If the number of pixel columns is no square, or a value is no whole number from 0 to 255.
    """
    with file.open_content() as stream:
        header, values = read_numbers(stream, file.where)
    columns = values.shape[1]
    named = [column for column, name in enumerate(header or ()) if name.lower() in LABEL_NAMES]
    if header and not named and _side(columns) is not None:
        return None
    side = _side(columns - 1)
    if side is None:
        raise DataError(
            f"{file.where}: expected a label and the pixels of a square picture (785 columns for "
            f"28x28), found {columns:,} columns; keep other pictures in one folder per class"
        )
    label_column = named[0] if named else 0
    images = np.delete(values, label_column, axis=1).reshape(-1, 1, side, side)
    return LabelledImages(images, values[:, label_column].astype(np.int64), file.where)


def _side(pixels: int) -> int | None:
    side = math.isqrt(pixels)
    return side if pixels > 0 and side**2 == pixels else None


def _find_files(tree: FileTree) -> dict[str, DataFile]:
    """Return the files of the data set by part; a single file without a part counts as "train"."""
    tables = [file for file in tree.files if file.name.lower().endswith(EXTENSIONS)]
    sets: dict[tuple[PurePosixPath, str], dict[str, DataFile]] = {}
    for file in tables:
        part, set_name = part_of(file.name)
        if part is not None:
            sets.setdefault((file.path.parent, set_name), {})[part] = file
    sets = {key: files for key, files in sets.items() if "train" in files}
    if len(sets) > 1:
        found = ", ".join(files["train"].where for files in sets.values())
        raise DataError(
            f"{tree.where}: holds {len(sets)} data sets ({found}); give one of them as the path"
        )
    if sets:
        return next(iter(sets.values()))
    alone = len(tables) == 1 and not any(map(has_picture_name, tree.files))
    return {"train": tables[0]} if alone else {}


def _has_ten_classes(data: LabelledImages) -> bool:
    return np.array_equal(np.unique(data.labels), np.arange(len(fashion_mnist.CLASSES)))
