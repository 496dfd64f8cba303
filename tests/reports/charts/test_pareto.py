from __future__ import annotations

from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.reports.charts.conftest import Read
from tests.reports.planting import BAD, GOOD, plant_study

from fittingroom.reports.charts import pareto
from fittingroom.reports.charts.labels import SMALL_SIZE, label_width
from fittingroom.reports.charts.pareto import BEFORE, Box, draw, power_of_ten
from fittingroom.studies.plan import Words
from fittingroom.studies.results import StudyResults


def results_of(points: list[tuple[str, float, float]]) -> StudyResults:
    """Return (name, cost, mean) of settings as far as the chart needs them."""
    found = [
        SimpleNamespace(
            name=name, cost=cost, mean=mean, seconds=1.0, interval=None, on_front=place % 2 == 0
        )
        for place, (name, cost, mean) in enumerate(points)
    ]
    labels: Any = [
        SimpleNamespace(name=name, label=Words(en=name, ko=name)) for name, _, _ in points
    ]
    return cast("StudyResults", SimpleNamespace(pareto=found, settings=labels, cost_unit="FLOPs"))


def boxes(results: StudyResults, width: float) -> list[Box]:
    """Return the places of the names of settings."""
    names = {setting.name for setting in results.settings}
    found = []
    for mark in draw(results, width).marks:
        if mark.tag == "text" and str(mark.says) in names:
            x, y = mark.attributes["x"], mark.attributes["y"]
            wide = label_width(mark.says, SMALL_SIZE)
            left = x - wide * BEFORE[mark.attributes.get("text_anchor", "start")]
            found.append(Box(left, y - SMALL_SIZE, left + wide, y))
    return found


@pytest.mark.parametrize("width", [720.0, 340.0])
def test_names_neither_overlap_nor_leave_the_paper(width: float) -> None:
    crowd = [(f"setting {n}", 1e11 * (1 + n % 4), 0.85 + n / 1000) for n in range(24)]
    found = boxes(results_of(crowd), width)
    assert len(found) >= 4
    assert not any(one.meets(other) for one, other in combinations(found, 2))
    assert all(box.left >= 0 and box.right <= width for box in found)


def test_settings_with_room_all_have_their_names() -> None:
    apart = [("a", 1e9, 0.8), ("b", 1e10, 0.85), ("c", 1e11, 0.9)]
    assert len(boxes(results_of(apart), 720)) == 3


def test_settings_of_the_same_cost_are_drawn(tmp_path: Path, read: Read) -> None:
    results = plant_study(tmp_path, {"bad": BAD, "good": GOOD}).results
    assert len({point.cost for point in results.pareto}) == 1
    _, words = read(pareto(results))
    assert "good: 90.03%" in words
    assert "FLOPs" in words


def test_large_numbers_are_powers_of_ten() -> None:
    assert power_of_ten(1e12) == "10¹²"
    assert power_of_ten(2e11) == "2\N{MULTIPLICATION SIGN}10¹¹"
    assert power_of_ten(1.5e11) == "1.5\N{MULTIPLICATION SIGN}10¹¹"
