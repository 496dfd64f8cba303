"""See whether what lies in a folder, runs and studies, is still what was written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fittingroom.errors import StudyError
from fittingroom.runs.verify import Damage, is_run, verify_run
from fittingroom.studies.study import RECORD, RUNS, read_record

TO_DO = "give the same `fittingroom study` again: what is damaged is done anew, and nothing else"


def verify(folder: str | Path) -> dict[Path, list[Damage]]:
    """Read every byte of a run, a study, or of those that lie in a folder.

    Returns
    -------
    For each run and study what is damaged in it: nothing where it is whole.
    """
    place = Path(folder)
    if is_study(place):
        return {place: verify_study(place)}
    if is_run(place):
        return {place: verify_run(place)}
    inside = [child for child in folders_in(place) if is_study(child) or is_run(child)]
    return {child: found for one in inside for child, found in verify(one).items()}


def verify_study(folder: Path) -> list[Damage]:
    """Return what is damaged in a study's folder."""
    found = []
    try:
        read_record(folder)
    except StudyError as error:
        found.append(Damage(folder / RECORD, f"{error}; {TO_DO}"))
    for run in folders_in(folder / RUNS):
        found += [
            Damage(damage.path, f"{damage.reason.partition(';')[0]}; {TO_DO}")
            for damage in verify_run(run)
        ]
    return found


def is_study(folder: Path) -> bool:
    """Tell whether a folder is a study's, even one that has lost its record."""
    return (folder / RECORD).exists() or any(is_run(run) for run in folders_in(folder / RUNS))


def folders_in(folder: Path) -> Iterator[Path]:
    """Go through the folders in a folder that are not hidden, by their names."""
    if folder.is_dir():
        yield from sorted(p for p in folder.iterdir() if p.is_dir() and p.name[0] != ".")
