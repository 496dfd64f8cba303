"""One folder a run on disk.

::

    runs/fashion-mnist-three-layer-seed0/
        run.json                recipe, data, environment, seconds, results, status
        history.jsonl           one line an epoch
        model.safetensors       weights, preprocessing and class names
        predictions.npz         labels (N,) and logits (N, K) of the test pictures
        figures/                PNG and SVG
        checkpoint.safetensors  only while the run is unfinished: what it needs to go on

Every file is written under another name first and renamed when it is whole, and `run.json` says
"finished" only after all the others are there. A crash therefore leaves a folder that says
itself that it is unfinished. Nothing is pickled.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fittingroom.errors import RunError

FORMAT = "fittingroom-run/1"
RECORD = "run.json"
HISTORY = "history.jsonl"
MODEL = "model.safetensors"
PREDICTIONS = "predictions.npz"
FIGURES = "figures"
CHECKPOINT = "checkpoint.safetensors"

RUNNING = "running"
INTERRUPTED = "interrupted"
FAILED = "failed"
FINISHED = "finished"


def new_folder(runs: Path, name: str) -> Path:
    """Make and return a folder for a run called `name`, numbered if the name is taken.

    Raises
    ------
    RunError
        If the folder cannot be made.
    """
    safe = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run"
    number = 1
    while True:
        folder = runs / (safe if number == 1 else f"{safe}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if runs.exists() and not runs.is_dir():
                raise RunError(f"{runs}: expected a folder for runs, found a file") from None
            number += 1
        except OSError as error:
            raise RunError(
                f"{folder}: the run folder cannot be made: {error.strerror}; "
                "choose another place with --out"
            ) from error
        else:
            return folder


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name, flush it to disk, and give it its name when it is whole.

    Raises
    ------
    RunError
        If it cannot be written: a full disk, or a folder without permission.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise RunError(f"{path}: cannot be written: {error.strerror or error}") from error


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, readable by people."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(path, text.encode())


def write_json_lines(path: Path, values: Iterable[Any]) -> None:
    """Write one JSON value a line."""
    text = "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)
    write_whole(path, text.encode())


def write_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    """Write arrays to one compressed .npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_whole(path, buffer.getvalue())


def read_record(folder: Path) -> dict[str, Any]:
    """Return what a run's run.json holds.

    Raises
    ------
    RunError
        If there is no run, or its record is damaged or of another format.
    """
    path = folder / RECORD
    try:
        record = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise RunError(f"{folder}: no run here: expected a folder with {RECORD}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path}: the run's record cannot be read: {error}") from error
    found = record.get("format") if isinstance(record, dict) else None
    if found != FORMAT:
        raise RunError(f"{path}: expected a run of format {FORMAT}, found {found!r}")
    missing = [key for key in ("name", "status", "recipe", "data") if key not in record]
    if missing:
        raise RunError(f"{path}: the run's record is damaged: {missing[0]!r} is missing")
    return dict(record)


def find_folder(name: str | Path, runs: Path) -> Path:
    """Return the folder of a run given by path, by name within `runs`, or "latest".

    Raises
    ------
    RunError
        If there is no such run.
    """
    if str(name) == "latest":
        folders = run_folders(runs)
        if not folders:
            raise RunError(f"{runs}: no runs here yet; train one with `fittingroom train`")
        return folders[-1]
    for folder in (Path(name), runs / name):
        if (folder / RECORD).is_file():
            return folder
    known = [folder.name for folder in run_folders(runs)]
    hint = f"the latest of {len(known)} in {runs} is {known[-1]}" if known else f"none in {runs}"
    raise RunError(f"{name}: no such run; {hint}")


def run_folders(runs: Path) -> list[Path]:
    """Return the folders of all runs in `runs`, the oldest first."""
    records = [path for path in runs.glob(f"*/{RECORD}") if path.is_file()]
    return [path.parent for path in sorted(records, key=started)]


def started(record: Path) -> tuple[str, str]:
    """Return when a run was started, as far as its record tells, and its name: a sorting key."""
    try:
        return str(read_record(record.parent).get("started", "")), record.parent.name
    except RunError:
        return "", record.parent.name
