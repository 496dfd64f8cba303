"""One run of a study by itself, and the scores of each class over the seeds of its setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from fittingroom.evaluation.metrics import ClassScore, per_class_scores
from fittingroom.reports.conclusions import judge_model
from fittingroom.reports.formats import NOTHING, count, interval, percent
from fittingroom.reports.names import quoted
from fittingroom.reports.run_view import RunView
from fittingroom.reports.texts import Sentence, say
from fittingroom.studies.setting_result import SettingResult

SCORES = ("precision", "recall", "f1")


@dataclass(frozen=True, eq=False)
class Closeup:
    """The run of a setting's lowest seed.

    Parameters
    ----------
    setting
        The setting.
    run
        Its first run, with the pictures if they can be had.
    """

    setting: SettingResult
    run: RunView

    @property
    def several(self) -> bool:
        """Whether the setting has more than one seed."""
        return self.setting.n > 1

    @property
    def introduction(self) -> Sentence:
        """Which run it is."""
        names = {"name": quoted(self.setting.label), "seed": self.setting.seeds[0]}
        if self.several:
            return say("study.closeup.intro", n=count(self.setting.n), **names)
        return say("study.closeup.intro-one-seed", **names)

    @property
    def conclusions(self) -> list[Sentence]:
        """What the numbers of the run say."""
        return judge_model(self.run.evaluation)

    @property
    def class_caption(self) -> str:
        """Key of what the table of classes shows."""
        return "study.closeup.caption" if self.several else "page.classes.caption"

    @property
    def class_heads(self) -> list[str]:
        """Keys of its heads: the mean of each score and, with several seeds, its range."""
        ranged = ["study.closeup.range"] if self.several else []
        scores = [key for score in SCORES for key in (f"page.classes.{score}", *ranged)]
        return ["page.classes.name", *scores, "page.classes.support"]

    @property
    def class_rows(self) -> list[list[str]]:
        """A row for each class, over all seeds of the setting."""
        classes = self.run.evaluation.classes
        runs = [per_class_scores(marks.confusion, classes) for marks in self.setting.marks]
        return [class_row(scores) for scores in zip(*runs, strict=True)]


def class_row(scores: Sequence[ClassScore]) -> list[str]:
    """Return one class's row, from its scores in each run.

    A run in which a score is not defined, the precision of a class never predicted say, has no
    part in its mean and range.
    """
    precision = [score.precision for score in scores if score.predicted]
    recall = [score.recall for score in scores if score.support]
    f1 = [score.f1 for score in scores if score.support or score.predicted]
    told = [mean_and_range(found, len(scores)) for found in (precision, recall, f1)]
    return [scores[0].name, *chain(*told), count(scores[0].support)]


def mean_and_range(found: Sequence[float], runs: int) -> list[str]:
    """Write the mean of shares and, of several runs, the lowest and highest."""
    if not found:
        return [NOTHING] * min(runs, 2)
    mean = percent(sum(found) / len(found), 1)
    return [mean] if runs == 1 else [mean, interval((min(found), max(found)), 1)]
