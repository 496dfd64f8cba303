"""One folder a run on disk.

::

    runs/fashion-mnist-three-layer-seed0/
        run.json                recipe, data, environment, seconds, results, status
        history.jsonl           one line an epoch
        model.safetensors       weights, preprocessing and class names
        predictions.npz         labels (N,) and logits (N, K) of the test pictures
        figures/                PNG and SVG
        checkpoint.safetensors  only while the run is unfinished: what it needs to go on
        checkpoint.before.safetensors   the same, one checkpoint earlier
        .lock                   likewise: held by the process that trains it (lock.py)

Every file is written under another name first and renamed when it is whole, and `run.json` says
"finished", with the SHA-256 of each, only after all the others are there. A crash therefore leaves
a folder that says itself that it is unfinished. `run.json` and the safetensors files hold the
SHA-256 of themselves. Nothing is pickled.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import os
import re
import secrets
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fittingroom.data.files import normal_name
from fittingroom.errors import RunError
from fittingroom.runs.record import Record, read_described
from fittingroom.runs.seal import sealed

# The first one is sealed.
FORMATS = ("fittingroom-run/2", "fittingroom-run/1")
FORMAT = FORMATS[0]
RECORD = "run.json"
HISTORY = "history.jsonl"
MODEL = "model.safetensors"
PREDICTIONS = "predictions.npz"
FIGURES = "figures"
CHECKPOINT = "checkpoint.safetensors"
CHECKPOINT_BEFORE = "checkpoint.before.safetensors"
LOCK = ".lock"
UNFINISHED = ".part"

WHAT_TO_DO = "put back a copy of it, or train the run again"

RUNNING = "running"
INTERRUPTED = "interrupted"
FAILED = "failed"
FINISHED = "finished"


def new_folder(runs: Path, name: str) -> Path:
    """Make and return a folder for a run called `name`, numbered if the name is taken.

    Raises
    ------
    RunError
        If the folder cannot be made, or what is in it could not be read.
    """
    try:
        str(runs).encode()
    except UnicodeEncodeError:  # safetensors opens no such file
        raise RunError(
            f"{runs}: expected a path in the system's encoding ({sys.getfilesystemencoding()}), "
            "found other bytes; choose another place with --out"
        ) from None
    safe = safe_name(name)
    number = 1
    while True:
        folder = runs / (safe if number == 1 else f"{safe}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if not runs.is_dir():
                raise RunError(f"{runs}: expected a folder for runs, found no folder") from None
            number += 1
        except OSError as error:
            raise not_made(folder, "the run folder", error) from error
        else:
            return folder


def not_made(folder: Path, what: str, error: OSError) -> RunError:
    """Return the error of a folder that cannot be made."""
    return RunError(
        f"{folder}: {what} cannot be made: {error.strerror}; choose another place with --out"
    )


def safe_name(name: str) -> str:
    """Return a name with what no folder's name may hold replaced: "a/b c" -> "a-b-c".

    Letters are composed (Unicode's NFC), as keyboards type them: some files of macOS have theirs in
    parts, and so does a name made from theirs.
    """
    return re.sub(r"[^\w.-]+", "-", normal_name(name)).strip("-.") or "run"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name, flush it to disk, and give it its name when it is whole.

    The folder is flushed too, so that after a power cut the file has its name.

    Raises
    ------
    RunError
        If it cannot be written: a full disk, or a folder without permission.
    """
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}{UNFINISHED}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise not_written(path, error) from error
    flush_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8.

    A byte in a file's name that is no text (Python has a lone surrogate for it, PEP 383) is spelled
    as JSON does, and so becomes the same name again.
    """
    write_whole(path, text.encode("utf-8", "backslashreplace"))


def not_written(path: Path, error: OSError) -> RunError:
    """Return the error of a file that cannot be written."""
    return RunError(f"{path}: cannot be written: {error.strerror or error}")


def flush_folder(folder: Path) -> None:
    """Bring the names of a folder's files to the disk, where the system can."""
    if os.name != "posix":
        return
    with suppress(OSError):  # some network disks cannot
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_unfinished(folder: Path) -> None:
    """Remove what a process that was killed while it wrote has left in a folder."""
    for path in folder.glob(f".*{UNFINISHED}"):
        with suppress(OSError):
            path.unlink()


def digest(path: Path) -> str:
    """Return the SHA-256 (hex) of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_file(folder: Path, name: str, record: dict[str, Any]) -> None:
    """See that a file of a finished run is still what the run wrote.

    Parameters
    ----------
    name
        Its path in the run's folder.

    Raises
    ------
    RunError
        If it is missing, cannot be read or has another content.
    """
    path = folder / name
    expected = record.get("files", {}).get(name)
    try:
        found = digest(path)
    except OSError as error:
        raise RunError(
            f"{path}: cannot be read: {error.strerror or error}; {WHAT_TO_DO}"
        ) from error
    if expected not in {None, found}:
        raise RunError(
            f"{path}: damaged or replaced: expected SHA-256 {expected[:16]}..., which "
            f"{RECORD} has for it, found {found[:16]}...; {WHAT_TO_DO}"
        )


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, readable by people."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_record(path: Path, values: dict[str, Any]) -> None:
    """Write a JSON file that notices its own damage."""
    write_json(path, sealed(values))


def write_json_lines(path: Path, values: Iterable[Any]) -> None:
    """Write one JSON value a line."""
    write_text(path, "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values))


def write_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    """Write arrays to one compressed .npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_whole(path, buffer.getvalue())


def read_record(folder: Path, name: str = RECORD) -> dict[str, Any]:
    """Return what a run's run.json holds; `name` is another one that a copy of it has.

    Raises
    ------
    RunError
        If there is no run, or its record is damaged or of another format.
    """
    return read_described(folder / name, "run", FORMATS, Record, RunError)


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
    for folder in (Path(name), runs / name, runs / normal_name(str(name))):
        with suppress(OSError):  # a name too long for any file
            if (folder / RECORD).is_file():
                return folder
    known = [folder.name for folder in run_folders(runs)]
    hint = f"the latest of {len(known)} in {runs} is {known[-1]}" if known else f"none in {runs}"
    raise RunError(f"{name}: no such run; {hint}")


def run_folders(runs: Path) -> list[Path]:
    """Return the folders of all runs in `runs`, the oldest first."""
    records = [path for path in runs.glob(f"*/{RECORD}") if path.is_file()]
    return [path.parent for path in sorted(records, key=started)]


def started(record: Path) -> tuple[float, str]:
    """Return when a run was started, as far as its record tells, and its name: a sorting key."""
    try:
        moment = dt.datetime.fromisoformat(str(read_record(record.parent).get("started")))
        return moment.timestamp(), record.parent.name
    except (RunError, ValueError, OverflowError):
        return 0.0, record.parent.name
