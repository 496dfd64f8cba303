"""Where a study stands: what is done, what is running, how long it will take."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from fittingroom.errors import RunError
from fittingroom.runs import folder as files
from fittingroom.studies.plan import Setting, StudyPlan
from fittingroom.studies.study import RUNS, Key, ended

# Between two runs a process has none for a moment, which must not double the time left.
LOOKS_REMEMBERED = 10


@dataclass(frozen=True)
class Standing:
    """One setting of a study that goes on.

    Parameters
    ----------
    setting
        Which.
    accuracies
        Test accuracies, fractions 0 to 1, of its finished runs, by seed.
    running, failed, total
        Numbers of runs.
    """

    setting: Setting
    accuracies: tuple[float, ...]
    running: int
    failed: int
    total: int


@dataclass(frozen=True)
class Snapshot:
    """A study at one moment.

    Parameters
    ----------
    standings
        One for each setting, in the plan's order.
    done, total
        Numbers of runs; done are those with a result and those whose loss diverged.
    seconds_left
        Estimated from the runs that are done; None before the first one.
    news
        What came to an end since the last snapshot: setting's name, seed, and accuracy or None.
    """

    standings: tuple[Standing, ...]
    done: int
    total: int
    seconds_left: float | None
    news: tuple[tuple[str, int, float | None], ...]


class Watch:
    """Looks at a study's folder, whoever works in it.

    Parameters
    ----------
    folder
        The study's.
    plan
        Its settings and seeds.
    """

    def __init__(self, folder: Path, plan: StudyPlan) -> None:
        self.folder = folder
        self.plan = plan
        self._places = {(s.name, seed): s.run_name(seed) for s, seed in plan.wanted}
        self._ended: dict[Key, Ended] = {}
        self._side_by_side: deque[float] = deque(maxlen=LOOKS_REMEMBERED)

    def look(self) -> Snapshot:
        """Return where the study stands now."""
        news = []
        running: dict[Key, dict[str, Any]] = {}
        for key, record in self._records():
            if ended(record):
                self._ended[key] = Ended.of(record)
                news.append((*key, self._ended[key].accuracy))
            elif record["status"] == files.RUNNING:
                running[key] = record
        self._side_by_side.append(sum(1 / stacked(record) for record in running.values()))
        return Snapshot(
            standings=tuple(self._standing(setting, running) for setting in self.plan.settings),
            done=len(self._ended),
            total=len(self._places),
            seconds_left=self._seconds_left(running),
            news=tuple(news),
        )

    def _records(self) -> Iterable[tuple[Key, dict[str, Any]]]:
        """Read the run.json of each run that is there and had not ended before."""
        try:
            there = {place.name for place in (self.folder / RUNS).iterdir()}
        except OSError:
            return
        for key, name in self._places.items():
            if name in there and key not in self._ended:
                try:
                    yield key, files.read_record(self.folder / RUNS / name)
                except RunError:  # just begun, or being removed
                    continue

    def _standing(self, setting: Setting, running: Mapping[Key, Any]) -> Standing:
        keys = [(setting.name, seed) for seed in self.plan.seeds]
        ended = [self._ended[key].accuracy for key in keys if key in self._ended]
        accuracies = tuple(accuracy for accuracy in ended if accuracy is not None)
        return Standing(
            setting=setting,
            accuracies=accuracies,
            running=sum(key in running for key in keys),
            failed=len(ended) - len(accuracies),
            total=len(keys),
        )

    def _seconds_left(self, running: Mapping[Key, dict[str, Any]]) -> float | None:
        an_epoch = seconds_of_an_epoch(self._ended.values())
        if not an_epoch:
            return None
        usual = fmean(an_epoch.values())
        left = 0.0
        for setting in self.plan.settings:
            needed = an_epoch.get(setting.recipe.model, usual) * setting.recipe.epochs
            for seed in self.plan.seeds:
                key = (setting.name, seed)
                if key not in self._ended:
                    passed = seconds_spent(running[key]) if key in running else 0.0
                    left += max(needed - passed, 0.0)
        return left / max(*self._side_by_side, 1)


@dataclass(frozen=True)
class Ended:
    """What is remembered of a run that came to an end.

    Parameters
    ----------
    model
        The name of its network.
    accuracy
        On the test pictures, a fraction 0 to 1; None if its loss diverged.
    seconds_of_an_epoch
        None if its loss diverged.
    """

    model: str
    accuracy: float | None
    seconds_of_an_epoch: float | None

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Ended:
        """Take it from a run's run.json."""
        model, results = str(record["recipe"].get("model")), record.get("results")
        if not results:
            return cls(model, None, None)
        an_epoch = results["training_seconds"] / max(results["epochs"], 1)
        return cls(model, float(results["test"]["accuracy"]), an_epoch)


def seconds_of_an_epoch(ended: Iterable[Ended]) -> dict[str, float]:
    """Return the mean seconds of an epoch of each network that a run has finished of."""
    found: dict[str, list[float]] = defaultdict(list)
    for run in ended:
        if run.seconds_of_an_epoch is not None:
            found[run.model].append(run.seconds_of_an_epoch)
    return {model: fmean(seconds) for model, seconds in found.items()}


def seconds_spent(record: Mapping[str, Any]) -> float:
    """Return the seconds spent on a run that goes on: of those of its stack, its share."""
    return seconds_since(record.get("started")) / stacked(record)


def stacked(record: Mapping[str, Any]) -> int:
    """Return how many runs were or are trained at once, this one among them."""
    return int(record.get("stacked", 1))


def seconds_since(moment: object) -> float:
    """Return the seconds since an ISO 8601 moment; 0 if it is none, or is still to come."""
    try:
        began = dt.datetime.fromisoformat(str(moment))
        return max((dt.datetime.now(dt.UTC) - began).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return 0.0
