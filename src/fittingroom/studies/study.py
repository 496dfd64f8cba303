"""A study, read back from its folder or gathered from runs, and compared.

::

    studies/notebook/
        study.json      the plan, the data, the machine
        runs/           one run folder for each setting and seed; every result is computed from them
        report.html     and whatever else was written about it
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, JsonValue

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import RunError, StudyError
from fittingroom.runs import folder as files
from fittingroom.runs.record import Data, read_described
from fittingroom.runs.run import Run, load_again, open_run
from fittingroom.studies.plan import Setting, StudyPlan, Words, validate
from fittingroom.training.recipe import Recipe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fittingroom.studies.results import StudyResults

FORMATS = ("fittingroom-study/2", "fittingroom-study/1")
FORMAT = FORMATS[0]
RECORD = "study.json"
RUNS = "runs"
DEFAULT_FOLDER = Path("studies")

Key = tuple[str, int]  # a setting's name and a seed


class Study:
    """Settings x seeds, each run in its folder, and what the comparison of them says.

    Parameters
    ----------
    plan
        What was asked for.
    runs
        The finished runs, by setting's name and seed.
    record
        What study.json says: the data and the machine.
    folder
        Where it lies; None for runs that were gathered.
    failures
        Why a run has no result: its loss diverged.
    problems
        Runs that are left out because they are damaged, one line each.
    """

    def __init__(
        self,
        plan: StudyPlan,
        runs: Mapping[Key, Run],
        record: dict[str, Any],
        *,
        folder: Path | None = None,
        failures: Mapping[Key, str] | None = None,
        problems: Sequence[str] = (),
    ) -> None:
        self.plan = plan
        self.runs = dict(runs)
        self.record = record
        self.folder = folder
        self.failures = dict(failures or {})
        self.problems = tuple(problems)

    @property
    def name(self) -> str:
        """The plan's name."""
        return self.plan.name

    @property
    def title(self) -> Words:
        """What people call it, in both languages."""
        return self.plan.title

    @property
    def finished(self) -> bool:
        """Whether every run that was asked for has come to an end."""
        keys = {(setting.name, seed) for setting, seed in self.plan.wanted}
        return keys <= {*self.runs, *self.failures}

    @cached_property
    def results(self) -> StudyResults:
        """Means with intervals, pairwise tests, verdicts on the claims, recorded results.

        Raises
        ------
        StudyError
            If no run has a result.
        """
        from fittingroom.studies.results import collect

        if self.failures and not self.runs:
            reason = next(iter(self.failures.values()))
            raise StudyError(f"{self.folder or self.name}: no run has a result: {reason}")
        if not self.runs:
            raise StudyError(f"{self.folder or self.name}: no run of this study is finished yet")
        return collect(self.plan, self.runs, failures=self.failures, problems=self.problems)

    def data(self, source: DataSplits | str | Path | None = None) -> DataSplits:
        """Load the data that the runs were made with.

        Parameters
        ----------
        source
            Where to find them now, or the data themselves; None for where they were.

        Raises
        ------
        DataError
            If they are not there, or are not the same.
        """
        return load_again(self.record["data"], source, whose=f"study {self.name}")

    def __repr__(self) -> str:
        done = f"{len(self.runs)} of {len(self.plan.wanted)} runs finished"
        return f"<Study {self.name}: {len(self.plan.settings)} settings, {done}>"

    def plot(self) -> Figure:
        """Draw the settings by mean accuracy; in Jupyter the figure shows itself.

        Raises
        ------
        StudyError
            If no run is finished.
        """
        from fittingroom.evaluation.figures import settings_ranking

        data = self.record["data"]
        caption = f"{data['name']}, test set, {data['test']:,} pictures"
        return settings_ranking(self.results.ranking, data_name=caption, sketches=data["sketches"])

    def _repr_html_(self) -> str:
        from fittingroom.studies.display import show_study

        return show_study(self)


class Record(BaseModel):
    """study.json, as far as it is read back."""

    format: str
    plan: dict[str, JsonValue]
    data: Data
    environment: dict[str, JsonValue]


def open_study(folder: str | Path) -> Study:
    """Open a study's folder; it may be unfinished, and its runs are looked at anew.

    Raises
    ------
    StudyError
        If there is no study, or its record is damaged or of another version.
    """
    path = Path(folder)
    record = read_record(path)
    return read_runs(path, record, validate(record["plan"], str(path / RECORD)))


