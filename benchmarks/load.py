"""Load time of Fashion-MNIST's four gzip files and of the same data as CSV, beside the usual ways.

``FITTINGROOM_DATA=... python benchmarks/load.py [repetitions]``

All ways take turns in one process, so that a busy machine harms them alike. pyarrow and pandas
take part where they are installed; np.loadtxt reads only a part of the rows.
"""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fittingroom.data import idx, tables
from fittingroom.data.files import list_folder
from fittingroom.data.sources import load
from measuring import data_folder, machine, print_comparison

Way = Callable[[], object]

LOADTXT_PART = 20


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    folder = data_folder()
    print(machine())
    print("four gzip files")
    compare(
        {
            "gzip + NumPy": lambda: gzip_and_numpy(folder),
            "read": lambda: idx.read(list_folder(folder)),
            "load (verified, divided)": lambda: load(folder),
        },
        repetitions,
    )
    with tempfile.TemporaryDirectory() as name:
        write_tables(folder, Path(name))
        print("CSV pair")
        compare(csv_ways(Path(name)), repetitions)


def compare(ways: dict[str, Way], repetitions: int) -> None:
    """Time all ways in turn, after one turn that is not timed; the first is the reference."""
    results: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for turn in range(repetitions + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if turn > 0:
                results[name].append({"seconds": time.perf_counter() - start})
    print_comparison(results, "seconds", "s", reference=next(iter(ways)))


def gzip_and_numpy(folder: Path) -> list[NDArray[np.uint8]]:
    arrays = []
    for part in ("train", "t10k"):
        for kind, dimensions in (("images", 3), ("labels", 1)):
            with gzip.open(folder / f"{part}-{kind}-idx{dimensions}-ubyte.gz") as file:
                values = np.frombuffer(file.read(), np.uint8, offset=4 + 4 * dimensions)
            arrays.append(values.reshape(-1, 28, 28) if dimensions == 3 else values)
    return arrays


def write_tables(folder: Path, target: Path) -> None:
    train_images, train_labels, test_images, test_labels = gzip_and_numpy(folder)
    header = "label," + ",".join(f"pixel{number}" for number in range(1, 785))
    for part, images, labels in (
        ("train", train_images, train_labels),
        ("test", test_images, test_labels),
    ):
        with (target / f"fashion-mnist_{part}.csv").open("w") as file:
            file.write(header + "\n")
            for label, image in zip(labels.tolist(), images, strict=True):
                file.write(",".join(map(str, [label, *image.ravel().tolist()])) + "\n")


def csv_ways(folder: Path) -> dict[str, Way]:
    """Return the ways to read both files, pyarrow first where it is installed."""
    files = [folder / f"fashion-mnist_{part}.csv" for part in ("train", "test")]
    ways: dict[str, Way] = {}
    if importlib.util.find_spec("pyarrow"):
        csv = importlib.import_module("pyarrow.csv")
        ways["pyarrow, table"] = lambda: [csv.read_csv(file) for file in files]
        ways["pyarrow, arrays"] = lambda: [
            np.column_stack([column.to_numpy() for column in csv.read_csv(file).columns])
            for file in files
        ]
    if importlib.util.find_spec("pandas"):
        pandas = importlib.import_module("pandas")
        ways["pandas"] = lambda: [
            pandas.read_csv(file, dtype=np.uint8).to_numpy() for file in files
        ]
    ways["fittingroom"] = lambda: tables.read(list_folder(folder))
    ways[f"np.loadtxt, 1/{LOADTXT_PART} of it"] = lambda: [
        np.loadtxt(file, np.uint8, delimiter=",", skiprows=1, max_rows=rows // LOADTXT_PART)
        for file, rows in zip(files, (60_000, 10_000), strict=True)
    ]
    return ways


if __name__ == "__main__":
    main()
