"""Learning curves: loss and accuracy by epoch, a small pair of plots for each setting.

Many settings in one plot are a tangle; small multiples on the same scales compare at a glance
(Tufte 1983, The Visual Display of Quantitative Information, pages 170-175). Behind each pair lie
the mean curves of all others, in grey.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fittingroom.reports.charts.chart import Chart
from fittingroom.reports.charts.drawing import Drawing
from fittingroom.reports.charts.frame import (
    Frame,
    Key,
    Scale,
    legend,
    log_ticks,
    nice_range,
    nice_ticks,
    whole_ticks,
)
from fittingroom.reports.charts.labels import SMALL_SIZE, Label, broken
from fittingroom.reports.formats import decimal, percent
from fittingroom.reports.texts import say
from fittingroom.training.history import Epoch

WIDE, NARROW = 720.0, 340.0
GAP = 22.0
MARGIN_LEFT = 38.0  # room for the numbers of y
MARGIN_BOTTOM = 18.0
LINE = 15.0  # of a name, at most two of them
MOST_LINES = 2
# Beyond this the grey lines of the others are a cloud, and most of the file.
MOST_OTHERS = 20
# Losses that differ by more than this factor share a logarithmic scale.
LOG_FROM = 30.0

TRAIN, VALIDATION, TEST = "series-1", "series-2", "ink"


@dataclass(frozen=True)
class CurveGroup:
    """The curves of one setting.

    Parameters
    ----------
    name
        What stands above it.
    histories
        One for each seed, at least one.
    test_accuracies
        Of the trained models, marked at the end of the accuracy plot; fractions.
    """

    name: Label
    histories: Sequence[Sequence[Epoch]]
    test_accuracies: Sequence[float] = ()

    @property
    def epochs(self) -> int:
        """Epochs of the longest run."""
        return max(len(history) for history in self.histories)


Value = Callable[[Epoch], float | None]


@dataclass(frozen=True)
class Quantity:
    """What a plot shows: of the training pictures, of the validation pictures, and its name."""

    label: str
    train: Value
    validation: Value
    shows_test: bool
    say: Callable[[float], str]


LOSS = Quantity(
    "charts.curves.loss",
    lambda epoch: epoch.train_loss,
    lambda epoch: epoch.validation_loss,
    shows_test=False,
    say=lambda value: decimal(value, 2).rstrip("0").rstrip("."),
)
ACCURACY = Quantity(
    "charts.curves.accuracy",
    lambda epoch: epoch.train_accuracy,
    lambda epoch: epoch.validation_accuracy,
    shows_test=True,
    say=lambda value: percent(value, 0),
)


def learning_curves(groups: Sequence[CurveGroup]) -> Chart:
    """Draw the curves of settings: the mean over the seeds, in a band from lowest to highest.

    Parameters
    ----------
    groups
        At least one.
    """
    seeds = max(len(group.histories) for group in groups)
    several = "several" if len(groups) > 1 else ("seeds" if seeds > 1 else "one")
    return Chart(
        title=say("charts.curves.title"),
        caption=say(f"charts.curves.caption-{several}"),
        wide=draw(groups, WIDE, min(3, len(groups))),
        narrow=draw(groups, NARROW, 2 if len(groups) > 2 else 1),
    )


def draw(groups: Sequence[CurveGroup], width: float, columns: int) -> Drawing:
    """Draw all groups, `columns` side by side."""
    drawing = Drawing(width, 0)
    top = legend(drawing, 0, 2, keys(groups)) + 6
    cell = (width - GAP * (columns - 1)) / columns
    names = [broken(group.name, 0.92 * cell)[:MOST_LINES] for group in groups]
    heading = 0.0 if len(groups) == 1 else 4 + LINE * max(map(len, names))
    layout = Layout(cell, beside=len(groups) == 1 and width == WIDE, single=len(groups) == 1)
    ends = [value_range(groups, quantity) for quantity in (LOSS, ACCURACY)]
    for place, group in enumerate(groups):
        x = (place % columns) * (cell + GAP)
        y = top + (place // columns) * (heading + layout.height)
        if place and place % columns == 0:
            drawing.cut(y)
        if heading:
            for number, line in enumerate(reversed(names[place])):
                drawing.text((x, y + heading - 6 - number * LINE), line, font_weight="600")
        others = [other for other in groups if other is not group]
        for index, quantity in enumerate((LOSS, ACCURACY)):
            frame = layout.frame(index, ends[index], group.epochs, x, y + heading)
            axes(drawing, frame, quantity, group.epochs)
            if layout.single:
                frame.name_x(drawing, say("charts.curves.epoch"))
            if len(others) <= MOST_OTHERS:
                behind(drawing, frame, quantity, others, group.epochs)
            curves(drawing, frame, quantity, group)
    rows = -(-len(groups) // columns)
    drawing.height = top + rows * (heading + layout.height)
    return drawing


@dataclass(frozen=True)
class Layout:
    """Where the two plots of a group lie within its cell: side by side, or one above the other."""

    cell: float
    beside: bool
    single: bool

    @property
    def plot(self) -> float:
        """Height of one plot, with the numbers of its axes."""
        return 224.0 if self.single else 0.4 * self.cell + 50

    @property
    def height(self) -> float:
        """Height of both, with the space below them."""
        name_of_x = 14 if self.single else 0
        return (self.plot if self.beside else 2 * self.plot + 12 + name_of_x) + GAP + 6

    def frame(
        self, index: int, ends: tuple[float, float, bool], epochs: int, x: float, y: float
    ) -> Frame:
        """Return the frame of the first or second plot of a cell whose upper left is (x, y)."""
        across = (self.cell - GAP) / 2 if self.beside else self.cell
        left = x + index * (across + GAP) if self.beside else x
        step = self.plot + (26 if self.single else 12)
        return frame_for(
            ends, epochs, left, y if self.beside else y + index * step, across, self.plot
        )


def keys(groups: Sequence[CurveGroup]) -> list[Key]:
    """Return the legend: only what is there to be seen."""
    found = [Key("line", TRAIN, say("charts.curves.train"))]
    if any(validated(group) for group in groups):
        found.append(Key("dash", VALIDATION, say("charts.curves.validation")))
    if any(group.test_accuracies for group in groups):
        found.append(Key("dot", TEST, say("charts.curves.test")))
    return found


def validated(group: CurveGroup) -> bool:
    """Tell whether a group has a validation curve."""
    return any(history[-1].validation_loss is not None for history in group.histories if history)


def value_range(groups: Sequence[CurveGroup], quantity: Quantity) -> tuple[float, float, bool]:
    """Return the two ends of y, the same for every group, and whether it is logarithmic."""
    found = [
        value
        for group in groups
        for history in group.histories
        for epoch in history
        for value in (quantity.train(epoch), quantity.validation(epoch))
        if value is not None
    ]
    if quantity.shows_test:
        tests = [accuracy for group in groups for accuracy in group.test_accuracies]
        low, high = nice_range([*found, *tests])
        return max(0.0, low), min(1.0, high), False
    if min(found) > 0 and max(found) / min(found) > LOG_FROM:
        return min(found) * 0.9, max(found) * 1.1, True
    return 0.0, nice_range([0.0, *found])[1], False


def frame_for(
    ends: tuple[float, float, bool],
    epochs: int,
    left: float,
    top: float,
    width: float,
    height: float,
) -> Frame:
    """Return the frame of one plot within its place."""
    low, high, log = ends
    x = Scale(0.5 if epochs == 1 else 1, max(epochs, 1.5), left + MARGIN_LEFT, left + width - 8)
    y = Scale(low, high, top + height - MARGIN_BOTTOM, top + 20, log)
    return Frame(x, y)


def axes(drawing: Drawing, frame: Frame, quantity: Quantity, epochs: int) -> None:
    """Draw the grid and the names of both axes."""
    low, high = frame.y.low, frame.y.high
    ticks = log_ticks(low, high, 5) if frame.y.log else nice_ticks(low, high, 4)
    frame.rows(drawing, ticks, quantity.say)
    most = 6 if frame.x.end - frame.x.start > 180 else 4
    frame.columns(drawing, whole_ticks(epochs, most), lambda tick: f"{tick:.0f}")
    drawing.text(
        (frame.x.start - MARGIN_LEFT, frame.y.end - 9),
        say(quantity.label),
        colour="muted",
        size=SMALL_SIZE,
    )


def behind(
    drawing: Drawing,
    frame: Frame,
    quantity: Quantity,
    others: Sequence[CurveGroup],
    epochs: int,
) -> None:
    """Draw the mean training curves of the other groups, as far as this plot goes."""
    for other in others:
        points = [(x, mean) for x, mean, _, _ in bands(other, quantity.train) if x <= epochs]
        if len(points) > 1:
            path = [(frame.x(x), frame.y(mean)) for x, mean in points]
            drawing.path(path, "muted", width=1, stroke_opacity=0.28)


def curves(drawing: Drawing, frame: Frame, quantity: Quantity, group: CurveGroup) -> None:
    """Draw one group: training, validation where there is any, and the test accuracies."""
    for value, colour in ((quantity.train, TRAIN), (quantity.validation, VALIDATION)):
        found = list(bands(group, value))
        if not found:
            continue
        upper = [(frame.x(x), frame.y(high)) for x, _, _, high in found]
        lower = [(frame.x(x), frame.y(low)) for x, _, low, _ in found]
        if len(group.histories) > 1 and len(found) > 1:
            drawing.area([*upper, *reversed(lower)], colour)
        dash: dict[str, Any] = {} if colour == TRAIN else {"stroke_dasharray": "4 3"}
        drawing.path([(frame.x(x), frame.y(mean)) for x, mean, _, _ in found], colour, **dash)
    if quantity.shows_test:
        for accuracy in group.test_accuracies:
            place = frame.x(group.epochs), frame.y(accuracy)
            drawing.dot(place, 3, TEST, fill_opacity=0.6, tip=percent(accuracy))


def bands(group: CurveGroup, value: Value) -> Iterator[tuple[int, float, float, float]]:
    """Go through the epochs: number, mean over the seeds that came so far, lowest, highest."""
    for place in range(group.epochs):
        reached = [history[place] for history in group.histories if len(history) > place]
        found = [number for epoch in reached if (number := value(epoch)) is not None]
        if found:
            yield place + 1, sum(found) / len(found), min(found), max(found)
