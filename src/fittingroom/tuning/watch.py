"""Where a tuning stands: the best so far, what is running, how long it will take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fittingroom.tuning.ledger import trials_of
from fittingroom.tuning.plan import TuningPlan
from fittingroom.tuning.tuning import FINALISTS, Trial, best_of, write_trials

if TYPE_CHECKING:
    from optuna import Study

# More often than this nobody needs to hear of a tuning.
LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Snapshot:
    """A tuning at one moment.

    Parameters
    ----------
    trials
        All that count, by number.
    budget
        How many there will be; infinite where only time is a limit.
    seconds_left
        Estimated from the trials that ended, and at most until time is up; None before the first.
    news
        The trials that came to an end since the last snapshot.
    of_finalists
        Whether the trials are the finalists, once more with further seeds.
    """

    trials: tuple[Trial, ...]
    budget: float
    seconds_left: float | None
    news: tuple[Trial, ...]
    of_finalists: bool = False

    def those(self, state: str) -> list[Trial]:
        """Return the trials of a state."""
        return [trial for trial in self.trials if trial.state == state]

    @property
    def ended(self) -> int:
        """How many trials have come to an end, with a result or without."""
        return len(self.trials) - len(self.those("running"))

    @property
    def best(self) -> Trial | None:
        """The best so far."""
        return best_of(self.trials)


class Watch:
    """Looks at a tuning's storage about once a second, whoever works in it.

    What it finds is copied into a file, for readers.

    Parameters
    ----------
    file
        In the tuning's folder.
    plan, study
        The tuning's, or those of its finalists.
    deadline
        When time is up, as `time.time()` counts; infinite for never.
    listener
        Called with each snapshot.
    """

    def __init__(
        self,
        file: Path,
        plan: TuningPlan,
        study: Study,
        deadline: float,
        listener: Callable[[Snapshot], None],
    ) -> None:
        self.file, self.plan, self.study = file, plan, study
        self.deadline, self.listener = deadline, listener
        self.next_look = 0.0
        self._known: set[int] = set()
        self._before: tuple[int, float] | None = None

    def __call__(self) -> None:
        """Look, if it is time."""
        if time.monotonic() >= self.next_look:
            self.look()

    def look(self) -> None:
        """Look now."""
        trials = trials_of(self.study, self.plan)
        ended = [trial for trial in trials if trial.state != "running"]
        news = tuple(trial for trial in ended if trial.number not in self._known)
        if news:
            self._known |= {trial.number for trial in news}
            write_trials(self.file, ended)
        left = self._seconds_left(len(ended))
        of_finalists = self.file.name == FINALISTS
        self.listener(Snapshot(tuple(trials), self.plan.budget, left, news, of_finalists))
        self.next_look = time.monotonic() + LOOK_SECONDS

    def _seconds_left(self, ended: int) -> float | None:
        """Return how long it will take at the pace of the trials since the first look."""
        now = time.time()
        left = self.deadline - now
        if self._before is None:
            self._before = (ended, now)
        done = ended - self._before[0]
        if done:
            left = min(left, (now - self._before[1]) / done * (self.plan.budget - ended))
        return max(left, 0.0) if math.isfinite(left) else None
