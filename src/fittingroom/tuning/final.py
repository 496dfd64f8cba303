"""The winner against the start recipe, over fresh seeds: here the test set is opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fittingroom.data.dataset import DataSplits
from fittingroom.runs.diary import now
from fittingroom.runs.folder import write_record
from fittingroom.runs.tracking import Track
from fittingroom.studies import conduct
from fittingroom.studies.plan import Better, Setting, StudyPlan, Words
from fittingroom.studies.watch import Snapshot
from fittingroom.tuning.crew import Crew
from fittingroom.tuning.plan import TuningPlan
from fittingroom.tuning.space import brief
from fittingroom.tuning.tuning import FINAL, RECORD, Trial, Tuning

START, BEST = "start", "best"


def final_plan(plan: TuningPlan, winner: Trial) -> StudyPlan:
    """Return the study of the winner and the start; of the start alone where that has won."""
    chosen = ", ".join(f"{name}={brief(value)}" for name, value in winner.values.items())
    start = Setting(name=START, recipe=plan.start, label=Words(en="start", ko="출발 레시피"))
    best = Setting(
        name=BEST,
        recipe=winner.recipe,
        label=Words(en=f"best: {chosen}", ko=f"최고: {chosen}"),
    )
    claim = Better(
        kind="better",
        id="best-beats-start",
        pairs=((BEST, START),),
        text=Words(
            en="The best of the tuning is better than the recipe it started from.",
            ko="튜닝이 찾은 최고 설정이 출발 레시피보다 낫습니다.",
        ),
    )
    alone = is_start(plan, winner)
    return StudyPlan(
        name=FINAL,
        title=Words(
            en=f"Tuning {plan.name}: the best against the start",
            ko=f"튜닝 {plan.name}: 최고 설정과 출발 레시피",
        ),
        seeds=plan.final_seeds,
        settings=(start,) if alone else (start, best),
        claims=() if alone else (claim,),
    )


def is_start(plan: TuningPlan, trial: Trial) -> bool:
    """Tell whether a trial has the start's values, named there or left to the network."""
    return plan.space.values_of(plan.start) == dict(trial.values)


def compare(
    tuning: Tuning,
    splits: DataSplits,
    crew: Crew,
    *,
    track: Track,
    on_progress: Callable[[Snapshot], None],
) -> None:
    """Train winner and start with fresh seeds, and open the test set; what is done stays.

    Raises
    ------
    FittingroomError
        If a run fails.
    Interrupted
        (a KeyboardInterrupt) at Ctrl-C.
    """
    winner = tuning.best
    if winner is None or not tuning.plan.final_seeds:
        return
    note_opening(tuning, winner)
    conduct.study(
        final_plan(tuning.plan, winner),
        splits,
        jobs=crew.jobs,
        threads=crew.threads,
        device=crew.device,
        on=crew.on,
        gpus_per_run=crew.gpus_per_run,
        out=tuning.folder,
        track=track,
        on_progress=on_progress,
        on_line=crew.on_line,
    )


def note_opening(tuning: Tuning, winner: Trial) -> None:
    """Write into tuning.json that the test set is opened, for whom, and after how many trials.

    A tuning that went on, with a larger budget, may have another winner. What the test set said of
    the one before stays: it was seen, and whoever reads of the new one should know.
    """
    openings: list[dict[str, Any]] = tuning.record.setdefault("openings", [])
    opening = {
        "winner": winner.number,
        "values": dict(winner.values),
        "seeds": list(tuning.plan.final_seeds),
    }
    before = openings[-1] if openings else {}
    if all(before.get(name) == value for name, value in opening.items()):
        return
    if before and before["values"] != opening["values"]:
        before["folder"] = set_aside(tuning.folder).name
    openings.append(opening | {"trials": len(tuning.trials), "opened": now(), "folder": FINAL})
    write_record(tuning.folder / RECORD, tuning.record)


def set_aside(folder: Path) -> Path:
    """Give the study of a winner that has been overtaken another name, and return it."""
    number = 1
    while (folder / f"{FINAL}-{number}").exists():
        number += 1
    place = folder / f"{FINAL}-{number}"
    if (folder / FINAL).exists():
        (folder / FINAL).rename(place)
    return place
