"""How to repeat a run: what to type, its recipe, versions and files."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fittingroom.runs.run import Run

# Data sets that `fittingroom.load` knows by name; others are found by path.
NAMED_DATA = ("fashion-mnist", "sketches")


def command(run: Run) -> str:
    """Return the command line that repeats a run."""
    if run.record.get("command"):
        return str(run.record["command"])
    words = ["fittingroom", "train", "--data", data_source(run), "--model", run.recipe.model]
    for name, value in run.recipe.changes().items():
        words += flag(name, value)
    threads = cpu_threads(run)
    return shlex.join([*words, *(["--threads", str(threads)] if threads else [])])


def python(run: Run) -> str:
    """Return the program that repeats a run."""
    changes = run.recipe.changes().items()
    fields = "".join(f", {name}={literal(value)}" for name, value in changes)
    threads = cpu_threads(run)
    torch, setting = (
        ("import torch\n", f"torch.set_num_threads({threads})\n") if threads else ("", "")
    )
    return (
        f"{torch}import fittingroom as fr\n\n{setting}"
        f"data = fr.load({literal(data_source(run))})\n"
        f"run = fr.train({literal(run.recipe.model)}, data{fields})\n"
        "print(run.evaluation)"
    )


def cpu_threads(run: Run) -> int | None:
    """Return the number of CPU threads, on which the last bits depend; None on another device."""
    machine = run.record["environment"]
    return machine.get("threads") if machine["device"] == "cpu" else None


def data_source(run: Run) -> str:
    """Return what to load: the data set's name if the program knows it, else where it is.

    Data that were never in a file are a place for the reader to fill in.
    """
    return source_of(run.record["data"])


def source_of(data: Mapping[str, Any]) -> str:
    """Return the same of what a record says of the data."""
    name, source = (str(data[part]) for part in ("name", "source"))
    if name in NAMED_DATA:
        return name
    return source if Path(source).exists() else f"path/to/{name}"


def flag(name: str, value: Any) -> list[str]:
    """Return a field of the recipe as the command line takes it."""
    if name == "model_options":
        return [word for key in value for word in ("--option", f"{key}={shown(value[key])}")]
    spelled = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{spelled}" if value else f"--no-{spelled}"]
    return [f"--{spelled}", shown(value)]


def recipe_fields(run: Run) -> list[tuple[str, str, bool]]:
    """Return every field: name, value, and whether it is changed from the model's own recipe."""
    changes = run.recipe.changes()
    fields = run.recipe.model_dump(mode="json")
    return [(name, shown(value), name in changes) for name, value in fields.items()]


def versions(run: Run) -> list[tuple[str, str]]:
    """Return what the run was computed with: name and version, device and its description."""
    return versions_of(run.record["environment"])


def versions_of(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a record says of the machine and the packages.

    Of the CPU's features the kind that torch chose its kernels by is enough here.
    """
    machine = {name: value for name, value in environment.items() if name != "cpu_features"}
    packages = {**machine.pop("variables", {}), **machine.pop("packages", {})}
    changed = ", changed" if machine.pop("modified", False) else ""
    if "commit" in machine:
        machine["commit"] = f"{machine['commit'][:12]}{changed}"
    if "platform" in machine:
        machine["platform"] = str(machine["platform"]).split("-")[0]  # not the kernel's own name
    return [(name, str(value)) for name, value in {**machine, **packages}.items()]


def literal(value: Any) -> str:
    """Return a value as Python writes it, text in double quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def shown(value: Any) -> str:
    """Return a recipe's value as JSON writes it, text without quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
