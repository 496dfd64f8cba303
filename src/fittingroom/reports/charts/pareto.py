"""Cost against accuracy, and the front of those settings that nothing cheaper beats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from fittingroom.reports.charts.chart import Chart
from fittingroom.reports.charts.drawing import HALO, Drawing, Point
from fittingroom.reports.charts.frame import (
    Frame,
    Key,
    Scale,
    legend,
    log_ticks,
    nice_range,
    nice_ticks,
)
from fittingroom.reports.charts.labels import SMALL_SIZE, Label, fitted, label_width
from fittingroom.reports.formats import percent
from fittingroom.reports.texts import say

if TYPE_CHECKING:
    from fittingroom.studies.results import ParetoPoint, StudyResults

WIDE, NARROW = 720.0, 340.0
HEIGHT = 340.0
LEFT, RIGHT = 48.0, 14.0
MOST_LABEL = 240.0
DOT = 4.5
FAR = 22.0  # pixels from which a name needs a line to its dot
# How much of a label lies before its anchor.
BEFORE: dict[str, float] = {"start": 0, "middle": 0.5, "end": 1}
TIMES = "\N{MULTIPLICATION SIGN}"
POWERS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def pareto(results: StudyResults) -> Chart:
    """Draw every setting by its cost, on a logarithmic scale, and its mean accuracy."""
    return Chart(
        title=say("charts.pareto.title"),
        caption=say(f"charts.pareto.caption-{results.cost_unit}"),
        wide=draw(results, WIDE),
        narrow=draw(results, NARROW),
    )


def draw(results: StudyResults, width: float) -> Drawing:
    """Draw the front as steps, the settings as dots, and as many names as have room."""
    drawing = Drawing(width, 0)
    points = results.pareto
    keys = [
        Key("dot", "accent", say("charts.pareto.front")),
        Key("dot", "muted", say("charts.pareto.beaten")),
    ]
    top = legend(drawing, 0, 2, keys) + 22
    frame = frame_for(points, top, width)
    drawing.text((0, top - 9), say("charts.pareto.accuracy"), colour="muted", size=SMALL_SIZE)
    low, high = frame.y.low, frame.y.high
    digits = 0 if high - low > 0.04 else 1
    frame.rows(drawing, nice_ticks(low, high, 6), lambda tick: percent(tick, digits))
    ticks = log_ticks(frame.x.low, frame.x.high, 6 if width == WIDE else 4)
    frame.columns(drawing, ticks, power_of_ten if results.cost_unit == "FLOPs" else short)
    frame.name_x(drawing, say(f"charts.pareto.cost-{results.cost_unit}"))
    taken = [*front(drawing, frame, points)]
    for point in points:
        taken += dot(drawing, frame, point)
    labels = {result.name: result.label for result in results.settings}
    for point in sorted(points, key=lambda point: (not point.on_front, -point.mean)):
        name(drawing, frame, point, labels[point.name], taken)
    drawing.height = frame.y.start + 44
    return drawing


def frame_for(points: Sequence[ParetoPoint], top: float, width: float) -> Frame:
    """Return a frame around all points, whose names find room within it."""
    costs = [point.cost for point in points]
    ends = [end for point in points for end in (point.interval or ())]
    means = [point.mean for point in points]
    spread = max(max(means) - min(means), 0.004)
    low = max(min([*means, *ends]), min(means) - spread / 2)
    high = min(max([*means, *ends]), max(means) + spread / 2)
    lowest, highest = nice_range([low, high], 6)
    ratio = max(max(costs) / min(costs), 1.5)
    x = Scale(min(costs) / ratio**0.1, max(costs) * ratio**0.16, LEFT, width - RIGHT, log=True)
    return Frame(x, Scale(max(0.0, lowest), min(1.0, highest), top + HEIGHT, top))


@dataclass(frozen=True)
class Box:
    """A place that is taken."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Tell whether two places overlap."""
        apart = (
            self.right <= other.left
            or other.right <= self.left
            or self.bottom <= other.top
            or other.bottom <= self.top
        )
        return not apart


