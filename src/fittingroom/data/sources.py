"""Find, download or draw a data set, by name or path."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from fittingroom.data import fashion_mnist, idx, sketches, tables
from fittingroom.data.archives import open_archive
from fittingroom.data.dataset import DataSplits, check_class_names, number_names
from fittingroom.data.files import DataFile, FileTree, file_on_disk, list_folder
from fittingroom.data.paths import names_in, read_path
from fittingroom.data.reading import Reading, part_of
from fittingroom.errors import DataError, DownloadError

AUTO = "auto"
DATA_VARIABLE = "FITTINGROOM_DATA"

# The names that browsers and Kaggle's own client give to Kaggle's download.
_KAGGLE_ARCHIVES = ("archive.zip", "fashionmnist.zip", "fashion-mnist.zip")
_MAX_SIDE = 1024

Announce = Callable[[str], None]
Size = tuple[int, int]


def load(
    source: str | os.PathLike[str] = AUTO,
    *,
    classes: Sequence[str] | str | os.PathLike[str] | None = None,
    size: int | Size | None = None,
    announce: Announce | None = None,
) -> DataSplits:
    """Load a data set by name or path, with the default validation pictures held back.

    Parameters
    ----------
    source
        "fashion-mnist": looked for in the folder that FITTINGROOM_DATA names, in ./data (in both
        also in the sub-folder fashion-mnist) and in the user's cache, else downloaded.
        "sketches": drawn by the program. "auto": Fashion-MNIST, or the sketches where it can
        neither be found nor downloaded. Anything else is the path of a file or folder; write
        ./sketches for a folder of that name.
    classes
        Class names in label order, or the path of a UTF-8 text file with one a line. By default
        those in a classes.txt beside the data, else those in the files, else numbers.
    size
        Height and width that folders of pictures are resized to; one number for both.
    announce
        Gets one-line messages for people about what takes time.

    Raises
    ------
    DataError
        If there is no such data set, or it cannot be read or does not make sense.
    DownloadError
        If "fashion-mnist" is nowhere and cannot be downloaded.
    """
    say = announce or _say_nothing
    names = None if classes is None else _class_names(classes)
    wanted = None if size is None else _height_and_width(size)
    if source == AUTO:
        splits = _load_auto(names, say)
    elif source == fashion_mnist.NAME:
        splits = _load_fashion_mnist(names, say)
    elif source == sketches.NAME:
        splits = _draw_sketches(names, say)
    else:
        splits = _load_path(Path(source).expanduser(), names, wanted)
    height, width = splits.image_shape[1:]
    if wanted not in {None, (height, width)}:
        raise DataError(
            f"{splits.source}: its pictures are {height}x{width}, not {wanted[0]}x{wanted[1]} as "
            "asked for; only folders of pictures are resized"
        )
    return splits.with_validation()


def _say_nothing(message: str) -> None:
    del message


def _class_names(classes: Sequence[str] | str | os.PathLike[str]) -> tuple[str, ...]:
    if isinstance(classes, str | os.PathLike):
        return names_in(file_on_disk(Path(classes).expanduser()))
    return tuple(classes)


def _height_and_width(size: int | Size) -> Size:
    height, width = (size, size) if isinstance(size, int) else size
    if not (1 <= height <= _MAX_SIDE and 1 <= width <= _MAX_SIDE):
        raise DataError(f"size: expected 1 to {_MAX_SIDE} pixels a side, found {height}x{width}")
    return height, width


def _load_auto(names: tuple[str, ...] | None, say: Announce) -> DataSplits:
    try:
        return _load_fashion_mnist(names, say)
    except DownloadError:
        note = (
            "These are the built-in sketches, not Fashion-MNIST, which was neither found nor could "
            "be downloaded. To get it, put its four files from "
            "https://github.com/zalandoresearch/fashion-mnist into ./data, or let "
            f"{DATA_VARIABLE} name their folder."
        )
        return _with_classes(sketches.draw(), names).but(notes=(note,))


def _draw_sketches(names: tuple[str, ...] | None, say: Announce) -> DataSplits:
    say("Drawing the built-in sketches ...")
    return _with_classes(sketches.draw(), names)


def _load_fashion_mnist(names: tuple[str, ...] | None, say: Announce) -> DataSplits:
    for folder in _search_folders():
        splits = _find_fashion_mnist(folder)
        if splits is not None:
            return _with_classes(_verified(splits), names or fashion_mnist.CLASSES)
    from fittingroom.data.download import fashion_mnist_files

    folder = fashion_mnist_files(announce=say)
    splits = _find_fashion_mnist(folder)
    if splits is None:
        raise DataError(f"{folder}: Fashion-MNIST was downloaded there and is gone; try again")
    return _with_classes(_verified(splits), names or fashion_mnist.CLASSES)


def _search_folders() -> list[Path]:
    """Return the folders to look in, best first."""
    parents = [Path("data")]
    if named := os.environ.get(DATA_VARIABLE):
        if not Path(named).expanduser().is_dir():
            raise DataError(f"{DATA_VARIABLE}: names {named}, which is no folder; set it right")
        parents.insert(0, Path(named).expanduser())
    folders = [folder for parent in parents for folder in (parent, parent / fashion_mnist.NAME)]
    return [folder for folder in folders if folder.is_dir()]


def _find_fashion_mnist(folder: Path) -> DataSplits | None:
    """Read files at the top of a folder that have Fashion-MNIST's names; None if there are none."""
    tree = list_folder(folder, depth=2)
    reading = _read_named(tree)
    for file in tree.files:
        if reading is None and str(file.path) in _KAGGLE_ARCHIVES:
            with open_archive(file) as archive:
                reading = _read_named(archive)
    if reading is None:
        return None
    return reading.to_splits(fashion_mnist.NAME, str(folder), None)


