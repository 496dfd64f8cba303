"""A drawing: lines, areas, dots and words on paper, written as elements of SVG 1.1.

https://www.w3.org/TR/SVG11/. Colours are roles ("ink", "series-1"), which a page and a file paint
in their own ways.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from fittingroom.reports.charts.labels import TEXT_SIZE, Label

Point = tuple[float, float]

PAINTED = ("fill", "stroke")
# Keeps words legible that lie on lines (https://www.w3.org/TR/SVG2/painting.html#PaintOrder).
HALO: dict[str, Any] = {
    "stroke": "paper",
    "stroke_width": 3,
    "stroke_linejoin": "round",
    "paint_order": "stroke",
}


@dataclass(frozen=True)
class Mark:
    """One element of a drawing: its tag, its attributes, what it says and what its tip says."""

    tag: str
    attributes: dict[str, Any]
    says: Label | None = None
    tip: Label | None = None


@dataclass
class Drawing:
    """Marks on a paper of `width` x `height`, in pixels, from the upper left, (0, `top`)."""

    width: float
    height: float
    marks: list[Mark] = field(default_factory=list)
    top: float = 0
    cuts: list[tuple[float, int]] = field(default_factory=list)

    def cut(self, y: float) -> None:
        """Let paper be cut at `y`: all marks so far lie above it, all later ones below."""
        self.cuts.append((y, len(self.marks)))

    def parts(self) -> list[Drawing]:
        """Return what lies between the cuts, each part with its `top` in the whole drawing."""
        ends = [(self.top, 0), *self.cuts, (self.top + self.height, len(self.marks))]
        return [
            Drawing(self.width, below - above, self.marks[first:last], above)
            for (above, first), (below, last) in pairwise(ends)
        ]

    def line(self, start: Point, end: Point, colour: str, *, width: float = 1, **more: Any) -> None:
        """Draw a straight line."""
        (x1, y1), (x2, y2) = start, end
        place = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
        self._mark("line", place | {"stroke": colour, "stroke_width": width} | more)

    def path(
        self, points: Sequence[Point], colour: str, *, width: float = 1.75, **more: Any
    ) -> None:
        """Draw a line through points; a single point becomes a dot."""
        if len(points) == 1:
            self.dot(points[0], width + 0.5, colour)
            return
        stroke = {"stroke": colour, "stroke_width": width, "stroke_linejoin": "round"}
        self._mark("polyline", {"points": joined(points), "fill": "none"} | stroke | more)

    def area(self, points: Sequence[Point], colour: str, *, opacity: float = 0.18) -> None:
        """Fill the area that the points enclose."""
        self._mark("polygon", {"points": joined(points), "fill": colour, "fill_opacity": opacity})

    def box(self, start: Point, end: Point, colour: str, **more: Any) -> None:
        """Fill a rectangle between two of its corners."""
        (x1, y1), (x2, y2) = start, end
        place = {"x": min(x1, x2), "y": min(y1, y2), "width": abs(x2 - x1), "height": abs(y2 - y1)}
        tip = more.pop("tip", None)
        self._mark("rect", place | {"fill": colour} | more, tip=tip)

    def dot(
        self, centre: Point, radius: float, colour: str, *, tip: Label = None, **more: Any
    ) -> None:
        """Draw a filled circle; `tip` is shown when a mouse rests on it."""
        place = {"cx": centre[0], "cy": centre[1], "r": radius}
        self._mark("circle", place | {"fill": colour} | more, tip=tip)

    def diamond(
        self, centre: Point, radius: float, colour: str, *, tip: Label = None, **more: Any
    ) -> None:
        """Draw a filled square that stands on a corner."""
        self._polygon(around(centre, (radius,) * 4), colour, tip, more)

    def triangle(
        self, centre: Point, radius: float, colour: str, *, tip: Label = None, **more: Any
    ) -> None:
        """Draw a filled triangle that stands on a corner."""
        x, y = centre
        corners = [(x - radius, y - 0.8 * radius), (x + radius, y - 0.8 * radius), (x, y + radius)]
        self._polygon(corners, colour, tip, more)

    def star(
        self, centre: Point, radius: float, colour: str, *, tip: Label = None, **more: Any
    ) -> None:
        """Draw a filled star of five points."""
        self._polygon(around(centre, (radius, 0.45 * radius) * 5), colour, tip, more)

    def cross(
        self, centre: Point, radius: float, colour: str, *, tip: Label = None, width: float = 1.6
    ) -> None:
        """Draw two lines that cross."""
        x, y = centre
        way = f"l{number(2 * radius)},{number(2 * radius)}"
        strokes = (
            f"M{number(x - radius)},{number(y - radius)}{way}"
            f"M{number(x - radius)},{number(y + radius)}{way.replace(',', ',-')}"
        )
        stroke = {"fill": "none", "stroke": colour, "stroke_width": width}
        self._mark("path", {"d": strokes} | stroke, tip=tip)

    def text(
        self,
        place: Point,
        label: Label,
        *,
        colour: str = "ink",
        size: float = TEXT_SIZE,
        anchor: str = "start",
        **more: Any,
    ) -> None:
        """Write a label; `place` is the left end, "middle" or "end" of its base line."""
        where = {"x": place[0], "y": place[1], "font_size": size, "fill": colour}
        if anchor != "start":
            where["text_anchor"] = anchor
        self._mark("text", where | more, says=label)

    def _polygon(
        self, corners: Sequence[Point], colour: str, tip: Label, more: dict[str, Any]
    ) -> None:
        self._mark("polygon", {"points": joined(corners), "fill": colour} | more, tip=tip)

    def _mark(self, tag: str, attributes: dict[str, Any], **words: Label) -> None:
        self.marks.append(Mark(tag, attributes, **words))

    def svg(
        self,
        write: Callable[[Label], Markup],
        tip: Callable[[Label], str],
        paint: Callable[[str], str],
    ) -> Markup:
        """Return the elements of all marks.

        Parameters
        ----------
        write
            A label to the content of a `<text>`.
        tip
            A label to the plain text of a `<title>`.
        paint
            The role of a colour to a colour.
        """
        return Markup("").join(self._element(mark, write, tip, paint) for mark in self.marks)

    def _element(
        self,
        mark: Mark,
        write: Callable[[Label], Markup],
        tip: Callable[[Label], str],
        paint: Callable[[str], str],
    ) -> Markup:
        attributes = Markup("").join(
            Markup(' {}="{}"').format(
                name.replace("_", "-"), paint(value) if name in PAINTED else number(value)
            )
            for name, value in mark.attributes.items()
        )
        inside = write(mark.says) if mark.says is not None else Markup("")
        if mark.tip is not None:
            inside += Markup("<title>{}</title>").format(tip(mark.tip))
        if inside:
            return Markup("<{0}{1}>{2}</{0}>").format(mark.tag, attributes, inside)
        return Markup("<{}{}/>").format(mark.tag, attributes)


def around(centre: Point, radii: Sequence[float]) -> list[Point]:
    """Return corners that go round a centre from above it, each at its own distance."""
    turn = 2 * math.pi / len(radii)
    return [
        (centre[0] + radius * math.sin(place * turn), centre[1] - radius * math.cos(place * turn))
        for place, radius in enumerate(radii)
    ]


def number(value: Any) -> str:
    """Return a coordinate in short: two digits after the point say more than a screen shows."""
    if isinstance(value, str):
        return value
    return f"{value:.2f}".rstrip("0").rstrip(".")


def joined(points: Sequence[Point]) -> str:
    """Return points as SVG writes them."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in points)
