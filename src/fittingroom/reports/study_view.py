"""A study as its report shows it: numbers as text, tables as rows, charts, pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fittingroom.data.dataset import ImageDataset
from fittingroom.reports import charts, repeat, repeat_study
from fittingroom.reports import study_tables as tables
from fittingroom.reports.charts import Chart, CurveGroup
from fittingroom.reports.conclusions_study import judge_study
from fittingroom.reports.explorer import Explorer, Model
from fittingroom.reports.formats import count, duration, percent, seed_list
from fittingroom.reports.names import Listed
from fittingroom.reports.pictures import build_album
from fittingroom.reports.run_view import RunView
from fittingroom.reports.study_closeup import Closeup
from fittingroom.reports.study_reasons import judge_all_recorded, judge_curves, judge_verdict
from fittingroom.reports.study_story import (
    devices_of,
    protocol_of,
    what_is_missing,
    what_to_mind,
    what_was_done,
)
from fittingroom.reports.texts import Sentence, say
from fittingroom.studies.study import Study

if TYPE_CHECKING:
    from fittingroom.runs.run import Run
    from fittingroom.studies.results import SettingResult, StudyResults, Verdict
    from fittingroom.training.diagnosis import Kind

# In this order they are told.
KINDS: tuple[Kind, ...] = ("overshooting", "underfitting", "overfitting", "fine", "too-short")


@dataclass(frozen=True, eq=False)
class StudyView:
    """A study as a report needs it.

    Parameters
    ----------
    study
        With at least one finished run.
    pictures
        The test pictures; None if they cannot be had.
    absent
        Why not.
    """

    study: Study
    pictures: ImageDataset | None
    absent: str = ""

    @property
    def results(self) -> StudyResults:
        """The numbers."""
        return self.study.results

    @property
    def record(self) -> dict[str, Any]:
        """What study.json holds."""
        return self.study.record

    @property
    def title(self) -> Sentence:
        """What the report is about."""
        return say("study.title", title=self.study.title)

    @property
    def warnings(self) -> list[Sentence]:
        """What must not be overlooked."""
        return [say("page.frame.sketches")] if self.record["data"]["sketches"] else []

    @cached_property
    def runs(self) -> list[tuple[SettingResult, Run]]:
        """Every finished run with its setting, in the order of the plan."""
        return [(setting, run) for setting in self.results.settings for run in setting.runs]

    @property
    def titles(self) -> dict[str, str]:
        """Section's id -> key of its title, in the order of the page; none without content."""
        several = len(self.results.settings) > 1
        there = {
            "claims": bool(self.results.verdicts),
            "recorded": any(result.matches for result in self.results.recorded),
            "pairs": several,
            "cost": several,
        }
        names = (
            "done",
            "result",
            "ranking",
            "claims",
            "recorded",
            "curves",
            "diagnoses",
            "pairs",
            "cost",
            "confusion",
            "closeup",
            "repeat",
            "cautions",
        )
        return {name: f"study.sections.{name}" for name in names if there.get(name, True)}

    @cached_property
    def done(self) -> list[Sentence]:
        """What was done, and on what data."""
        return what_was_done(self.study)

    @property
    def gaps(self) -> list[Sentence]:
        """Which runs have no result, and why."""
        return what_is_missing(self.study)

    @property
    def cautions(self) -> list[Sentence]:
        """What these numbers do not say."""
        return what_to_mind(self.study)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Key of a name and value, for the study in short."""
        data, plan = self.record["data"], self.study.plan
        first = self.runs[0][1].record["data"]
        devices = devices_of(self.study)
        found = {
            "name": self.study.name,
            "started": str(self.record.get("started", ""))[:16].replace("T", " "),
            "data-name": data["name"],
            "fingerprint": data["fingerprint"],
            "sizes": " / ".join(count(first[part]) for part in ("train", "validation", "test")),
            "protocol": protocol_of(self.study),
            "settings": count(len(plan.settings)),
            "seeds": seed_list(plan.seeds),
            "device-name": ", ".join(devices),
        }
        return [(f"study.done.{name}", value) for name, value in found.items() if value]

    def heads(self, table: str) -> list[str]:
        """Return the keys of a table's heads."""
        names: dict[str, tuple[str, ...]] = {
            "ranking": tables.RANKING_HEADS,
            "claims": tables.CLAIM_HEADS,
            "recorded": tables.RECORDED_HEADS,
            "pairs": tables.PAIR_HEADS,
            "cost": tables.COST_HEADS,
            "repeat": ("setting", "seed", "accuracy", "seconds", "folder"),
        }
        found = [f"study.{table}.{name}" for name in names[table]]
        if table == "cost" and self.results.cost_unit == "FLOPs":
            found.insert(1, "study.cost.flops")
        return found

    @property
    def tested(self) -> bool:
        """Whether any pair was compared over seeds."""
        return any(pair.difference for pair in self.results.comparisons)

    @property
    def single_seed(self) -> bool:
        """Whether a setting has one seed only."""
        return any(setting.n == 1 for setting in self.results.settings)

    @property
    def notes(self) -> list[tuple[Any, Any]]:
        """Label of a recorded result, and what is to be said about its source."""
        found = [result.recorded for result in self.results.recorded]
        return [(recorded.label, recorded.note) for recorded in found if recorded.note]

    @cached_property
    def conclusions(self) -> list[Sentence]:
        """What the numbers say."""
        return judge_study(self.results)

    @cached_property
    def ranking(self) -> Chart:
        """Settings by mean accuracy."""
        return charts.ranking(self.results)

    @cached_property
    def pareto(self) -> Chart:
        """Cost against accuracy."""
        return charts.pareto(self.results)

    @cached_property
    def curves(self) -> Chart:
        """Loss and accuracy by epoch, a pair of plots for each setting."""
        return charts.learning_curves(
            [
                CurveGroup(result.label, [run.history for run in result.runs], result.accuracies)
                for result in self.results.settings
            ]
        )

    @property
    def diagnoses(self) -> list[tuple[str, list[tuple[Any, list[Sentence]]]]]:
        """Each kind of diagnosis that there is, with its settings and what it rests on."""
        settings = self.results.settings
        return [
            (kind, found)
            for kind in KINDS
            if (
                found := [
                    (result.label, judge_curves(result.diagnosis, self.results))
                    for result in settings
                    if result.diagnosis.kind == kind
                ]
            )
        ]

    @property
    def verdicts(self) -> list[tuple[Verdict, list[Sentence], list[Sentence]]]:
        """Each claim: its verdict, what that rests on, and what its learning curves say."""
        return [
            (
                verdict,
                judge_verdict(verdict, self.results),
                judge_curves(verdict.diagnosis, self.results) if verdict.diagnosis else [],
            )
            for verdict in self.results.verdicts
        ]

    @property
    def answers(self) -> list[Sentence]:
        """For each recorded result, which setting can have produced it."""
        return judge_all_recorded(self.results.recorded, self.results)

    @property
    def hero(self) -> Sentence:
        """What the large number is."""
        key = "best" if len(self.results.settings) > 1 else "only"
        one = "-one-seed" if self.results.ranking[0].n == 1 else ""
        return say(f"study.hero.{key}{one}")

    @property
    def front(self) -> Listed:
        """The settings on the Pareto front."""
        labels = {result.name: result.label for result in self.results.settings}
        return Listed([labels[point.name] for point in self.results.pareto if point.on_front])

    @cached_property
    def explorer(self) -> Explorer:
        """The confusion matrices, one for each setting, with their pictures."""
        models = [Model(result.label, result.runs[0].evaluation) for result in self.shown]
        album = None
        if self.pictures is not None:
            album = build_album([model.evaluation for model in models], self.pictures)
        return Explorer("explorer", models, album)

    @property
    def shown(self) -> list[SettingResult]:
        """The settings whose matrices can be shown side by side: those of the same pictures."""
        first = self.results.ranking[0]
        return [
            result
            for result in self.results.ranking
            if result.marks[0].pictures == first.marks[0].pictures
        ]

    @cached_property
    def closeup(self) -> Closeup:
        """The run that is shown by itself: the lowest seed of the first in the ranking."""
        first = self.results.ranking[0]
        return Closeup(first, RunView(first.runs[0], self.pictures, self.absent))

    @property
    def command(self) -> str:
        """The command line that repeats the study."""
        return repeat_study.command(self.study)

    @property
    def python(self) -> str:
        """How to read the numbers with the library; nothing for runs that were gathered."""
        return repeat_study.python(self.study)

    @property
    def files(self) -> list[tuple[str, Sentence]]:
        """Which file holds what."""
        return repeat_study.files(self.study)

    @property
    def versions(self) -> list[tuple[str, str]]:
        """What the first run was computed with."""
        return repeat.versions(self.runs[0][1])

    @property
    def run_rows(self) -> list[list[Any]]:
        """A row for each run: setting, seed, accuracy, time, folder."""
        return [
            [
                setting.label,
                str(run.recipe.seed),
                percent(run.record["results"]["test"]["accuracy"]),
                duration(run.record["results"]["training_seconds"]),
                run.name,
            ]
            for setting, run in self.runs
        ]
