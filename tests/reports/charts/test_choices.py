from __future__ import annotations

from itertools import pairwise

import pytest

from fittingroom.reports.charts.choices import name_choices, place_of
from fittingroom.reports.charts.drawing import Drawing
from fittingroom.reports.charts.frame import Scale
from fittingroom.reports.charts.labels import SMALL_SIZE, label_width
from fittingroom.reports.charts.trials import Ends, Plot
from fittingroom.tuning.space import Parameter


def test_true_is_not_the_choice_1() -> None:
    parameter = Parameter("x", "choice", choices=(1, True, [2, 3]))
    assert [place_of(parameter, value) for value in (1, True, (2, 3), 5)] == [0, 1, 2, None]


@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_names_of_choices_do_not_meet(count: int) -> None:
    drawing = Drawing(230, 200)
    plot = Plot.within(Ends(0, 1, strip=False), Scale(0, 1, 46, 226), 10, 150)
    name_choices(drawing, plot, [f"[1024, {n}12, 256]" for n in range(count)])
    rows: dict[float, list[tuple[float, float]]] = {}
    for mark in drawing.marks:
        half = label_width(mark.says, SMALL_SIZE) / 2
        x = mark.attributes["x"]
        rows.setdefault(mark.attributes["y"], []).append((x - half, x + half))
    assert sum(map(len, rows.values())) == count
    for ends in rows.values():
        assert all(one[1] <= other[0] for one, other in pairwise(sorted(ends)))
