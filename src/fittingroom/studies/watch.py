"""Where a study stands: what is done, what is running, how long it will take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from fittingroom.errors import RunError
from fittingroom.runs import folder as files
from fittingroom.studies.plan import Setting, StudyPlan
from fittingroom.studies.study import RUNS, Key


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
        self._ended: dict[Key, dict[str, Any]] = {}

    def look(self) -> Snapshot:
        """Return where the study stands now."""
        news = []
        running: dict[Key, dict[str, Any]] = {}
        for setting, seed in self.plan.wanted:
            key = (setting.name, seed)
            if key in self._ended:
                continue
            try:
                record = files.read_record(self.folder / RUNS / setting.run_name(seed))
            except RunError:
                continue
            if record["status"] in {files.FINISHED, files.FAILED}:
                self._ended[key] = record
                news.append((*key, accuracy_of(record)))
            elif record["status"] == files.RUNNING:
                running[key] = record
        return Snapshot(
            standings=tuple(self._standing(setting, running) for setting in self.plan.settings),
            done=len(self._ended),
            total=len(self.plan.wanted),
            seconds_left=self._seconds_left(running),
            news=tuple(news),
        )

    def _standing(self, setting: Setting, running: Mapping[Key, Any]) -> Standing:
        keys = [(setting.name, seed) for seed in self.plan.seeds]
        ended = [accuracy_of(self._ended[key]) for key in keys if key in self._ended]
        accuracies = tuple(accuracy for accuracy in ended if accuracy is not None)
        return Standing(
            setting=setting,
            accuracies=accuracies,
            running=sum(key in running for key in keys),
            failed=len(ended) - len(accuracies),
            total=len(keys),
        )

    def _seconds_left(self, running: Mapping[Key, dict[str, Any]]) -> float | None:
        speeds = Speeds(list(self._ended.values()))
        if not speeds.known:
            return None
        left = 0.0
        for setting, seed in self.plan.wanted:
            key = (setting.name, seed)
            if key not in self._ended:
                needed = speeds.seconds(setting)
                passed = seconds_since(running[key]["started"]) if key in running else 0.0
                left += max(needed - passed, 0.0)
        return left / max(len(running), 1)


class Speeds:
    """What an epoch takes, from the runs that are done.

    Parameters
    ----------
    records
        Their run.json.
    """

    def __init__(self, records: Sequence[dict[str, Any]]) -> None:
        self._seconds: dict[str, list[float]] = {}
        for record in records:
            results = record.get("results")
            if results:
                an_epoch = results["training_seconds"] / max(results["epochs"], 1)
                self._seconds.setdefault(record["recipe"]["model"], []).append(an_epoch)

    @property
    def known(self) -> bool:
        """Whether there is anything to estimate from."""
        return bool(self._seconds)

    def seconds(self, setting: Setting) -> float:
        """Estimate the seconds of one run of a setting."""
        everything = [value for values in self._seconds.values() for value in values]
        return fmean(self._seconds.get(setting.recipe.model, everything)) * setting.recipe.epochs


def accuracy_of(record: dict[str, Any]) -> float | None:
    """Return the test accuracy that a record holds, if it does."""
    return float(record["results"]["test"]["accuracy"]) if record.get("results") else None


def seconds_since(moment: str) -> float:
    """Return the seconds since an ISO 8601 moment."""
    return (dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(moment)).total_seconds()
