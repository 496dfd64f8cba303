"""How every benchmark here measures and speaks: machine, versions, n, median, spread, ratio.

Machines differ and drift, so two things are compared by running them in turn, each in a process
of its own, and taking the ratio pair by pair.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

PACKAGES = ("fittingroom", "torch", "numpy")
DATA_VARIABLE = "FITTINGROOM_DATA"


def machine() -> dict[str, str]:
    """Return what the numbers depend on: CPU, cores, GPU, and versions."""
    from fittingroom import __version__
    from fittingroom.training.device import cpu_name

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = {name: importlib.metadata.version(name) for name in PACKAGES[1:]}
    return {
        "cpu": cpu_name(),
        "cores": str(cores),
        "threads": os.environ.get("OMP_NUM_THREADS", str(cores)),
        "gpu": gpu_name(),
        "python": platform.python_version(),
        "fittingroom": __version__,
        **versions,
    }


def gpu_name() -> str:
    """Return the CUDA GPU's name, or "" where there is none."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else ""


def describe(found: Mapping[str, str]) -> str:
    """Say what `machine` returned in one line."""
    threads = f" ({found['threads']} used)" if found["threads"] != found["cores"] else ""
    parts = [f"{found['cpu']}, {found['cores']} cores{threads}"]
    parts += [found["gpu"]] if found["gpu"] else []
    parts += [f"Python {found['python']}", *(f"{name} {found[name]}" for name in PACKAGES)]
    return ", ".join(parts)


def data_folder() -> Path:
    """Return the folder with Fashion-MNIST's four files, or end with one line that says how."""
    root = os.environ.get(DATA_VARIABLE)
    for folder in (Path(root) / "fashion-mnist", Path(root)) if root else ():
        if (folder / "train-images-idx3-ubyte.gz").is_file():
            return folder
    sys.exit(f"set {DATA_VARIABLE} to the folder that holds Fashion-MNIST's four .gz files")


def busy_cores(seconds: float = 0.5) -> float:
    """Return how many CPU cores are at work just now, watched for so long; 0 if unknown.

    Linux counts the time of all cores in /proc/stat (proc(5)): user, nice, system, idle, iowait...
    """
    path = Path("/proc/stat")
    if not path.exists():
        return 0.0

    def idle_ticks() -> int:
        numbers = path.read_text("utf-8").splitlines()[0].split()[1:]
        return int(numbers[3]) + int(numbers[4])

    idle, started = idle_ticks(), time.perf_counter()
    time.sleep(seconds)
    ticks = (time.perf_counter() - started) * os.sysconf("SC_CLK_TCK")
    return max(0.0, (os.cpu_count() or 1) - (idle_ticks() - idle) / ticks)


def get_ready() -> None:
    """Do what belongs to no way before its clock starts: import the rest of torch, start the GPU.

    torch imports its compiler (1.4 s on 2 cores of a Xeon) when the first optimizer is made,
    whether it is used or not.
    """
    import torch
    import torch._dynamo

    if torch.cuda.is_available():
        torch.zeros(1, device="cuda")
        torch.cuda.synchronize()


def peak_memory() -> float:
    """Return this process's peak resident memory in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss would be that of the process that started this one, if higher
        lines = dict(line.split(":", 1) for line in status.read_text("utf-8").splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def spread(values: Sequence[float], form: str = ".4g", unit: str = "") -> str:
    """Return "median unit (lowest to highest, n=...)"; of a single value, that value."""
    gap = f" {unit}" if unit else ""
    middle = written(statistics.median(values), form) + gap
    if len(values) == 1:
        return f"{middle} (n=1)"
    return (
        f"{middle} ({written(min(values), form)} to {written(max(values), form)}, n={len(values)})"
    )


def written(value: float, form: str = ".3g") -> str:
    """Return a number in this form, a large one in full: 1,920 instead of 1.92e+03."""
    text = format(value, form)
    return f"{value:,.0f}" if "e+" in text else text


def mean_score(values: Sequence[float]) -> str:
    """Return "mean (95% interval, n=...)" of accuracies, 0 to 1, by Student's t over the seeds."""
    from fittingroom.evaluation.intervals import t_interval

    interval = t_interval(values)
    ends = f"{interval[0]:.2%} to {interval[1]:.2%}, " if interval else ""
    return f"{statistics.mean(values):.2%} ({ends}n={len(values)})"


def pair_ratios(
    reference: Sequence[Mapping[str, Any]], ours: Sequence[Mapping[str, Any]], key: str
) -> list[float]:
    """Return how many times as much the reference needs, for each pair that there is."""
    pairs = zip(reference, ours, strict=False)
    return [theirs[key] / mine[key] for theirs, mine in pairs if key in theirs and key in mine]


def fell_short(turns: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a way gave up before it came where it was to come, so its time is too short."""
    return any(turn.get("reached") is False for turn in turns)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table's lines."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]
