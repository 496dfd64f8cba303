"""A tuning, read back from its folder: what was tried, what won, and what it was worth.

::

    tunings/three-layer/
        tuning.json     plan, data, environment, command, when the test set was opened
        trials.jsonl    one line a trial: a copy of what the storage holds, for readers
        finalists.jsonl the same of the best ones, trained again with further seeds
        trials.db       Optuna's storage (SQLite), unless --storage names another
        best.toml       the winner, for `fittingroom train --recipe`
        front.toml      of two objectives: the best trade-offs, for `fittingroom study`
        final/          a study: start and winner x seeds, where the test set is opened, once
        report.html     and whatever else was written about it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from fittingroom.data.dataset import DataSplits
from fittingroom.data.records import read_record as read_small
from fittingroom.errors import RecipeError, TuningError
from fittingroom.runs import folder as files
from fittingroom.runs.record import Data, read_described
from fittingroom.runs.run import load_again
from fittingroom.studies.study import RECORD as STUDY_RECORD
from fittingroom.studies.study import open_study
from fittingroom.training.recipe import Recipe
from fittingroom.tuning.plan import TuningPlan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fittingroom.studies.study import Study

FORMATS = ("fittingroom-tuning/2", "fittingroom-tuning/1")
FORMAT = FORMATS[0]
RECORD = "tuning.json"
TRIALS = "trials.jsonl"
FINALISTS = "finalists.jsonl"
DATABASE = "trials.db"
BEST = "best.toml"
FRONT = "front.toml"
FINAL = "final"
DEFAULT_FOLDER = Path("tunings")

State = Literal["complete", "pruned", "failed", "running"]


@dataclass(frozen=True)
class Trial:
    """One set of values, tried.

    Parameters
    ----------
    number
        Counted from 0, as Optuna counts; those that were interrupted and tried again are missing.
    state
        pruned: stopped early since it looked hopeless; failed: it has no result, see `reason`.
    values
        By the names of the space's parameters.
    recipe
        The start recipe with those values; its seed is 0.
    accuracy
        On the validation pictures, 0 to 1, mean over the seeds; of a pruned trial the last one.
    accuracies
        One a seed, of a complete trial.
    seconds
        Training and validation of one run, mean over the seeds.
    epochs
        Trained, of all seeds added up.
    curve, train_curve
        After each epoch the accuracy on the validation pictures and the training loss, means over
        the seeds.
    reason
        Why it failed; of a complete one why it cannot win: a further seed has failed.
    further
        Of a finalist: its accuracies with further seeds.
    """

    number: int
    state: State
    values: Mapping[str, Any]
    recipe: Recipe
    accuracy: float | None = None
    accuracies: tuple[float, ...] = ()
    seconds: float | None = None
    epochs: int = 0
    curve: tuple[float, ...] = ()
    train_curve: tuple[float, ...] = ()
    reason: str = ""
    further: tuple[float, ...] = ()

    @property
    def all_accuracies(self) -> tuple[float, ...]:
        """Of a complete trial: one for each of its seeds, the further ones last."""
        return self.accuracies + self.further

    @property
    def mean(self) -> float:
        """Of a complete trial: the mean accuracy over all its seeds, 0 to 1."""
        return fmean(self.all_accuracies or (self.accuracy or 0.0,))

    def to_dict(self) -> dict[str, Any]:
        """Return what differs from trial to trial as JSON values."""
        return {
            "number": self.number,
            "state": self.state,
            "values": dict(self.values),
            "accuracy": self.accuracy,
            "accuracies": list(self.accuracies),
            "seconds": self.seconds,
            "epochs": self.epochs,
            "curve": list(self.curve),
            "train_curve": list(self.train_curve),
            "reason": self.reason,
        }


class Tuning:
    """Sets of values that were tried, the winner, and the winner against the start.

    Parameters
    ----------
    folder
        Where it lies.
    record
        What tuning.json says.
    plan
        What was asked for.
    trials
        In any order.
    again
        The finalists once more: what they came to with further seeds.
    """

    def __init__(
        self,
        folder: Path,
        record: dict[str, Any],
        plan: TuningPlan,
        trials: Sequence[Trial],
        again: Sequence[Trial] = (),
    ) -> None:
        self.folder = folder
        self.record = record
        self.plan = plan
        ordered = sorted(trials, key=lambda trial: trial.number)
        self.trials = tuple(with_further_seeds(trial, again) for trial in ordered)
        self.again = tuple(again)

    @property
    def name(self) -> str:
        """The plan's name."""
        return self.plan.name

    @property
    def complete(self) -> tuple[Trial, ...]:
        """The trials that came to their end, by number."""
        return tuple(trial for trial in self.trials if trial.state == "complete")

    @property
    def best(self) -> Trial | None:
        """The winner so far: see `best_of`."""
        return best_of(self.trials)

    @property
    def finalists(self) -> tuple[Trial, ...]:
        """The trials that were trained again, the best first."""
        looked_at = (trial for trial in self.complete if trial.further)
        return tuple(sorted(looked_at, key=lambda trial: (-trial.mean, trial.number)))

    @property
    def front(self) -> tuple[Trial, ...]:
        """Of two objectives the trials that none beats in both, the fastest first; else the best.

        A trial is beaten by one that takes no longer and is more accurate.
        """
        if self.plan.objective == "accuracy":
            return (self.best,) if self.best else ()
        return front_of(self.complete)

    @cached_property
    def importance(self) -> Mapping[str, float]:
        """How much each parameter decides about being among the best, adding up to 1.

        PED-ANOVA (Watanabe et al. 2023, arXiv 2304.10255); empty where there are too few trials.
        """
        from fittingroom.tuning.importance import importance_of

        return importance_of(self.plan.space, self.complete)

    @cached_property
    def final(self) -> Study | None:
        """The winner against the start on the test pictures; None before all of it is done."""
        from fittingroom.tuning.final import final_plan

        if self.best is None or not (self.folder / FINAL / STUDY_RECORD).is_file():
            return None
        study = open_study(self.folder / FINAL)
        wanted = [(s.recipe, seed) for s, seed in final_plan(self.plan, self.best).wanted]
        # A search that went on has another winner, perhaps, which is not judged yet.
        of_this = [(s.recipe, seed) for s, seed in study.plan.wanted] == wanted
        return study if of_this and study.finished else None

    @property
    def epochs_trained(self) -> int:
        """Epochs of all trials and seeds, added up."""
        return sum(trial.epochs for trial in (*self.trials, *self.again))

    @property
    def epochs_saved(self) -> int:
        """Epochs that trials which were stopped early did not train."""
        seeds = len(self.plan.seeds)
        pruned = (trial for trial in self.trials if trial.state == "pruned")
        return sum(trial.recipe.epochs * seeds - trial.epochs for trial in pruned)

    def data(self, source: DataSplits | str | Path | None = None) -> DataSplits:
        """Load the data that it was made with.

        Parameters
        ----------
        source
            Where to find them now, or the data themselves; None for where they were.

        Raises
        ------
        DataError
            If they are not there, or are not the same.
        """
        return load_again(self.record["data"], source, whose=f"tuning {self.name}")

    def __repr__(self) -> str:
        best = "" if self.best is None else f", best {self.best.mean:.2%}"
        return f"<Tuning {self.name}: {len(self.trials)} trials{best}>"

    def plot(self) -> Figure:
        """Draw the trials by number and the best so far; in Jupyter the figure shows itself.

        Raises
        ------
        TuningError
            If no trial is complete.
        """
        from fittingroom.tuning.display import draw_tuning

        return draw_tuning(self)

    def _repr_html_(self) -> str:
        from fittingroom.tuning.display import show_tuning

        return show_tuning(self)


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """Return the complete trials, the highest validation accuracy at first look first."""
    complete = (trial for trial in trials if trial.state == "complete")
    return sorted(complete, key=lambda trial: (-(trial.accuracy or 0.0), trial.number))


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """Return the finalist of the highest mean validation accuracy over all seeds.

    Before there are finalists it is the best of the complete trials; of equals the first.
    """
    complete = [trial for trial in trials if trial.state == "complete"]
    finalists = [trial for trial in complete if trial.further]
    sound = finalists or [trial for trial in complete if not trial.reason] or complete
    return max(sound, key=lambda trial: (trial.mean, -trial.number), default=None)


