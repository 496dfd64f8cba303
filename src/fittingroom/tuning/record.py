"""tuning.json: what a tuning is, where its trials are kept, and whether it has come to its end."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import TuningError
from fittingroom.runs.diary import describe_data, now
from fittingroom.runs.folder import not_made, write_record
from fittingroom.runs.run import divide
from fittingroom.studies.conduct import describe_place
from fittingroom.studies.work import locked
from fittingroom.tuning import search
from fittingroom.tuning.crew import Crew
from fittingroom.tuning.plan import TuningPlan
from fittingroom.tuning.storage import shown
from fittingroom.tuning.tuning import (
    DATABASE,
    FORMAT,
    RECORD,
    Trial,
    plan_from,
    plan_values,
    read_record,
)

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from fittingroom.training.device import Device


def check_folder(folder: Path, plan: TuningPlan, fingerprint: str) -> None:
    """See that a folder that is there already holds the tuning that is meant.

    Raises
    ------
    TuningError
        If it holds another, or a damaged one.
    """
    if not (folder / RECORD).exists():
        return
    record = read_record(folder)
    before = plan_from(record["plan"], str(folder / RECORD))
    theirs = search.identity(before, record["data"]["fingerprint"])
    search.check_identity(plan.name, theirs, search.identity(plan, fingerprint))


def is_searched(folder: Path, plan: TuningPlan) -> bool:
    """Tell whether a tuning has used up as large a budget before."""
    if not (folder / RECORD).exists():
        return False
    ended = read_record(folder).get("ended") or {}
    in_time = plan.seconds is not None and plan.seconds <= (ended.get("seconds") or 0.0)
    return in_time or ended.get("trials", 0) >= plan.budget


def keep_choice(folder: Path, plan: TuningPlan) -> None:
    """Write down that the winner is to be chosen or judged in another way than before."""
    record = read_record(folder)
    before = plan_from(record["plan"], str(folder / RECORD))
    now_meant = replace(
        before,
        finalists=plan.finalists,
        further_seeds=plan.further_seeds,
        final_seeds=plan.final_seeds,
    )
    if now_meant != before:
        write_record(folder / RECORD, record | {"plan": plan_values(now_meant)})


def make_folder(folder: Path) -> None:
    """Make a tuning's folder.

    Raises
    ------
    RunError
        If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_made(folder, "the tuning's folder", error) from error


def new_record(
    folder: Path,
    plan: TuningPlan,
    splits: DataSplits,
    device: Device,
    command: str | None,
    crew: Crew,
    address: URL,
) -> dict[str, Any]:
    """Return what tuning.json says; of a tuning that goes on, what it said before as well.

    Raises
    ------
    TuningError
        If the trials so far are in another storage.
    """
    before = read_record(folder) if (folder / RECORD).exists() else {}
    place = shown(address) if crew.storage else DATABASE
    if before.get("storage", place) != place:
        raise TuningError(
            f"{folder}: the tuning there keeps its trials in {before['storage']}, not in {place}; "
            "give the same --storage, or choose another --name"
        )
    environment = describe_place(device, crew.on)
    environment["packages"]["optuna"] = importlib.metadata.version("optuna")
    kept = {name: before[name] for name in ("started", "openings", "ended") if name in before}
    return {
        "format": FORMAT,
        "name": plan.name,
        "started": now(),
        "command": command,
        "storage": place,
        "plan": plan_values(plan),
        "data": describe_data(divide(splits, plan.start)),
        "environment": environment,
    } | kept


def end(folder: Path, plan: TuningPlan, trials: Sequence[Trial]) -> None:
    """Write down what the budget was used up with.

    Raises
    ------
    TuningError
        If no trial has a result.
    """
    ended = [trial for trial in trials if trial.state != "running"]
    by_time = len(ended) < plan.budget
    with locked(folder, "tuning"):
        record = read_record(folder)
        record["ended"] = {"trials": len(ended), "seconds": plan.seconds if by_time else None}
        write_record(folder / RECORD, record)
