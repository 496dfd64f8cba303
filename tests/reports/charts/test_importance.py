from __future__ import annotations

import pytest
from tests.reports.charts.conftest import Read

from fittingroom.reports.charts import importance
from fittingroom.reports.charts.importance import draw
from fittingroom.studies.plan import Words

SHARES = {"a": 0.14, "b": 0.58, "c": 0.28}
NAMES = {"a": "alpha", "b": Words(en="beta", ko="베타"), "c": "<gamma>"}


@pytest.mark.parametrize("width", [720.0, 340.0])
def test_bars_are_as_long_as_their_shares_the_longest_above(width: float) -> None:
    boxes = [mark.attributes for mark in draw(SHARES, NAMES, width).marks if mark.tag == "rect"]
    lengths = [box["width"] for box in boxes]
    assert [length / lengths[0] for length in lengths] == pytest.approx(
        [1, 0.28 / 0.58, 0.14 / 0.58]
    )
    assert [box["y"] for box in boxes] == sorted(box["y"] for box in boxes)
    assert all(box["x"] + box["width"] < width for box in boxes)


def test_names_and_shares_are_written(read: Read) -> None:
    _, words = read(importance(SHARES, NAMES), "ko")
    lines = words.splitlines()
    places = [lines.index(word) for word in ("베타", "58%", "<gamma>", "28%", "alpha", "14%")]
    assert places == sorted(places)
