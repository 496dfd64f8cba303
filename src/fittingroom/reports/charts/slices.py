"""Slices through a tuning: each parameter's values against accuracy, all trials in every plot.

A trial is where its own value is, whatever its other values are. The line goes through the best
trial of each part of the scale: what a value has reached, the others being well chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from fittingroom.reports.charts.chart import Chart
from fittingroom.reports.charts.choices import draw_choices
from fittingroom.reports.charts.drawing import Drawing
from fittingroom.reports.charts.frame import Key, Scale, legend, log_ticks, nice_ticks
from fittingroom.reports.charts.labels import SMALL_SIZE, Label, fitted
from fittingroom.reports.charts.pareto import power_of_ten
from fittingroom.reports.charts.trials import (
    COMPLETE,
    SPREAD,
    START,
    Plot,
    accuracy_ends,
    draw_trials,
    keys,
    name_y,
    rank,
    spread_of,
    strip,
    strip_words,
    upright,
)
from fittingroom.reports.formats import rate
from fittingroom.reports.texts import Sentence, say

if TYPE_CHECKING:
    from fittingroom.reports.tuning_rates import Region
    from fittingroom.tuning.space import Parameter
    from fittingroom.tuning.tuning import Trial, Tuning

WIDE, NARROW = 720.0, 340.0
GAP = 22.0
LEFT = 46.0  # room for the numbers of y
INSET = 8.0  # between the frame and the first and last value
REACH = 4.0  # of a shaded region beyond its last trial
HEADING = 24.0
FOOT = 34.0  # the numbers of x, in two lines where they are names, and the space below
HEIGHT, RATE_HEIGHT = 150.0, 300.0
PARTS, RATE_PARTS = 8, 14
# Below this a logarithmic scale has powers of ten: decimals would be too long, for a small plot
# and for a large one.
SMALLEST_DECIMALS = (1e-4, 1e-6)
BROAD = 250.0  # pixels from which a plot is a large one
# Values that can be counted stand apart up to this many of them.
MOST_APART = 16

Place = Callable[["Trial"], float]


def slices(tuning: Tuning, names: dict[str, Label]) -> Chart:
    """Draw a small plot for each of the parameters in `names`, on the same scale of accuracy."""
    parameters = [p for p in tuning.plan.space.parameters if p.name in names]

    def draw(width: float, columns: int) -> Drawing:
        return draw_slices(tuning, parameters, names, width, columns)

    return Chart(
        title=say("charts.slices.title"),
        caption=say("charts.slices.caption", strip=strip_words(accuracy_ends(tuning.trials))),
        wide=draw(WIDE, min(3, len(parameters))),
        narrow=draw(NARROW, 1),
    )


def rate_slice(tuning: Tuning, parameter: Parameter, name: Label, regions: list[Region]) -> Chart:
    """Draw the learning rate's slice in large, with the rates that were too low or too high."""

    def draw(width: float) -> Drawing:
        drawing = Drawing(width, 0)
        top = legend(drawing, 0, 2, slice_keys(tuning, [parameter])) + 22
        x = Scale(0, 1, LEFT + 6, width - 8)
        plot = Plot.within(accuracy_ends(tuning.trials), x, top, top + RATE_HEIGHT)
        name_y(drawing, 0, top - 9, say("charts.trials.accuracy"))
        plot = draw_slice(drawing, plot, tuning, parameter, RATE_PARTS, regions)
        plot.foot.name_x(drawing, name)
        drawing.height = plot.bottom + 44
        return drawing

    key = "caption-marked" if regions else "caption"
    return Chart(
        title=say("charts.rate.title"),
        caption=say(f"charts.rate.{key}", strip=strip_words(accuracy_ends(tuning.trials))),
        wide=draw(WIDE),
        narrow=draw(NARROW),
    )


