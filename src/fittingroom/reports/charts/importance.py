"""How much each parameter of a tuning decides: a bar each."""

from __future__ import annotations

from collections.abc import Mapping

from fittingroom.reports.charts.chart import Chart
from fittingroom.reports.charts.drawing import HALO, Drawing
from fittingroom.reports.charts.frame import Frame, Scale, nice_ticks
from fittingroom.reports.charts.labels import TEXT_SIZE, Label, fitted, label_width
from fittingroom.reports.formats import percent
from fittingroom.reports.texts import say

WIDE, NARROW = 720.0, 340.0
WIDE_ROW, NARROW_ROW = 27.0, 42.0
MOST_LABEL = 250.0  # pixels of the names beside the bars
VALUE_ROOM = 44.0  # of the numbers at the right
BAR = 13.0


def importance(shares: Mapping[str, float], names: Mapping[str, Label]) -> Chart:
    """Draw what share each parameter has, the largest above.

    Parameters
    ----------
    shares
        By parameter, at least one; they add up to 1.
    names
        What people call each.
    """
    return Chart(
        title=say("charts.importance.title"),
        caption=say("charts.importance.caption"),
        wide=draw(shares, names, WIDE),
        narrow=draw(shares, names, NARROW),
    )


def draw(shares: Mapping[str, float], names: Mapping[str, Label], width: float) -> Drawing:
    """Draw all bars; on a phone the names stand above them instead of beside."""
    drawing = Drawing(width, 0)
    ranked = sorted(shares, key=lambda name: -shares[name])
    beside = width == WIDE
    widest = max(label_width(names[name]) for name in ranked)
    left = min(widest, MOST_LABEL) + 14 if beside else 12.0
    row = WIDE_ROW if beside else NARROW_ROW
    bottom = 4 + row * len(ranked)
    most = max(shares.values())
    x = Scale(0, most, left, width - VALUE_ROOM)
    frame = Frame(x, Scale(0, 1, bottom, 4))
    frame.columns(drawing, nice_ticks(0, most, 5), lambda tick: percent(tick, 0), grid=True)
    for place, name in enumerate(ranked):
        upper = 4 + place * row
        middle = upper + row / 2 if beside else upper + row - 12
        base = middle + TEXT_SIZE * 0.35 if beside else upper + 15
        label = fitted(names[name], MOST_LABEL if beside else width - 8)
        drawing.text((0 if beside else left, base), label, **HALO)
        end = x(shares[name])
        drawing.box(
            (left, middle - BAR / 2), (end, middle + BAR / 2), "series-1", fill_opacity=0.75
        )
        number = (end + 6, middle + TEXT_SIZE * 0.36)
        drawing.text(number, percent(shares[name], 0), **HALO)
    drawing.height = bottom + 24
    return drawing