def _read_named(tree: FileTree) -> Reading | None:
    named = tree.keep(_has_fashion_mnist_name)
    return idx.read(named) or tables.read(named)


def _has_fashion_mnist_name(file: DataFile) -> bool:
    if file.path.parent.name not in {"", file.name}:
        return False
    _, set_name = part_of(file.name)
    return set_name.startswith(("*-images", "*-labels", "fashion-mnist_*.csv"))


def _verified(splits: DataSplits) -> DataSplits:
    if fashion_mnist.is_original(splits):
        return splits
    if fashion_mnist.is_reordered(splits):
        return splits.but(notes=(*splits.notes, fashion_mnist.REORDERED_NOTE))
    changed = fashion_mnist.changed_files(Path(splits.source))
    where = ", ".join(str(path) for path in changed) or splits.source
    raise DataError(
        f"{where}: damaged, or another content than Fashion-MNIST's under its name (expected "
        f"fingerprint {fashion_mnist.FINGERPRINT[:12]}, found {splits.fingerprint[:12]}); get the "
        f"original again, or to use the files as they are give the path {splits.source}"
    )


def _load_path(path: Path, names: tuple[str, ...] | None, size: Size | None) -> DataSplits:
    """Read what is at a path; known content gets its name, and no other content does."""
    splits = read_path(path, classes=names, size=size)
    if splits.sketches:
        return splits
    if not (fashion_mnist.is_original(splits) or fashion_mnist.is_reordered(splits)):
        known = splits.name in {AUTO, sketches.NAME, fashion_mnist.NAME}
        return splits.but(name=f"other-{splits.name}") if known else splits
    splits = _verified(splits.but(name=fashion_mnist.NAME))
    unnamed = splits.classes == number_names(len(splits.classes))
    return _with_classes(splits, fashion_mnist.CLASSES if unnamed else None)


def _with_classes(splits: DataSplits, classes: Sequence[str] | None) -> DataSplits:
    if classes is None:
        return splits
    names = check_class_names(classes, len(splits.classes), splits.source)
    return splits.but(classes=names)
