from __future__ import annotations

import math
import re

from markupsafe import Markup

from fittingroom.reports.charts.drawing import Drawing, around


def svg(drawing: Drawing) -> str:
    return str(drawing.svg(lambda label: Markup("{}").format(label), str, lambda role: role))


def test_a_cross_has_two_strokes_through_its_centre() -> None:
    drawing = Drawing(100, 100)
    drawing.cross((50, 40), 3, "ink", tip="<lost>")
    found = svg(drawing)
    strokes = re.findall(r"M([\d.]+),([\d.]+)l([\d.]+),(-?[\d.]+)", found)
    ends = [tuple(map(float, stroke)) for stroke in strokes]
    assert len(ends) == 2
    for x, y, right, down in ends:
        assert (x + right / 2, y + down / 2) == (50, 40)
    assert "<title>&lt;lost&gt;</title>" in found
    assert 'fill="none"' in found


def test_the_corners_of_a_star_lie_at_two_distances_the_first_straight_up() -> None:
    corners = around((10, 20), (8, 3) * 5)
    distances = [math.hypot(x - 10, y - 20) for x, y in corners]
    assert [round(distance, 9) for distance in distances] == [8, 3] * 5
    assert corners[0] == (10, 12)


def test_shapes_are_polygons_around_their_centre() -> None:
    drawing = Drawing(100, 100)
    drawing.diamond((50, 50), 5, "ink")
    drawing.triangle((50, 50), 5, "ink")
    drawing.star((50, 50), 5, "ink")
    corners = [len(mark.attributes["points"].split()) for mark in drawing.marks]
    assert corners == [4, 3, 10]
