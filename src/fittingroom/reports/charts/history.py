"""The history of a tuning: every trial by its number, and the best accuracy so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.reports.charts.chart import Chart
from fittingroom.reports.charts.drawing import Drawing, Point
from fittingroom.reports.charts.frame import Key, Scale, legend, nice_ticks
from fittingroom.reports.charts.trials import (
    COMPLETE,
    START,
    Plot,
    accuracy_ends,
    draw_trials,
    keys,
    name_y,
    strip,
    strip_words,
)
from fittingroom.reports.formats import count
from fittingroom.reports.texts import say
from fittingroom.reports.tuning_tables import start_trial

if TYPE_CHECKING:
    from fittingroom.tuning.tuning import Tuning

WIDE, NARROW = 720.0, 340.0
HEIGHT = 280.0
LEFT, RIGHT = 46.0, 12.0


def history(tuning: Tuning) -> Chart:
    """Draw the trials of a tuning that has a complete one."""
    return Chart(
        title=say("charts.history.title"),
        caption=say(
            "charts.history.caption-again" if tuning.finalists else "charts.history.caption",
            strip=strip_words(accuracy_ends(tuning.trials)),
        ),
        wide=draw(tuning, WIDE),
        narrow=draw(tuning, NARROW),
    )


def draw(tuning: Tuning, width: float) -> Drawing:
    """Draw the trials from left to right, and the steps of the best so far."""
    drawing = Drawing(width, 0)
    trials = tuning.trials
    start = start_trial(tuning)
    lines = [Key("line", COMPLETE, say("charts.history.best"))]
    if start is not None:
        lines.append(Key("dots", START, say("charts.slices.start")))
    top = legend(drawing, 0, 2, [*keys(trials), *lines]) + 22
    last = max(trial.number for trial in trials)
    x = Scale(-0.5, last + 0.5, LEFT, width - RIGHT)
    plot = Plot.within(accuracy_ends(trials), x, top, top + HEIGHT)
    name_y(drawing, 0, top - 9, say("charts.trials.accuracy"))
    strip(drawing, plot)
    plot.rows(drawing, 5)
    ticks = nice_ticks(0, max(last, 1), 8 if width == WIDE else 5)
    plot.columns(drawing, [t for t in ticks if t == int(t) <= last], lambda t: count(int(t)))
    plot.foot.name_x(drawing, say("charts.history.number"))
    if start is not None:
        height = plot.y(start)
        drawing.line((x.start, height), (x.end, height), START, width=1.2, stroke_dasharray="2 3")
    drawing.path(best_so_far(tuning, plot), COMPLETE, stroke_opacity=0.7)
    draw_trials(drawing, plot, trials, lambda trial: x(trial.number), tuning.best)
    drawing.height = plot.bottom + 44
    return drawing


def best_so_far(tuning: Tuning, plot: Plot) -> list[Point]:
    """Return the steps of the highest accuracy among the complete trials so far."""
    path: list[Point] = []
    best = 0.0
    for trial in tuning.trials:
        if trial.state == "complete" and trial.accuracy is not None and trial.accuracy > best:
            best = trial.accuracy
            x, y = plot.frame.x(trial.number), plot.frame.y(max(best, plot.ends.low))
            path += [(x, path[-1][1] if path else y), (x, y)]
    return [*path, (plot.frame.x.end, path[-1][1])]
