"""The trials of a tuning by training time and accuracy, and the front that none of them beats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.reports.charts.chart import Chart
from fittingroom.reports.charts.drawing import Drawing
from fittingroom.reports.charts.frame import Frame, Key, Scale, legend, log_ticks, nice_ticks
from fittingroom.reports.charts.pareto import around, name, short
from fittingroom.reports.charts.pareto import front as front_line
from fittingroom.reports.charts.trials import COMPLETE, DOT, accuracy_ends, digits_of, name_y
from fittingroom.reports.formats import percent
from fittingroom.reports.texts import say
from fittingroom.studies.pareto import ParetoPoint

if TYPE_CHECKING:
    from fittingroom.tuning.tuning import Trial, Tuning

WIDE, NARROW = 720.0, 340.0
HEIGHT = 320.0
LEFT, RIGHT = 46.0, 14.0


def trial_front(tuning: Tuning) -> Chart:
    """Draw the complete trials of a tuning with two objectives."""
    return Chart(
        title=say("charts.front.title"),
        caption=say("charts.front.caption"),
        wide=draw(tuning, WIDE),
        narrow=draw(tuning, NARROW),
    )


def draw(tuning: Tuning, width: float) -> Drawing:
    """Draw the front as steps with diamonds, their trials' numbers, and all others as dots."""
    drawing = Drawing(width, 0)
    keys = [
        Key("diamond", "accent", say("charts.front.front")),
        Key("dot", COMPLETE, say("charts.front.beaten")),
    ]
    top = legend(drawing, 0, 2, keys) + 22
    trials = [trial for trial in tuning.trials if trial.state == "complete" and trial.seconds]
    shown = accuracy_ends(trials)
    seconds = [trial.seconds for trial in trials if trial.seconds]
    ratio = max(max(seconds) / min(seconds), 1.5)
    x = Scale(min(seconds) / ratio**0.1, max(seconds) * ratio**0.12, LEFT, width - RIGHT, log=True)
    frame = Frame(x, Scale(shown.low, shown.high, top + HEIGHT, top))
    name_y(drawing, 0, top - 9, say("charts.trials.accuracy"))
    ticks = nice_ticks(shown.low, shown.high, 6)
    digits = max(map(digits_of, ticks))
    frame.rows(drawing, ticks, lambda tick: percent(tick, digits))
    frame.columns(drawing, log_ticks(x.low, x.high, 6 if width == WIDE else 4), short)
    frame.name_x(drawing, say("charts.front.seconds"))
    on_front = [point_of(trial) for trial in tuning.front if trial.accuracy and trial.seconds]
    taken = [*front_line(drawing, frame, on_front)]
    for trial in trials:
        if trial not in tuning.front and not shown.below(trial):
            place = x(trial.seconds or 1.0), frame.y(trial.accuracy or 0.0)
            drawing.dot(place, DOT, COMPLETE, fill_opacity=0.55, tip=tip_of(trial))
    for trial, point in zip(tuning.front, on_front, strict=True):
        place = x(point.cost), frame.y(point.mean)
        mark = {"stroke": "accent", "stroke_width": 1.8}
        drawing.diamond(place, DOT + 2, "paper", tip=tip_of(trial), **mark)
        taken.append(around(place, place, DOT + 2))
    for point in sorted(on_front, key=lambda point: -point.mean):
        label = say("charts.front.trial", number=point.name)
        name(drawing, frame, point, label, taken)
    drawing.height = frame.y.start + 44
    return drawing


def point_of(trial: Trial) -> ParetoPoint:
    """Return a trial of the front as a point of Pareto's."""
    seconds, accuracy = trial.seconds or 0.0, trial.accuracy or 0.0
    return ParetoPoint(str(trial.number), seconds, seconds, accuracy, None, True, ())


def tip_of(trial: Trial) -> object:
    """Say which trial a mark is, how accurate, and how long it took."""
    return say(
        "charts.front.tip",
        number=trial.number,
        accuracy=percent(trial.accuracy or 0.0),
        seconds=f"{trial.seconds or 0.0:.1f}",
    )
