"""Load time of Fashion-MNIST's four gzip files and of the same data as CSV, beside the usual ways.

Each way reads twice in its process, and the second time counts: libraries are imported, and the
files lie in the system's cache. pyarrow and pandas take part where they are installed; np.loadtxt
reads a twentieth of the rows.
"""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from measuring import data_folder
from row import MEMORY, SECONDS, Found, Row, Size, Turn, Way

LOADTXT_PART = 20


def timed(action: Callable[[], object]) -> Found:
    """Do it twice, and return the second one's seconds."""
    action()
    started = time.perf_counter()
    action()
    return {"seconds": time.perf_counter() - started}


def gzip_and_numpy(folder: Path) -> list[NDArray[np.uint8]]:
    """Return pictures and labels of both parts, as a few lines of NumPy read them."""
    arrays = []
    for part in ("train", "t10k"):
        for kind, dimensions in (("images", 3), ("labels", 1)):
            with gzip.open(folder / f"{part}-{kind}-idx{dimensions}-ubyte.gz") as file:
                values = np.frombuffer(file.read(), np.uint8, offset=4 + 4 * dimensions)
            arrays.append(values.reshape(-1, 28, 28) if dimensions == 3 else values)
    return arrays


def plain(turn: Turn) -> Found:
    """Read with gzip and NumPy."""
    del turn
    return timed(lambda: gzip_and_numpy(data_folder()))


def read(turn: Turn) -> Found:
    """Read with our reader of such files."""
    from fittingroom.data import idx
    from fittingroom.data.files import list_folder

    del turn
    return timed(lambda: idx.read(list_folder(data_folder())))


def load(turn: Turn) -> Found:
    """Load as a person does: verified, divided, with its fingerprint."""
    from fittingroom.data.sources import load

    del turn
    return timed(lambda: load(data_folder()).fingerprint)


def csv_files(turn: Turn) -> list[Path]:
    """Return the data as Kaggle's pair of tables, after writing them where they are not yet."""
    folder = turn.folder.parent / "csv"
    files = [folder / f"fashion-mnist_{part}.csv" for part in ("train", "test")]
    if not all(file.exists() for file in files):
        folder.mkdir(exist_ok=True)
        train_images, train_labels, test_images, test_labels = gzip_and_numpy(data_folder())
        write_table(files[0], train_images, train_labels)
        write_table(files[1], test_images, test_labels)
    return files


def write_table(path: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> None:
    """Write a label and 784 pixels a row."""
    header = "label," + ",".join(f"pixel{number}" for number in range(1, 785))
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(header + "\n")
        for label, image in zip(labels.tolist(), images, strict=True):
            file.write(",".join(map(str, [label, *image.ravel().tolist()])) + "\n")
    part.replace(path)


def pyarrow(turn: Turn, *, arrays: bool) -> Found:
    """Read with pyarrow, to its own tables or to arrays."""
    csv, files = importlib.import_module("pyarrow.csv"), csv_files(turn)

    def once() -> list[object]:
        tables = [csv.read_csv(file) for file in files]
        if not arrays:
            return tables
        return [np.column_stack([column.to_numpy() for column in t.columns]) for t in tables]

    return timed(once)


def pandas(turn: Turn) -> Found:
    """Read with pandas."""
    library, files = importlib.import_module("pandas"), csv_files(turn)
    return timed(lambda: [library.read_csv(file, dtype=np.uint8).to_numpy() for file in files])


def loadtxt(turn: Turn) -> Found:
    """Read a twentieth of the rows with np.loadtxt."""
    files = csv_files(turn)
    rows = [len(labels) // LOADTXT_PART for labels in gzip_and_numpy(data_folder())[1::2]]
    return timed(
        lambda: [
            np.loadtxt(file, np.uint8, delimiter=",", skiprows=1, max_rows=count)
            for file, count in zip(files, rows, strict=True)
        ]
    )


def tables(turn: Turn) -> Found:
    """Read with our reader of tables."""
    from fittingroom.data import tables
    from fittingroom.data.files import list_folder

    folder = csv_files(turn)[0].parent
    return timed(lambda: tables.read(list_folder(folder)))


def csv_ways() -> dict[str, Way]:
    """Return the ways to read the tables, the reference first, pyarrow where it is installed."""
    ways: dict[str, Way] = {}
    if importlib.util.find_spec("pyarrow"):
        ways["pyarrow, table"] = partial(pyarrow, arrays=False)
        ways["pyarrow, arrays"] = partial(pyarrow, arrays=True)
    if importlib.util.find_spec("pandas"):
        ways["pandas"] = pandas
    return {**ways, "fittingroom": tables, f"np.loadtxt, 1/{LOADTXT_PART} of it": loadtxt}


def row_of(name: str, title: str, ways: dict[str, Way]) -> Row:
    """Return a row whose first way is the reference."""
    return Row(
        name=name,
        title=title,
        ways=ways,
        reference=next(iter(ways)),
        full=Size(7),
        quick=Size(3, note="3 turns of 7") if name == "loading" else None,
        tiny=Size(1),
        quantities=(SECONDS, MEMORY),
    )


ROWS = (
    row_of(
        "loading",
        "reading the four gzip files",
        {"gzip + NumPy": plain, "read": read, "load (verified, divided)": load},
    ),
    row_of("loading-csv", "reading the same data as two CSV files", csv_ways()),
)
