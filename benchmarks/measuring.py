"""How every benchmark here measures and speaks: machine, versions, n, median, spread, ratio.

Machines differ and drift, so two things are compared by running them in turn, each in a process
of its own, and taking the ratio pair by pair.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def machine() -> str:
    """Describe the machine and the versions in one line."""
    from fittingroom.training.device import cpu_name

    packages = ("fittingroom", "torch", "numpy")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cpu_name()}, {cores} cores, Python {platform.python_version()}, {versions}"


def data_folder() -> Path:
    """Return the folder with Fashion-MNIST's four files, or end with one line that says how."""
    root = os.environ.get("FITTINGROOM_DATA")
    for folder in (Path(root) / "fashion-mnist", Path(root)) if root else ():
        if (folder / "train-images-idx3-ubyte.gz").is_file():
            return folder
    sys.exit("set FITTINGROOM_DATA to the folder that holds Fashion-MNIST's four .gz files")


def run_in_turn(
    programs: Mapping[str, Sequence[str]], repetitions: int
) -> dict[str, list[dict[str, float]]]:
    """Run each program `repetitions` times, A B A B ..., and collect what each prints.

    A program is the argument list of a Python script that prints one JSON object of numbers.
    """
    results: dict[str, list[dict[str, float]]] = {name: [] for name in programs}
    for _ in range(repetitions):
        for name, arguments in programs.items():
            found = subprocess.run(
                [sys.executable, *arguments], check=True, capture_output=True, text=True
            )
            results[name].append(json.loads(found.stdout))
    return results


def print_comparison(
    results: dict[str, list[dict[str, float]]], quantity: str, unit: str, *, reference: str
) -> None:
    """Print median and range of one quantity for each program, and its ratio to the reference.

    A ratio above 1 means that the reference needs so many times as much.
    """
    print(f"  {quantity}")
    for name, runs in results.items():
        values = [run[quantity] for run in runs]
        pairs = zip(results[reference], runs, strict=True)
        ratios = [theirs[quantity] / ours[quantity] for theirs, ours in pairs]
        ratio = "" if name == reference else f"   {reference} / this: {spread(ratios, '.2f')}"
        print(f"    {name:<28} {spread(values, '.4g')} {unit}{ratio}")


def spread(values: Sequence[float], form: str) -> str:
    """Return "median (lowest to highest, n=...)"."""
    middle = format(statistics.median(values), form)
    low, high = format(min(values), form), format(max(values), form)
    return f"{middle} ({low} to {high}, n={len(values)})"


def peak_memory() -> float:
    """Return this process's peak resident memory in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss would be that of the process that started this one, if higher
        lines = dict(line.split(":", 1) for line in status.read_text("utf-8").splitlines())
        return int(lines["VmHWM"].split()[0]) / 1e3
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def print_result(**numbers: Any) -> None:
    """Print what a measured program found, for `run_in_turn` to read."""
    print(json.dumps(numbers))
