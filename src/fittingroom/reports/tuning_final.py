"""The final of a tuning as its report shows it: the winner against the start, on the test set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fittingroom.errors import StudyError
from fittingroom.reports.formats import p_value, percent, points, points_interval
from fittingroom.reports.texts import Sentence, say
from fittingroom.studies.study import open_study
from fittingroom.tuning.display import BEST, START
from fittingroom.tuning.tuning import FINAL

if TYPE_CHECKING:
    from fittingroom.studies.results import Comparison, SettingResult, StudyResults
    from fittingroom.tuning.tuning import Tuning


@dataclass(frozen=True, eq=False)
class Final:
    """What the final came to.

    Parameters
    ----------
    results
        The numbers of its study.
    best
        The winner.
    start
        The starting recipe; None where that is the winner, or has no result.
    alone
        Whether the starting recipe is the winner.
    """

    results: StudyResults
    best: SettingResult
    start: SettingResult | None
    alone: bool = False

    @property
    def comparison(self) -> Comparison | None:
        """The winner minus the start."""
        return self.results.compare(BEST, START) if self.start is not None else None

    @property
    def against(self) -> list[Sentence]:
        """How far the winner is from the start, in short, with its test."""
        if self.start is None:
            return []
        told = [say("tuning.hero.against", points=points(self.best.mean - self.start.mean))]
        found = self.comparison.difference if self.comparison is not None else None
        if found is None:
            return told
        numbers = {"interval": points_interval((found.low, found.high)), "p": p_value(found.p)}
        return [*told, say("tuning.hero.tested", **numbers)]

    @property
    def verdict(self) -> list[Sentence]:
        """Whether the winner is really better than the start."""
        if self.start is None or self.comparison is None:
            return []
        numbers = {"best": percent(self.best.mean), "start": percent(self.start.mean)}
        found = self.comparison.difference
        if found is None:
            return [say("tuning.conclusions.one-seed", **numbers)]
        kind = "undecided"
        if self.comparison.significant:
            kind = "better" if found.mean > 0 else "worse"
        return [
            say(
                f"tuning.conclusions.{kind}",
                points=points(found.mean),
                interval=points_interval((found.low, found.high)),
                p=p_value(found.p),
                n=str(found.n),
                **numbers,
            )
        ]


def final_of(tuning: Tuning) -> Final | None:
    """Return the final of the winner; None where there is none, or without a result for it."""
    study = tuning.final
    if study is None:
        return None
    try:
        results = study.results
    except StudyError:
        return None
    settings = {setting.name: setting for setting in results.settings}
    if BEST in settings:
        return Final(results, settings[BEST], settings.get(START))
    alone = [setting.name for setting in study.plan.settings] == [START]
    return Final(results, settings[START], None, alone=True) if alone else None


def lack_of_final(tuning: Tuning) -> Literal["unopened", "stale", "failed"]:
    """Return why there is no final of the winner: none yet, an earlier winner's, or no result."""
    if tuning.final is not None:
        return "failed"
    earlier = tuning.folder / FINAL
    return "stale" if earlier.is_dir() and open_study(earlier).finished else "unopened"