def with_further_seeds(trial: Trial, again: Sequence[Trial]) -> Trial:
    """Return a trial with what the same values came to with further seeds, if they were tried."""
    if trial.state != "complete":
        return trial
    for other in again:
        if other.values == trial.values and other.state != "running":
            return replace(trial, further=other.accuracies, reason=other.reason)
    return trial


def front_of(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Return the trials that no other beats in accuracy and seconds, the fastest first."""
    front: list[Trial] = []
    for trial in sorted(trials, key=lambda t: (t.seconds or 0.0, -(t.accuracy or 0.0))):
        if not front or (trial.accuracy or 0.0) > (front[-1].accuracy or 0.0):
            front.append(trial)
    return tuple(front)


class Record(BaseModel):
    """tuning.json, as far as it is read back."""

    format: str
    plan: dict[str, JsonValue]
    data: Data
    environment: dict[str, JsonValue]


class TrialLine(BaseModel):
    """One line of trials.jsonl."""

    number: int
    state: State
    values: dict[str, JsonValue]
    accuracy: float | None
    accuracies: tuple[float, ...]
    seconds: float | None
    epochs: int
    curve: tuple[float, ...]
    train_curve: tuple[float, ...]
    reason: str


def open_tuning(folder: str | Path) -> Tuning:
    """Open a tuning's folder; it may be unfinished.

    Raises
    ------
    TuningError
        If there is no tuning, or its files are damaged or of another version.
    """
    path = Path(folder)
    record = read_record(path)
    plan = plan_from(record["plan"], str(path / RECORD))
    trials, again = (read_trials(path / name, plan) for name in (TRIALS, FINALISTS))
    return Tuning(path, record, plan, trials, again)


@cache
def plan_adapter() -> TypeAdapter[TuningPlan]:
    """Return what reads and writes plans; making it takes 20 ms."""
    return TypeAdapter(TuningPlan)


def plan_from(fields: Any, where: str) -> TuningPlan:
    """Make a plan of its JSON values.

    Raises
    ------
    TuningError
        If they are damaged.
    """
    try:
        return plan_adapter().validate_python(fields)
    except (ValidationError, RecipeError) as error:
        raise TuningError(f"{where}: the plan is damaged: {first_line(error)}") from None


def plan_values(plan: TuningPlan) -> dict[str, Any]:
    """Return a plan as JSON values."""
    return dict(plan_adapter().dump_python(plan, mode="json"))


def recipe_of(plan: TuningPlan, values: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a trial; of a failed one, whose values exclude each other, as it is."""
    try:
        return plan.space.recipe(plan.start, values)
    except RecipeError:
        return plan.start.model_copy(update=plan.space.fields(plan.start, values))


def read_trials(path: Path, plan: TuningPlan) -> list[Trial]:
    """Read a file of trials; before the first trial there is none.

    Raises
    ------
    TuningError
        If it is damaged.
    """
    if not path.exists():
        return []
    try:
        lines = [
            TrialLine.model_validate_json(line)
            for line in read_small(path).decode("utf-8").split("\n")
            if line
        ]
        return [Trial(**dict(line), recipe=recipe_of(plan, line.values)) for line in lines]
    except (OSError, ValueError, KeyError) as error:
        raise TuningError(f"{path}: the trials cannot be read: {first_line(error)}") from None


def write_trials(path: Path, trials: Sequence[Trial]) -> None:
    """Write a file of trials, one line each."""
    files.write_json_lines(path, (trial.to_dict() for trial in trials))


def read_record(folder: Path) -> dict[str, Any]:
    """Return what a tuning's tuning.json holds.

    Raises
    ------
    TuningError
        If there is none, or it is damaged or of another version.
    """
    return read_described(folder / RECORD, "tuning", FORMATS, Record, TuningError)


def first_line(error: Exception) -> str:
    """Say in one line what is wrong."""
    if isinstance(error, ValidationError):
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        return f"{where}: {problem['msg']}" if where else str(problem["msg"])
    return str(error).partition("\n")[0]