def around(start: Point, end: Point, margin: float = 1.5) -> Box:
    """Return the place that a straight line takes."""
    (x1, y1), (x2, y2) = start, end
    return Box(
        min(x1, x2) - margin, min(y1, y2) - margin, max(x1, x2) + margin, max(y1, y2) + margin
    )


def front(drawing: Drawing, frame: Frame, points: Sequence[ParetoPoint]) -> Iterator[Box]:
    """Draw the steps of the best mean that a cost can buy, and return the places they take."""
    best = sorted((point for point in points if point.on_front), key=lambda point: point.cost)
    path: list[Point] = []
    for point in best:
        x, y = frame.x(point.cost), frame.y(point.mean)
        path += [(x, path[-1][1] if path else y), (x, y)]
    path.append((frame.x.end, path[-1][1]))
    drawing.path(path, "accent", width=1.5, stroke_opacity=0.6)
    return (around(start, end) for start, end in pairwise(path))


def dot(drawing: Drawing, frame: Frame, point: ParetoPoint) -> list[Box]:
    """Draw one setting with its interval, and return the places that they take."""
    x, y = frame.x(point.cost), frame.y(point.mean)
    colour = "accent" if point.on_front else "muted"
    taken = [around((x, y), (x, y), DOT)]
    if point.interval is not None:
        ends = [frame.y(min(max(end, frame.y.low), frame.y.high)) for end in point.interval]
        drawing.line((x, ends[0]), (x, ends[1]), colour, width=1.5, stroke_opacity=0.6)
        taken.append(around((x, ends[0]), (x, ends[1])))
    tip = say("charts.pareto.tip", name=point.name, accuracy=percent(point.mean))
    drawing.dot((x, y), DOT, colour, tip=tip)
    return taken


def name(
    drawing: Drawing, frame: Frame, point: ParetoPoint, label: Label, taken: list[Box]
) -> None:
    """Write a name at the first free place around its dot; none where all are taken."""
    label = fitted(label, MOST_LABEL, SMALL_SIZE)
    width = label_width(label, SMALL_SIZE)
    x, y = frame.x(point.cost), frame.y(point.mean)
    colour = "ink" if point.on_front else "muted"
    for edge, base, anchor in places(x, y):
        left = edge - width * BEFORE[anchor]
        box = Box(left, base - SMALL_SIZE, left + width, base + 3)
        inside = left >= LEFT and box.right <= drawing.width and frame.y.end <= box.top
        if inside and box.bottom <= frame.y.start and not any(box.meets(other) for other in taken):
            if abs(base - y) > FAR:
                drawing.line((x, y), (edge, base - 4), colour, stroke_opacity=0.4)
            drawing.text((edge, base), label, colour=colour, size=SMALL_SIZE, anchor=anchor, **HALO)
            taken.append(box)
            return


def places(x: float, y: float) -> Iterator[tuple[float, float, str]]:
    """Go through the places of a label around a dot: an end of its base line, and which end."""
    half = SMALL_SIZE * 0.36
    for shift in (0.0, -9.0, 9.0, -16.0, 16.0, -26.0, 26.0, -38.0, 38.0):
        yield x + DOT + 4, y + half + shift, "start"
        yield x - DOT - 4, y + half + shift, "end"
    for shift in (-10, 10 + SMALL_SIZE):
        yield x, y + shift, "middle"


def power_of_ten(value: float) -> str:
    """Write a large number as 1.8 times 10¹², its digits raised."""
    mantissa, exponent = f"{value:.1e}".split("e")
    mantissa = mantissa.removesuffix(".0")
    power = f"10{str(int(exponent)).translate(POWERS)}"
    return power if mantissa == "1" else f"{mantissa}{TIMES}{power}"


def short(value: float) -> str:
    """Write a number of seconds without needless digits."""
    return f"{value:g}" if value < 1e5 else power_of_ten(value)
