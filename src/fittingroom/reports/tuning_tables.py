"""The tables of a tuning's report, and what its parameters are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fittingroom.reports.charts.labels import Label
from fittingroom.reports.formats import (
    DASH,
    NOTHING,
    count,
    duration,
    interval,
    percent,
    recipe_value,
)
from fittingroom.reports.texts import Sentence, load, say
from fittingroom.tuning.tuning import ranked

if TYPE_CHECKING:
    from fittingroom.tuning.space import Parameter
    from fittingroom.tuning.tuning import Trial, Tuning

MOST_TRIALS = 10
MOST_REASONS = 3

FINALIST_HEADS = [say(f"tuning.best.{name}") for name in ("number", "mean", "range", "first-look")]
VARIED_HEADS = ("parameter", "values", "scale", "start", "winner")


@dataclass(frozen=True)
class FieldName:
    """A field of a recipe: what people call it and, where that is something else, its name."""

    name: str

    def of(self, language: str) -> str:
        """Return it in one language."""
        words = load(language)[f"tuning.fields.{self.name}"]
        if words == self.name:
            return words
        return f"{words} ({self.name})" if language == "en" else f"{words}({self.name})"


def name_of(parameter: Parameter) -> Label:
    """Return what people call a parameter; an option of a network is called as it is."""
    return FieldName(parameter.name) if has_words(parameter) else parameter.name


def words_of(parameter: Parameter) -> Label:
    """Return the same without the name that a recipe has for it, where there is less room."""
    return say(f"tuning.fields.{parameter.name}") if has_words(parameter) else parameter.name


def has_words(parameter: Parameter) -> bool:
    """Tell whether people have words for a parameter."""
    return not parameter.in_options and f"tuning.fields.{parameter.name}" in load("en")


def names_of(tuning: Tuning) -> dict[str, Label]:
    """Return what people call each parameter."""
    return {parameter.name: name_of(parameter) for parameter in tuning.plan.space.parameters}


def varied_rows(tuning: Tuning) -> list[list[Any]]:
    """Return a row for each parameter; columns `VARIED_HEADS`."""
    best = tuning.best
    return [
        [
            name_of(parameter),
            values_text(parameter),
            scale_text(parameter),
            recipe_value(parameter.of(tuning.plan.start)),
            NOTHING if best is None else recipe_value(best.values[parameter.name]),
        ]
        for parameter in tuning.plan.space.parameters
    ]


def values_text(parameter: Parameter) -> str:
    """Return a parameter's range or choices."""
    if parameter.kind == "choice":
        return ", ".join(map(recipe_value, parameter.choices))
    return f"{recipe_value(parameter.low)}{DASH}{recipe_value(parameter.high)}"


def scale_text(parameter: Parameter) -> Sentence:
    """Say how a parameter's values are looked at."""
    if parameter.kind == "choice":
        return say("tuning.done.choice")
    if parameter.step is not None:
        return say("tuning.done.steps", step=recipe_value(parameter.step))
    if parameter.kind == "int":
        return say("tuning.done.whole-log" if parameter.log else "tuning.done.whole")
    return say("tuning.done.log" if parameter.log else "tuning.done.linear")


def starts_outside(tuning: Tuning) -> bool:
    """Tell whether the starting recipe has a value that the search could not try."""
    return tuning.plan.space.values_of(tuning.plan.start) is None


def is_start(tuning: Tuning, trial: Trial) -> bool:
    """Tell whether a trial is the starting recipe itself."""
    return dict(trial.values) == tuning.plan.space.values_of(tuning.plan.start)


def start_trial(tuning: Tuning) -> Trial | None:
    """Return the complete trial that is the starting recipe; None where there is none."""
    return next((trial for trial in tuning.complete if is_start(tuning, trial)), None)


def trial_heads(tuning: Tuning) -> list[Sentence]:
    """Return the heads of a table of trials."""
    names = ["number", "accuracy", *(["range"] if len(tuning.plan.seeds) > 1 else [])]
    heads = [say(f"tuning.best.{name}") for name in names]
    varied = [say("study.shown", value=label) for label in names_of(tuning).values()]
    return [*heads, *varied, say("tuning.best.seconds")]


def trial_rows(tuning: Tuning, trials: Sequence[Trial]) -> list[list[Any]]:
    """Return a row for each of the trials; columns `trial_heads`."""
    return [
        [
            str(trial.number),
            NOTHING if trial.accuracy is None else percent(trial.accuracy),
            *([range_of(trial)] if len(tuning.plan.seeds) > 1 else []),
            *(recipe_value(trial.values[p.name]) for p in tuning.plan.space.parameters),
            NOTHING if trial.seconds is None else duration(trial.seconds),
        ]
        for trial in trials
    ]


def finalist_rows(tuning: Tuning) -> list[list[str]]:
    """Return a row for each finalist, the best first; columns `FINALIST_HEADS`."""
    return [
        [
            str(trial.number),
            percent(trial.mean),
            range_of(trial),
            percent(trial.accuracy or 0.0),
        ]
        for trial in tuning.finalists
    ]


def range_of(trial: Trial) -> str:
    """Return the lowest and the highest accuracy of a trial's seeds."""
    found = trial.all_accuracies
    return interval((min(found), max(found))) if found else NOTHING


def best_trials(tuning: Tuning) -> list[Trial]:
    """Return the best of the complete trials."""
    return ranked(tuning.trials)[:MOST_TRIALS]


def failed_reasons(tuning: Tuning) -> list[Sentence]:
    """Say why trials failed, of the first few."""
    failed = [trial for trial in tuning.trials if trial.state == "failed"]
    told = [
        say("tuning.best.reason", number=trial.number, reason=trial.reason or NOTHING)
        for trial in failed[:MOST_REASONS]
    ]
    more = len(failed) - len(told)
    return [*told, say("tuning.best.more", count=count(more))] if more else told