def read_runs(path: Path, record: dict[str, Any], plan: StudyPlan) -> Study:
    """Make a study of the runs in its folder that a plan speaks of."""
    runs: dict[Key, Run] = {}
    failures: dict[Key, str] = {}
    problems: list[str] = []
    for setting, seed in plan.wanted:
        key = (setting.name, seed)
        place = path / RUNS / setting.run_name(seed)
        if not (place / files.RECORD).exists():
            continue
        try:
            run = Run(place)
            check_run(run, setting.recipe_for(seed), record["data"]["fingerprint"])
        except (RunError, StudyError) as error:
            problems.append(str(error))
            continue
        if run.status == files.FINISHED:
            runs[key] = run
        elif diverged(run.record):
            failures[key] = str(run.record.get("error"))
    return Study(plan, runs, record, folder=path, failures=failures, problems=problems)


def gather(runs: Iterable[Run | str | Path], *, name: str = "comparison") -> Study:
    """Make a study of finished runs that were made one by one; those of one recipe are a setting.

    Parameters
    ----------
    runs
        Runs, or their folders. All on the same data.
    name
        What the study is called.

    Raises
    ------
    StudyError
        If there are none, two have the same recipe and seed, or their data differ.
    RunError
        If one is unfinished or damaged.
    """
    opened = [run if isinstance(run, Run) else open_run(run) for run in runs]
    if not opened:
        raise StudyError("expected one or more runs to compare, found none")
    for run in opened:
        if run.status != files.FINISHED:
            raise RunError(f"{run.folder}: the run is {run.status}; {run.how_to_go_on}")
        if run.record["data"]["fingerprint"] != opened[0].record["data"]["fingerprint"]:
            raise StudyError(
                f"{run.folder}: made with other data than {opened[0].folder}: runs can only be "
                "compared on the same pictures"
            )
    settings = name_settings([run.recipe.but(seed=0) for run in opened])
    found: dict[Key, Run] = {}
    for run in opened:
        key = (settings[run.recipe.but(seed=0).model_dump_json()].name, run.recipe.seed)
        if key in found:
            raise StudyError(
                f"{run.folder}: the same recipe and seed as {found[key].folder}; leave one out"
            )
        found[key] = run
    plan = StudyPlan(
        name=name,
        title=Words(en="Comparison of runs", ko="실행 결과 비교"),
        seeds=tuple(sorted({seed for _, seed in found})),
        settings=tuple(settings.values()),
    )
    return Study(plan, found, opened[0].record)


def name_settings(recipes: Sequence[Recipe]) -> dict[str, Setting]:
    """Return one setting for each different recipe, named by the fields in which they differ."""
    by_content = {recipe.model_dump_json(): recipe for recipe in recipes}
    fields = [recipe.model_dump() for recipe in by_content.values()]
    differing = [
        key for key in Recipe.model_fields if any(f[key] != fields[0][key] for f in fields)
    ]
    shown = [key for key in differing if key != "model"]
    settings = {}
    for content, recipe in by_content.items():
        values = recipe.model_dump()
        told = [key for key in shown if key != "model" and values[key] not in ({}, None)]
        words = [recipe.model, *(f"{key}={values[key]}" for key in told)]
        settings[content] = Setting(name=", ".join(words), label=", ".join(words), recipe=recipe)
    return settings


def read_record(folder: Path) -> dict[str, Any]:
    """Return what a study's study.json holds.

    Raises
    ------
    StudyError
        If there is none, or it is damaged or of another version.
    """
    return read_described(folder / RECORD, "study", FORMATS, Record, StudyError)


def check_run(run: Run, recipe: Recipe, fingerprint: str) -> None:
    """See that a run in a study's folder is the one that the plan speaks of.

    Raises
    ------
    StudyError
        If its recipe or its data are other ones.
    RunError
        If its recipe cannot be read.
    """
    was, now = run.recipe.model_dump(), recipe.model_dump()
    for field, value in now.items():
        if was[field] != value:
            raise StudyError(
                f"{run.folder}: the run was made with {field} {was[field]!r}, the study says "
                f"{value!r}; give the setting another name, or the study another --out"
            )
    if run.record["data"]["fingerprint"] != fingerprint:
        raise StudyError(
            f"{run.folder}: the run was made with other data than the study's; "
            "give the study another --out"
        )


def ended(record: Mapping[str, Any]) -> bool:
    """Tell from its run.json whether a run came to an end that another try would not change."""
    return record["status"] == files.FINISHED or diverged(record)


def diverged(record: Mapping[str, Any]) -> bool:
    """Tell whether a run came to nothing and would again: its loss was no longer a number."""
    return record["status"] == files.FAILED and record.get("error_type") == "DivergenceError"
