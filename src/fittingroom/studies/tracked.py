"""A study's runs, told to trackers as they come to an end, whoever did them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fittingroom.runs.tracking import Tracking
from fittingroom.studies.plan import StudyPlan
from fittingroom.studies.study import RUNS
from fittingroom.studies.watch import Snapshot
from fittingroom.studies.work import LOCKS


@contextmanager
def tracked(
    tracking: Tracking, folder: Path, plan: StudyPlan, listener: Callable[[Snapshot], None]
) -> Iterator[Callable[[Snapshot], None]]:
    """Track the runs of a study by the listener that is yielded; it calls the given one too.

    What a tracker has already, from an earlier command or one that shares the work, it has once.
    """

    def listen(snapshot: Snapshot) -> None:
        for name, seed, _accuracy in snapshot.news:
            tracking.tell(
                {
                    "do": "end",
                    "folder": folder / RUNS / plan.setting(name).run_name(seed),
                    "labels": {"study": plan.name, "setting": name},
                    "lock": folder / LOCKS / "tracking",
                }
            )
        listener(snapshot)

    with tracking.at_work():
        yield listen
