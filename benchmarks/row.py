"""What a row of the benchmark is: ways to the same end that are measured in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OURS = "fittingroom"
NOTEBOOK = "notebook's loop"
MACHINE = "this machine"  # its limits, measured in turn with the rest
TILES = "fittingroom, tiles described"  # ours, with the CPU's matrix unit as tiles.py shows it


class Unfinished(Exception):  # noqa: N818 - no error: the next call goes on
    """A turn ran out of time; what it needs to go on lies in its folder."""


@dataclass(frozen=True)
class Turn:
    """One repetition of one way, in a process of its own.

    Parameters
    ----------
    seed
        The repetition's number, counted from 0, which seeds everything random.
    folder
        Exists, and keeps what an unfinished turn needs to go on.
    options
        Numbers that the row's size says, e.g. `epochs`.
    seconds_left
        After so many seconds the turn stops, if it can go on later; None for no end.
    """

    seed: int
    folder: Path
    options: Mapping[str, int] = field(default_factory=dict)
    seconds_left: float | None = None


# What a way found, JSON values: `seconds`, `accuracy`, ...
Found = dict[str, Any]
Way = Callable[[Turn], Found]


@dataclass(frozen=True)
class Quantity:
    """What is printed: its key in what a way found, its unit, how it is written.

    Where less of it is better, its ratio to the reference is printed too.
    """

    key: str
    unit: str = ""
    form: str = ".4g"
    less_is_better: bool = True


SECONDS = Quantity("seconds", "s")
ACCURACY = Quantity("accuracy", form=".2%", less_is_better=False)
MEMORY = Quantity("peak_MB", "MB")


@dataclass(frozen=True)
class Size:
    """How much of a row is measured.

    Parameters
    ----------
    repetitions
        Of every way.
    references
        Of the reference, where it is so slow that fewer must do; None for as many.
    options
        Handed to the ways.
    note
        What is shortened, in words; empty for the whole row.
    """

    repetitions: int
    references: int | None = None
    options: Mapping[str, int] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Row:
    """Ways to the same end.

    Parameters
    ----------
    name
        By which it is called on the command line, and its file of results.
    title
        What is measured.
    ways
        By name, in the order of their turns.
    full, quick, tiny
        The whole measurement; the short one, None where none makes sense; one that only shows
        that the row works.
    reference
        The way that the others are compared with, if there is one.
    quantities
        What is printed.
    needs_cuda
        Whether it is measured on a CUDA GPU only.
    recipes
        The shipped recipes it follows: what was measured with other fields is not gone on with.
    """

    name: str
    title: str
    ways: Mapping[str, Way]
    full: Size
    quick: Size | None
    tiny: Size
    reference: str | None = None
    quantities: tuple[Quantity, ...] = (SECONDS, MEMORY)
    needs_cuda: bool = False
    recipes: tuple[str, ...] = ()

    def size(self, name: str) -> Size | None:
        """Return the size of that name: full, quick or tiny."""
        return {"full": self.full, "quick": self.quick, "tiny": self.tiny}[name]
