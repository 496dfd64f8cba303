"""`make bench` and `make bench-full`: the rows of docs/speed.md, one after the other.

    python benchmarks [ROW ...] [--quick | --tiny] [--seeds N] [--minutes M] [--again]

Without --quick a row is measured whole. A row that was interrupted goes on where it was, so rows
that take hours can be measured in pieces. Times are only to be believed on a machine that does
nothing else.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
import time
from pathlib import Path

import page
import results
from measuring import DATA_VARIABLE, data_folder, describe, machine
from row import Row, Size
from rows import ROWS
from turns import Shelf, TurnError, take_turns

HERE = Path(__file__).parent
CACHE = HERE / ".cache"
QUICK = results.RESULTS / "quick"


def main() -> int:
    """Measure what was asked for, and write the page; return the process's exit code."""
    told = parse()
    names = told.rows or list(ROWS)
    if told.size == "tiny":
        with tempfile.TemporaryDirectory() as name:
            return measure_tiny(names, told, Path(name))
    if told.size == "quick":
        return measure_all(names, told, CACHE / "quick", QUICK, QUICK / "speed.md")
    return measure_all(names, told, CACHE, results.RESULTS, page.PAGE)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    size = parser.add_mutually_exclusive_group()
    for name, text in (
        ("quick", "shortened: all CPU rows in about ten minutes; writes results/quick/"),
        ("tiny", "on a few sketches, only to see that the rows work; writes nothing"),
    ):
        size.add_argument(f"--{name}", dest="size", action="store_const", const=name, help=text)
    parser.add_argument("--seeds", type=int, metavar="N", help="repetitions of every way")
    parser.add_argument(
        "--minutes", type=float, metavar="M", help="stop after so many; go on later"
    )
    parser.add_argument("--again", action="store_true", help="forget what was measured before")
    parser.set_defaults(size="full")
    told = parser.parse_args()
    unknown = [name for name in told.rows if name not in ROWS]
    if unknown:
        parser.error(f"unknown row {unknown[0]!r}; known are {', '.join(ROWS)}")
    return told


def measure_tiny(names: list[str], told: argparse.Namespace, folder: Path) -> int:
    """Measure on a few sketches that lie where the real pictures would."""
    from fittingroom.data.sketches import write_idx

    write_idx(folder / "data", train=2400, test=300)
    os.environ[DATA_VARIABLE] = str(folder / "data")
    return measure_all(names, told, folder / "cache", folder / "results", folder / "speed.md")


def measure_all(
    names: list[str], told: argparse.Namespace, cache: Path, folder: Path, target: Path
) -> int:
    """Measure rows one by one, write each one's result, and then the page of all results."""
    here, failures = machine(), 0
    data = describe_data()
    print(describe(here), data, sep="\n")
    deadline = None if told.minutes is None else time.monotonic() + 60 * told.minutes
    for name in names:
        row = ROWS[name]
        size = row.size(told.size)
        if size is None:
            print(f"{name}: not in the short measurement")
        elif row.needs_cuda and not here["gpu"] and told.size != "tiny":
            print(f"{name}: needs a CUDA GPU: not measured")
        else:
            try:
                measure(row, resized(size, told.seeds), told, cache, folder, here, data, deadline)
            except TurnError as error:
                print(f"{name}: failed: {error}")
                failures += 1
    page.write(folder, target)
    return 1 if failures else 0


def measure(
    row: Row,
    size: Size,
    told: argparse.Namespace,
    cache: Path,
    folder: Path,
    here: dict[str, str],
    data: str,
    deadline: float | None,
) -> None:
    """Take the turns of one row that are missing; write and print its result if none is left."""
    shelf = Shelf(cache, row.name, setup_of(row, size, here, data))
    if told.again:
        shelf.clear()
    print(f"{row.name}: {row.title}", flush=True)
    kept = take_turns(row, size, shelf, deadline, lambda text: print(text, flush=True))
    if kept is None:
        print(f"{row.name}: stopped after {told.minutes:g} minutes; the same command goes on")
        return
    command = " ".join(["python benchmarks", row.name, *(["--quick"] if size.note else [])])
    result = results.result_of(row, size, kept, machine=here, data=data, command=command)
    results.write(result, folder)
    print(results.summary(row, result), flush=True)


def setup_of(row: Row, size: Size, here: dict[str, str], data: str) -> dict[str, object]:
    """Return what the turns of a row depend on.

    Raises
    ------
    TurnError
        If it follows a recipe that there is not.
    """
    from fittingroom.errors import RecipeError
    from fittingroom.training.recipe import recipe

    try:
        recipes = {name: recipe(name).model_dump(mode="json") for name in row.recipes}
    except RecipeError as error:
        raise TurnError(str(error)) from error
    return {"machine": here, "data": data, "options": dict(size.options), "recipes": recipes}


def resized(size: Size, seeds: int | None) -> Size:
    """Return the size with so many repetitions of every way, if a number was given."""
    if seeds is None:
        return size
    references = None if size.references is None else min(size.references, seeds)
    return dataclasses.replace(size, repetitions=seeds, references=references)


def describe_data() -> str:
    """Name the data, with the beginning of their fingerprint."""
    from fittingroom.data.sources import load

    found = load(data_folder())
    sketches = " (the built-in sketches, not Fashion-MNIST)" if found.sketches else ""
    return (
        f"{found.name}, fingerprint {found.fingerprint[:12]}{sketches}, "
        f"{len(found.learning):,} + {len(found.test):,} pictures"
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on")