def draw_slices(
    tuning: Tuning,
    parameters: Sequence[Parameter],
    names: dict[str, Label],
    width: float,
    columns: int,
) -> Drawing:
    """Draw the plots, `columns` side by side."""
    drawing = Drawing(width, 0)
    top = legend(drawing, 0, 2, slice_keys(tuning, parameters)) + 6
    cell = (width - GAP * (columns - 1)) / columns
    ends, row = accuracy_ends(tuning.trials), HEADING + HEIGHT + FOOT
    for place, parameter in enumerate(parameters):
        left, upper = (place % columns) * (cell + GAP), top + (place // columns) * row
        if place and place % columns == 0:
            drawing.cut(upper)
        heading = fitted(names[parameter.name], 0.9 * cell)
        drawing.text((left, upper + 14), heading, font_weight="600")
        x = Scale(0, 1, left + LEFT, left + cell - 4)
        plot = Plot.within(ends, x, upper + HEADING + 4, upper + HEADING + HEIGHT)
        draw_slice(drawing, plot, tuning, parameter, PARTS)
    drawing.height = top + row * -(-len(parameters) // columns)
    return drawing


def draw_slice(
    drawing: Drawing,
    plot: Plot,
    tuning: Tuning,
    parameter: Parameter,
    parts: int,
    regions: Sequence[Region] = (),
) -> Plot:
    """Draw one parameter on a plot, and return the plot with the scale of its values."""
    strip(drawing, plot)
    plot.rows(drawing, 4)
    if parameter.kind == "choice":
        draw_choices(drawing, plot, tuning, parameter)
        return plot
    plot = Plot.within(plot.ends, value_scale(parameter, plot), plot.frame.y.end, plot.bottom)
    for region in regions:
        shade_region(drawing, plot, region)
    x = plot.frame.x
    most = 8 if x.end - x.start > 400 else 4
    ticks = (log_ticks if parameter.log else nice_ticks)(x.low, x.high, most)
    if parameter.kind == "int":
        ticks = [tick for tick in ticks if tick == int(tick)]
    plot.columns(drawing, ticks, writer(parameter, x.end - x.start > BROAD))
    draw_start(drawing, plot, tuning, parameter)
    known = [trial for trial in tuning.trials if parameter.name in trial.values]

    few = parameter.count if parameter.count and parameter.count <= MOST_APART else 0
    room = 0.0 if parameter.log or not few else SPREAD * (x.end - x.start) / few

    def place(trial: Trial) -> float:
        return x(trial.values[parameter.name]) + room * spread_of(trial)

    draw_best(drawing, plot, best_of_parts(known, x, parameter.name, parts), place)
    draw_trials(drawing, plot, known, place, tuning.best)
    return plot


def value_scale(parameter: Parameter, plot: Plot) -> Scale:
    """Return the scale of a parameter's range, a little from the edges of the frame."""
    low, high = float(parameter.low or 0), float(parameter.high or 0)
    x = plot.frame.x
    few = parameter.count if parameter.count and parameter.count <= MOST_APART else 0
    inset = max(INSET, SPREAD * (x.end - x.start) / (2 * few)) if few else INSET
    return Scale(low, high, x.start + inset, x.end - inset, parameter.log)


def writer(parameter: Parameter, broad: bool) -> Callable[[float], str]:
    """Return how the values of a parameter are written below its plot."""
    if parameter.log and float(parameter.low or 0) < SMALLEST_DECIMALS[broad]:
        return power_of_ten
    return rate_or_zero


def rate_or_zero(value: float) -> str:
    """Write a value without needless zeros."""
    return rate(value) if value else "0"


def best_of_parts(trials: Sequence[Trial], x: Scale, name: str, parts: int) -> list[Trial]:
    """Return the best trial of each part of the scale that has any, from left to right.

    A pruned trial counts only where no complete one is: its accuracy is that of fewer epochs.
    """
    best: dict[int, Trial] = {}
    for trial in trials:
        if trial.accuracy is None or trial.state in {"running", "failed"}:
            continue
        share = (x(trial.values[name]) - x.start) / (x.end - x.start)
        part = min(int(share * parts), parts - 1)
        if part not in best or rank(trial) > rank(best[part]):
            best[part] = trial
    return [best[part] for part in sorted(best)]


def draw_best(drawing: Drawing, plot: Plot, best: Sequence[Trial], place: Place) -> None:
    """Join the best trials of the parts, with dashes from and to one that was pruned."""
    for one, other in pairwise(best):
        ends = [
            (place(trial), plot.frame.y(max(trial.accuracy or 0.0, plot.ends.low)))
            for trial in (one, other)
        ]
        whole = one.state == other.state == "complete"
        dash: dict[str, Any] = {} if whole else {"stroke_dasharray": "4 3"}
        drawing.path(ends, COMPLETE, stroke_opacity=0.75, **dash)


def draw_start(drawing: Drawing, plot: Plot, tuning: Tuning, parameter: Parameter) -> None:
    """Draw an upright line at the value of the recipe that the tuning started from."""
    value = parameter.of(tuning.plan.start)
    x = plot.frame.x
    if isinstance(value, int | float) and x.low <= value <= x.high:
        upright(drawing, plot, x(value))


def shade_region(drawing: Drawing, plot: Plot, region: Region) -> None:
    """Shade the rates that were too low or too high, from the frame's edge on, and name them."""
    x, y = plot.frame.x, plot.frame.y
    low, high = x(region.low) - REACH, x(region.high) + REACH
    left = x.start - INSET if region.side == "too-low" else max(low, x.start - INSET)
    right = x.end + INSET if region.side == "too-high" else min(high, x.end + INSET)
    drawing.box(
        (left, y.end), (right, plot.bottom), "series-7", fill_opacity=0.1 if region.firm else 0.05
    )
    edge = right if region.side == "too-low" else left
    drawing.line((edge, y.end), (edge, plot.bottom), "series-7", stroke_opacity=0.7)
    anchor, at = ("start", left + 6) if region.side == "too-low" else ("end", right - 6)
    for line, label in enumerate(names_of(region)):
        place, colour = (at, y.end + 16 + 14 * line), "muted" if line else "ink"
        drawing.text(place, label, colour=colour, size=SMALL_SIZE, anchor=anchor)


def names_of(region: Region) -> list[Sentence]:
    """Return what is written into a region: what it is, and what that is a sign of."""
    if not region.firm:
        return [say("charts.rate.early-name"), say("charts.rate.early-why")]
    parts = ("name", "why") if region.explained else ("name",)
    return [say(f"charts.rate.{region.side}-{part}") for part in parts]


def slice_keys(tuning: Tuning, parameters: Sequence[Parameter]) -> list[Key]:
    """Return the legend: only what is there to be seen."""
    found = [*keys(tuning.trials), Key("line", COMPLETE, say("charts.slices.best"))]
    if any(parameter.of(tuning.plan.start) is not None for parameter in parameters):
        found.append(Key("dots", START, say("charts.slices.start")))
    return found
