"""What carries the marks of a chart: scales, ticks at round numbers, axes and grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fittingroom.reports.charts.drawing import Drawing
from fittingroom.reports.charts.labels import SMALL_SIZE, Label, label_width

STEPS = (1, 2, 5, 10)
TICK = 4.0  # pixels between an axis and its numbers


@dataclass(frozen=True)
class Scale:
    """From a value to a place in pixels, on a line or on a logarithmic one.

    Parameters
    ----------
    low, high
        The values at the two ends; low is less than high, and above 0 on a logarithmic scale.
    start, end
        Their places; for an upright scale `start` is the lower end and the larger number.
    log
        Logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        return self.start + self._share(value) * (self.end - self.start)

    def _share(self, value: float) -> float:
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def nice_step(span: float, most: int) -> float:
    """Return the smallest step of 1, 2 or 5 times a power of ten that divides `span` into `most`.

    After Heckbert 1990, Nice numbers for graph labels, Graphics Gems, pages 61-63.
    """
    magnitude = 10.0 ** math.floor(math.log10(span / most))
    return next(
        step * magnitude for step in (*STEPS, 20) if span / (step * magnitude) <= most + 1e-9
    )


def nice_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers within low to high, evenly spaced, at most `most` + 1 of them."""
    step = nice_step(high - low, most)
    slack = 1e-13 * max(abs(low), abs(high))  # what rounding may have moved the ends by
    first, last = math.ceil((low - slack) / step), math.floor((high + slack) / step)
    digits = max(0, 1 - math.floor(math.log10(step)))
    return [round(place * step, digits) for place in range(first, last + 1)]


def nice_range(
    values: Sequence[float], most: int = 5, padding: float = 0.04
) -> tuple[float, float]:
    """Return round ends between which all values lie, a little from the edge."""
    low, high = min(values), max(values)
    room = (high - low) * padding or max(abs(high) * 0.01, 1e-3)
    low, high = low - room, high + room
    step = nice_step(high - low, most)
    return math.floor(low / step) * step, math.ceil(high / step) * step


def log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return 1, 2 and 5 times powers of ten within low to high; fewer of a kind if too many.

    A range that holds fewer than two of them has round numbers at even steps instead.
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        found = [step * 10.0**power for power in powers for step in steps]
        found = [tick for tick in found if low <= tick * (1 + 1e-9) and tick <= high * (1 + 1e-9)]
        if len(found) < 2:
            return nice_ticks(low, high, min(most, 4))
        if len(found) <= most:
            return found
    return found[:: math.ceil(len(found) / most)]


def whole_ticks(last: int, most: int = 6) -> list[float]:
    """Return whole numbers from 1 to `last`, epochs for instance: both ends, round ones between."""
    if last <= most:
        return [float(place) for place in range(1, last + 1)]
    step = max(1, round(nice_step(last, most - 1)))
    between = range(step, last, step)
    apart = [place for place in between if min(place - 1, last - place) >= 0.6 * step]
    return [1.0, *map(float, apart), float(last)]


@dataclass(frozen=True)
class Frame:
    """The rectangle of a plot and its two scales."""

    x: Scale
    y: Scale

    def rows(self, drawing: Drawing, ticks: Sequence[float], say: Callable[[float], str]) -> None:
        """Draw a grid line at each tick of y, with its number left of the frame."""
        for tick in ticks:
            place = self.y(tick)
            drawing.line((self.x.start, place), (self.x.end, place), "faint")
            drawing.text(
                (self.x.start - TICK, place + SMALL_SIZE * 0.35),
                say(tick),
                colour="muted",
                size=SMALL_SIZE,
                anchor="end",
            )

    def columns(
        self,
        drawing: Drawing,
        ticks: Sequence[float],
        say: Callable[[float], str],
        *,
        grid: bool = False,
    ) -> None:
        """Write the number of each tick of x below the frame, with a grid line or a short one."""
        bottom = self.y.start
        for tick in ticks:
            place = self.x(tick)
            top = self.y.end if grid else bottom + TICK
            drawing.line((place, bottom), (place, top), "faint")
            drawing.text(
                (place, bottom + TICK + SMALL_SIZE),
                say(tick),
                colour="muted",
                size=SMALL_SIZE,
                anchor="middle",
            )

    def name_x(self, drawing: Drawing, label: Label) -> None:
        """Write below the numbers of x what they are."""
        drawing.text(
            ((self.x.start + self.x.end) / 2, self.y.start + 2 * TICK + 2.3 * SMALL_SIZE),
            label,
            colour="muted",
            size=SMALL_SIZE,
            anchor="middle",
        )


@dataclass(frozen=True)
class Key:
    """One entry of a legend: the kind of mark ("line", "dash", "dots", or a mark of `sample`)."""

    kind: str
    colour: str
    label: Label


def legend(drawing: Drawing, left: float, top: float, keys: Sequence[Key]) -> float:
    """Draw a legend in as many lines as it needs, and return its lower edge."""
    x, y = left, top + SMALL_SIZE
    for key in keys:
        width = 22 + label_width(key.label, SMALL_SIZE) + 16
        if x > left and x + width - 16 > drawing.width:
            x, y = left, y + 17
        sample(drawing, (x, y - SMALL_SIZE * 0.35), key)
        drawing.text((x + 22, y), key.label, colour="muted", size=SMALL_SIZE)
        x += width
    return y + 8


def sample(drawing: Drawing, place: tuple[float, float], key: Key) -> None:
    """Draw the mark that an entry of a legend explains; `place` is its left middle."""
    x, y = place
    middle = (x + 8, y)
    if key.kind == "dot":
        drawing.dot(middle, 3, key.colour, fill_opacity=0.6)
    elif key.kind == "diamond":
        drawing.diamond(middle, 5, "paper", stroke=key.colour, stroke_width=1.6)
    elif key.kind == "triangle":
        drawing.triangle(middle, 4, "paper", stroke=key.colour, stroke_width=1.2)
    elif key.kind == "cross":
        drawing.cross(middle, 3.2, key.colour)
    elif key.kind == "star":
        drawing.star(middle, 7, key.colour)
    elif key.kind == "bar":
        drawing.line((x, y), (x + 16, y), key.colour, width=2)
        drawing.line((x + 8, y - 5), (x + 8, y + 5), key.colour, width=2.5)
    else:
        pattern = {"dash": "4 3", "dots": "2 3"}.get(key.kind)
        dash = {"stroke_dasharray": pattern} if pattern else {}
        drawing.line((x, y), (x + 16, y), key.colour, width=2, **dash)
