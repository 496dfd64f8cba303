"""Who does the trials of a tuning: this process, several on this machine, or a cluster."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fittingroom.errors import TuningError
from fittingroom.studies.cluster.address import LOCAL
from fittingroom.studies.conduct import number_of_jobs, settle_place
from fittingroom.studies.team import Team
from fittingroom.tuning import ledger
from fittingroom.tuning.plan import TuningPlan
from fittingroom.tuning.tuning import plan_values
from fittingroom.tuning.work import Work

if TYPE_CHECKING:
    from fittingroom.training.device import Device

# Nobody trains more trials at once.
MANY = 10_000


@dataclass(frozen=True)
class Crew:
    """The arguments of `tune` of the same names.

    Parameters
    ----------
    on_line
        Called with each line that a trial or run on a cluster prints, and with what is waited for.
    """

    jobs: int | None = None
    threads: int = 1
    device: str = "auto"
    on: str = LOCAL
    gpus_per_run: float | None = None
    storage: str | None = None
    on_line: Callable[[str], None] = lambda _line: None

    def place(self, plan: TuningPlan) -> Device:
        """Return where trials are trained, after a look whether it is there at all.

        Raises
        ------
        FittingroomError
            If it is not, or nobody is to do the work.
        """
        for what, number in (("jobs", self.jobs), ("threads", self.threads)):
            if number is not None and number < 1:
                raise TuningError(f"{what} must be 1 or more, found {number}")
        return settle_place([plan.start], self.device, self.on, self.gpus_per_run)

    def do(self, work: Work, folder: Path) -> None:
        """Do trials until the budget is used up, by whomever, or time is, or none has a result.

        Parameters
        ----------
        work
            What this process needs to do them by itself.
        folder
            Of the tuning.
        """
        if self.on != LOCAL:
            from fittingroom.tuning.remote import work_remotely

            work_remotely(work, self)
            return
        left = min(work.plan.budget - len(ledger.counted(work.study)), MANY)
        count = number_of_jobs(self.jobs, max(int(left), 1), work.splits, work.device)
        if count <= 1:
            work.do()
            return
        words = [str(folder), self.device, str(self.threads)]
        module = "fittingroom.tuning.worker"
        with Team(module, words, count, self.threads, whose="tuning", error=TuningError) as team:
            team.tell(self._order(work))
            team.follow(work.pulse)

    def _order(self, work: Work) -> str:
        """Return what workers are told."""
        until = work.deadline if math.isfinite(work.deadline) else None
        told = {"plan": plan_values(work.plan), "storage": self.storage, "deadline": until}
        return json.dumps(told)
