"""The search of a tuning: trials until the budget is used up, then the best of them once more."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fittingroom.data.dataset import DataSplits
from fittingroom.runs.conduct import Interrupted
from fittingroom.tuning import finalists, ledger
from fittingroom.tuning.crew import Crew
from fittingroom.tuning.plan import TuningPlan
from fittingroom.tuning.record import end
from fittingroom.tuning.tuning import FINALISTS, TRIALS, Trial, read_record
from fittingroom.tuning.watch import Snapshot, Watch
from fittingroom.tuning.work import Work

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import RDBStorage

    from fittingroom.training.device import Device


@dataclass(frozen=True)
class Searching:
    """A search that has been begun, and who is to do it.

    Parameters
    ----------
    folder, plan
        The tuning's.
    storage, study
        Where its trials are kept.
    learning
        Its data without the test pictures.
    device
        Where to train.
    crew
        Who does the trials.
    listener
        Called about once a second with where it stands.
    """

    folder: Path
    plan: TuningPlan
    storage: RDBStorage
    study: Study
    learning: DataSplits
    device: Device
    crew: Crew
    listener: Callable[[Snapshot], None]

    def look_for_values(self) -> None:
        """Do trials until the budget is used up, and write down that it is.

        Raises
        ------
        TuningError
            If no trial has a result.
        Interrupted
            (a KeyboardInterrupt) at Ctrl-C.
        """
        self._do(self.study, self.plan, TRIALS, self._deadline())
        end(self.folder, self.plan, self._trials())

    def train_finalists_again(self, fingerprint: str) -> None:
        """Train the best trials with the further seeds; what is done already stays.

        Parameters
        ----------
        fingerprint
            Of the data.

        Raises
        ------
        TuningError
            If the storage has something else of their name.
        Interrupted
            (a KeyboardInterrupt) at Ctrl-C.
        """
        wanted = finalists.best_values(self.plan, self._trials())
        if wanted:
            study, plan = finalists.begin(self.storage, self.plan, fingerprint, wanted)
            self._do(study, plan, FINALISTS, math.inf)

    def _trials(self) -> list[Trial]:
        return ledger.trials_of(self.study, self.plan)

    def _do(self, study: Study, plan: TuningPlan, file: str, deadline: float) -> None:
        """Do the trials of a plan, and copy them into a file."""
        watch = Watch(self.folder / file, plan, study, deadline, self.listener)
        work = Work(self.storage, study, plan, self.learning, self.device, deadline, watch)
        try:
            self.crew.do(work, self.folder)
        except KeyboardInterrupt as interruption:
            watch.look()
            hint = "what is finished stays; give the same command again to go on"
            raise Interrupted(self.folder, hint, interruption) from None
        watch.look()

    def _deadline(self) -> float:
        """Return when time is up, as `time.time()` counts: less what was spent before."""
        if self.plan.seconds is None:
            return math.inf
        before = (read_record(self.folder).get("ended") or {}).get("seconds") or 0.0
        spent = max(before, ledger.seconds_spent(self.study))
        return time.time() + self.plan.seconds - spent
