"""The reliability diagram: whether a confidence of 80% means right in 80% of the cases.

After DeGroot and Fienberg 1983 (doi:10.2307/2987588) as Guo et al. 2017 draw it (arXiv
1706.04599, figure 1), with the number of pictures in each bin below it.
"""

from __future__ import annotations

from collections.abc import Iterator

from fittingroom.evaluation.metrics import Calibration
from fittingroom.reports.charts.chart import Chart
from fittingroom.reports.charts.drawing import Drawing
from fittingroom.reports.charts.frame import Frame, Key, Scale, legend
from fittingroom.reports.charts.labels import SMALL_SIZE
from fittingroom.reports.formats import count, percent
from fittingroom.reports.texts import say

WIDE, NARROW = 480.0, 340.0
LEFT, RIGHT = 52.0, 18.0
COUNTS = 56.0  # pixels of the lower plot
QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


def reliability(calibration: Calibration) -> Chart:
    """Draw accuracy against confidence, bin by bin."""
    return Chart(
        title=say("charts.reliability.title"),
        caption=say("charts.reliability.caption", gap=percent(calibration.error)),
        wide=draw(calibration, WIDE),
        narrow=draw(calibration, NARROW),
    )


def draw(calibration: Calibration, width: float) -> Drawing:
    """Draw the bins above, how full they are below."""
    drawing = Drawing(width, 0)
    keys = [
        Key("line", "series-1", say("charts.reliability.accuracy")),
        Key("line", "series-2", say("charts.reliability.gap")),
        Key("dash", "muted", say("charts.reliability.perfect")),
    ]
    top = legend(drawing, 0, 2, keys) + 22
    height = min(300.0, width - LEFT - RIGHT)
    x = Scale(0, 1, LEFT, width - RIGHT)
    frame = Frame(x, Scale(0, 1, top + height, top))
    named(drawing, top, "charts.reliability.share")
    frame.rows(drawing, QUARTERS, lambda tick: percent(tick, 0))
    bars(drawing, frame, calibration)
    drawing.line(
        (frame.x(0), frame.y(0)), (frame.x(1), frame.y(1)), "muted", stroke_dasharray="4 3"
    )
    drawing.height = counts(drawing, x, top + height + 34, calibration)
    return drawing


def filled(calibration: Calibration) -> Iterator[tuple[float, float, float, float, int]]:
    """Go through the bins with pictures: left and right end, accuracy, confidence, pictures."""
    bins = len(calibration.count)
    for place, pictures in enumerate(calibration.count.tolist()):
        if pictures:
            accuracy = float(calibration.accuracy[place])
            confidence = float(calibration.confidence[place])
            yield place / bins, (place + 1) / bins, accuracy, confidence, pictures


def bars(drawing: Drawing, frame: Frame, calibration: Calibration) -> None:
    """Draw the accuracy of each bin as a bar, and how far the confidence is from it."""
    for left, right, accuracy, confidence, pictures in filled(calibration):
        start, end = frame.x(left) + 1, frame.x(right) - 1
        tip = say(
            "charts.reliability.tip",
            confidence=percent(confidence, 1),
            accuracy=percent(accuracy, 1),
            count=count(pictures),
        )
        drawing.box(
            (start, frame.y(0)), (end, frame.y(accuracy)), "series-1", fill_opacity=0.75, tip=tip
        )
        drawing.box(
            (start, frame.y(accuracy)), (end, frame.y(confidence)), "series-2", fill_opacity=0.45
        )
        drawing.line((start, frame.y(confidence)), (end, frame.y(confidence)), "series-2", width=2)


def counts(drawing: Drawing, x: Scale, top: float, calibration: Calibration) -> float:
    """Draw how many pictures lie in each bin, and return the lower edge."""
    most = int(calibration.count.max())
    frame = Frame(x, Scale(0, most, top + COUNTS, top))
    named(drawing, top, "charts.reliability.pictures")
    frame.rows(drawing, (0.0, float(most)), lambda tick: count(round(tick)))
    for left, right, _, _, pictures in filled(calibration):
        ends = (frame.x(left) + 1, frame.y(0)), (frame.x(right) - 1, frame.y(pictures))
        drawing.box(*ends, "muted", fill_opacity=0.6)
    frame.columns(drawing, QUARTERS, lambda tick: percent(tick, 0))
    frame.name_x(drawing, say("charts.reliability.confidence"))
    return frame.y.start + 40


def named(drawing: Drawing, top: float, key: str) -> None:
    """Write above a plot what its y is."""
    drawing.text((0, top - 9), say(key), colour="muted", size=SMALL_SIZE)
