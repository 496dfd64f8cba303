"""The slice of a parameter that is a choice: a column of trials for each of its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fittingroom.reports.charts.drawing import Drawing
from fittingroom.reports.charts.labels import SMALL_SIZE, fitted, label_width
from fittingroom.reports.charts.trials import (
    COMPLETE,
    SPREAD,
    Plot,
    draw_trials,
    rank,
    spread_of,
    upright,
)
from fittingroom.reports.formats import recipe_value
from fittingroom.tuning.space import same

if TYPE_CHECKING:
    from fittingroom.tuning.space import Parameter
    from fittingroom.tuning.tuning import Trial, Tuning

BAR = 0.36  # of a choice's room on either side


def draw_choices(drawing: Drawing, plot: Plot, tuning: Tuning, parameter: Parameter) -> None:
    """Draw a column for each choice: its trials side by side, and a bar at the best of them."""
    x = plot.frame.x
    room = (x.end - x.start) / len(parameter.choices)
    columns = trials_by_choice(tuning, parameter)
    at = {
        trial.number: x.start + room * (place + 0.5)
        for place, column in enumerate(columns)
        for trial in column
    }

    def spread(trial: Trial) -> float:
        return at[trial.number] + room * SPREAD * spread_of(trial)

    start = place_of(parameter, parameter.of(tuning.plan.start))
    if start is not None:
        upright(drawing, plot, x.start + room * (start + 0.5))
    for column in columns:
        if best := max(
            (trial for trial in column if trial.state == "complete"), key=rank, default=None
        ):
            middle = at[best.number]
            height = plot.frame.y(max(best.accuracy or 0.0, plot.ends.low))
            ends = (middle - room * BAR, height), (middle + room * BAR, height)
            drawing.line(*ends, COMPLETE, width=1.75, stroke_opacity=0.75)
    draw_trials(drawing, plot, [t for column in columns for t in column], spread, tuning.best)
    name_choices(drawing, plot, [recipe_value(choice) for choice in parameter.choices])


def trials_by_choice(tuning: Tuning, parameter: Parameter) -> list[list[Trial]]:
    """Return the trials of each choice."""
    columns: list[list[Trial]] = [[] for _ in parameter.choices]
    for trial in tuning.trials:
        place = place_of(parameter, trial.values.get(parameter.name))
        if place is not None:
            columns[place].append(trial)
    return columns


def place_of(parameter: Parameter, value: Any) -> int | None:
    """Return which of the choices a value is; None where it is none of them."""
    return next((n for n, choice in enumerate(parameter.choices) if same(choice, value)), None)


def name_choices(drawing: Drawing, plot: Plot, labels: Sequence[str]) -> None:
    """Write the choices below their columns, in two lines by turns where one is too short."""
    x = plot.frame.x
    room = (x.end - x.start) / len(labels)
    turns = 2 if max(label_width(label, SMALL_SIZE) for label in labels) > room - 4 else 1
    for place, label in enumerate(labels):
        short = fitted(label, room * turns - 6, SMALL_SIZE)
        half = label_width(short, SMALL_SIZE) / 2
        at = min(x.start + room * (place + 0.5), x.end + 4 - half)
        base = plot.bottom + 4 + SMALL_SIZE + 13 * (place % turns)
        drawing.text((at, base), short, colour="muted", size=SMALL_SIZE, anchor="middle")
