"""Settings by mean accuracy: a row each, with every seed, the interval and what was recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fittingroom.reports.charts.chart import Chart
from fittingroom.reports.charts.drawing import HALO, Drawing
from fittingroom.reports.charts.frame import Frame, Key, Scale, legend, nice_range, nice_ticks
from fittingroom.reports.charts.labels import TEXT_SIZE, fitted, label_width
from fittingroom.reports.formats import percent
from fittingroom.reports.texts import say

if TYPE_CHECKING:
    from fittingroom.studies.plan import Recorded
    from fittingroom.studies.results import SettingResult, StudyResults

WIDE, NARROW = 720.0, 340.0
WIDE_ROW, NARROW_ROW = 27.0, 42.0
MOST_LABEL = 290.0  # pixels of the names beside the rows
VALUE_ROOM = 60.0  # of the numbers at the right
BAR, TICK_HEIGHT, SEED, RECORDED = 2.0, 14.0, 3.2, 5.0

Marked = Mapping[str, Sequence["Recorded"]]


def ranking(results: StudyResults) -> Chart:
    """Draw the settings of a study, the best above."""
    several = any(result.interval for result in results.ranking)
    return Chart(
        title=say("charts.ranking.title"),
        caption=say("charts.ranking.caption-seeds" if several else "charts.ranking.caption"),
        wide=draw(results, WIDE),
        narrow=draw(results, NARROW),
    )


def draw(results: StudyResults, width: float) -> Drawing:
    """Draw all rows; on a phone the names stand above their rows instead of beside them."""
    drawing = Drawing(width, 0)
    ranked, marked = results.ranking, recorded_by_setting(results)
    beside = width == WIDE
    names = max(label_width(result.label) for result in ranked)
    left = min(names, MOST_LABEL) + 14 if beside else 20.0
    row = WIDE_ROW if beside else NARROW_ROW
    top = legend(drawing, 0, 2, keys(ranked, marked)) + (10 if beside else 4)
    bottom = top + row * len(ranked) + 4
    low, high = accuracy_range(ranked, marked)
    frame = Frame(Scale(low, high, left, width - VALUE_ROOM), Scale(0, 1, bottom, top))
    digits = 0 if high - low > 0.04 else 1
    frame.columns(drawing, nice_ticks(low, high, 6), lambda tick: percent(tick, digits), grid=True)
    frame.name_x(drawing, say("charts.ranking.accuracy"))
    for place, result in enumerate(ranked):
        upper = top + place * row
        middle = upper + row / 2 if beside else upper + row - 13
        base = middle + TEXT_SIZE * 0.35 if beside else upper + 15
        name = fitted(result.label, MOST_LABEL if beside else width - 8)
        drawing.text((0, base), name, **HALO)
        draw_row(drawing, frame.x, middle, result, marked.get(result.name, ()))
    drawing.height = bottom + 44
    return drawing


def draw_row(
    drawing: Drawing,
    x: Scale,
    middle: float,
    result: SettingResult,
    recorded: Sequence[Recorded],
) -> None:
    """Draw one setting: seeds, interval, mean, recorded values, and the mean as a number."""
    if result.interval is not None:
        low, high = result.interval
        ends = (max(x(low), x.start), middle), (min(x(high), x.end), middle)
        drawing.line(*ends, "series-1", width=BAR)
    for seed, accuracy in zip(result.seeds, result.accuracies, strict=True):
        tip = say("charts.ranking.seed-tip", seed=seed, accuracy=percent(accuracy))
        drawing.dot((x(accuracy), middle), SEED, "series-1", fill_opacity=0.45, tip=tip)
    mean, half = x(result.mean), TICK_HEIGHT / 2
    drawing.line((mean, middle - half), (mean, middle + half), "series-1", width=BAR + 0.5)
    for one in recorded:
        tip = say("charts.ranking.recorded-tip", label=one.label, accuracy=percent(one.accuracy))
        mark = {"stroke": "accent", "stroke_width": 1.6, "fill_opacity": 0}
        drawing.diamond((x(one.accuracy), middle), RECORDED, "paper", tip=tip, **mark)
    drawing.text((drawing.width, middle + TEXT_SIZE * 0.36), percent(result.mean), anchor="end")


def recorded_by_setting(results: StudyResults) -> Marked:
    """Return what was recorded for each setting, or may have been."""
    found: dict[str, list[Recorded]] = {}
    for result in results.recorded:
        for name in result.recorded.settings:
            found.setdefault(name, []).append(result.recorded)
    return found


def accuracy_range(ranked: Sequence[SettingResult], marked: Marked) -> tuple[float, float]:
    """Return the ends of the scale: seeds, recorded values and intervals lie within.

    An interval of two or three seeds can be wider than everything that was measured; it is cut
    at twice the width of that.
    """
    found = [accuracy for result in ranked for accuracy in result.accuracies]
    found += [one.accuracy for result in ranked for one in marked.get(result.name, ())]
    low, high = min(found), max(found)
    room = max(high - low, 0.004)
    ends = [end for result in ranked if result.interval for end in result.interval]
    low = max(min([low, *ends]), low - room / 2, 0.0)
    high = min(max([high, *ends]), high + room / 2, 1.0)
    lowest, highest = nice_range([low, high], 6)
    return max(0.0, lowest), min(1.0, highest)


def keys(ranked: Sequence[SettingResult], marked: Marked) -> list[Key]:
    """Return the legend: only what is there to be seen."""
    several = any(result.interval for result in ranked)
    mean = "charts.ranking.mean" if several else "charts.ranking.mean-only"
    found = [Key("dot", "series-1", say("charts.ranking.seed")), Key("bar", "series-1", say(mean))]
    if any(marked.get(result.name) for result in ranked):
        found.append(Key("diamond", "accent", say("charts.ranking.recorded")))
    return found
