"""Takes the turns of a row, A B A B ..., each in a process of its own, and keeps what they found.

What is found is kept at once, one line of JSON a turn, so that a long row can be measured in
pieces: what is there already is not measured again.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tiles
from measuring import busy_cores
from row import MACHINE, TILES, Found, Row, Size, Turn

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "src" / "fittingroom"

# More than this share of a core at work elsewhere, and times are not to be believed.
QUIET = 0.15

# The machine's rates are measured this often beside a row.
MACHINE_TURNS = 3


class TurnError(Exception):
    """A turn failed; the text is what it said last."""


@dataclass(frozen=True)
class Kept:
    """A turn that was taken: what it found, when, with which code, and how busy the machine was."""

    way: str
    seed: int
    setup: dict[str, Any]
    when: str
    code: str
    busy: float
    found: Found


class Shelf:
    """Where the turns of one row are kept.

    Parameters
    ----------
    folder
        For all rows.
    row
        Its name.
    setup
        What the turns depend on, JSON values: those with another one are left alone.
    """

    def __init__(self, folder: Path, row: str, setup: dict[str, Any]) -> None:
        self.path = folder / f"{row}.jsonl"
        self.place = folder / row
        self.setup = json.loads(json.dumps(setup))

    def find(self, way: str, seed: int) -> Kept | None:
        """Return a turn with the same setup, the latest one; None if it was not taken yet."""
        lines = self.path.read_text("utf-8").splitlines() if self.path.exists() else []
        for line in reversed(lines):
            kept = Kept(**json.loads(line))
            if (kept.way, kept.seed, kept.setup) == (way, seed, self.setup):
                return kept
        return None

    def keep(self, way: str, seed: int, busy: float, found: Found) -> Kept:
        """Write down a turn."""
        when = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        kept = Kept(way, seed, self.setup, when, code_digest(), busy, found)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(dataclasses.asdict(kept)) + "\n")
        return kept

    def folder(self, way: str, seed: int) -> Path:
        """Make and return the folder of a turn; one with another setup has another."""
        mark = hashlib.sha256(json.dumps([way, self.setup]).encode()).hexdigest()[:12]
        folder = self.place / f"{mark}-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def clear(self) -> None:
        """Forget everything about the row."""
        self.path.unlink(missing_ok=True)
        shutil.rmtree(self.place, ignore_errors=True)


def code_digest() -> str:
    """Return a short SHA-256 of the package's source, which changes whenever the code does."""
    digest = hashlib.sha256()
    for path in sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.toml")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def take_turns(
    row: Row, size: Size, shelf: Shelf, deadline: float | None, say: Callable[[str], None]
) -> dict[str, list[Kept]] | None:
    """Take the turns that are missing, and return all of them by way.

    Parameters
    ----------
    deadline
        `time.monotonic()` at which to stop; None for no end. But for the first, no turn is begun
        that would take longer than one of its way did before.
    say
        Told what is going on.

    Returns
    -------
    None if time ran out before the last turn.

    Raises
    ------
    TurnError
        If a turn fails.
    """
    taken: dict[str, list[Kept]] = {way: [] for way in row.ways}
    first = True
    for seed in range(max(size.repetitions, size.references or 0)):
        for way in row.ways:
            if seed >= wanted(row, size, way):
                continue
            kept = shelf.find(way, seed)
            if kept is None:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left < (0 if first else expected_seconds(taken[way])):
                    return None
                first = False
                kept = take_turn(row, size, way, seed, shelf, left, say)
            if kept is None:
                return None
            taken[way].append(kept)
    return taken


def expected_seconds(taken: Sequence[Kept]) -> float:
    """Return how long a further turn may take, from those of its way that were taken before."""
    return max((float(kept.found["process_seconds"]) for kept in taken), default=0.0)


def wanted(row: Row, size: Size, way: str) -> int:
    """Return how many turns a way has."""
    if way == TILES and tiles.environment() is None:
        return 0
    if way == row.reference and size.references is not None:
        return size.references
    return min(size.repetitions, MACHINE_TURNS) if way == MACHINE else size.repetitions


def take_turn(
    row: Row,
    size: Size,
    way: str,
    seed: int,
    shelf: Shelf,
    left: float | None,
    say: Callable[[str], None],
) -> Kept | None:
    """Take one turn and keep what it found; None if time ran out.

    Parameters
    ----------
    left
        Seconds, None for no end.

    Raises
    ------
    TurnError
        If it fails.
    """
    busy = busy_cores()
    if busy > QUIET:
        say(f"    not quiet: {busy:.2f} of the cores are at work elsewhere")
    turn = Turn(seed, shelf.folder(way, seed), size.options, left)
    started = time.perf_counter()
    program = [str(HERE / "one.py"), row.name, way, as_json(turn)]
    shown = tiles.environment() if way == TILES else None
    found = run_program(program, turn.folder / "error.txt", shown)
    if found.get("unfinished"):
        return None
    found["process_seconds"] = time.perf_counter() - started
    shutil.rmtree(turn.folder, ignore_errors=True)
    numbers = {k: v for k, v in found.items() if isinstance(v, float)}
    say(f"    {way}, {seed}: " + ", ".join(f"{k} {v:.4g}" for k, v in numbers.items()))
    return shelf.keep(way, seed, busy, found)


def as_json(turn: Turn) -> str:
    """Write a turn down for another process."""
    return json.dumps(dataclasses.asdict(turn) | {"options": dict(turn.options)}, default=str)


def run_program(
    arguments: list[str], log: Path, environment: Mapping[str, str] | None = None
) -> Found:
    """Run a Python script that prints a line of JSON last, and return it.

    `environment` is added to this process's.

    Raises
    ------
    TurnError
        If the script fails; `log` then has all that it said.
    """
    command = [sys.executable, *arguments]
    everything = os.environ | dict(environment or {})
    done = subprocess.run(command, capture_output=True, check=False, text=True, env=everything)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"]
        log.write_text(done.stderr, "utf-8")
        raise TurnError(f"{lines[-1]} (all of it: {log})")
    found: Found = json.loads(done.stdout.strip().splitlines()[-1])
    return found
