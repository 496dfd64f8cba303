from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.data.display import Cell, facts, headline, line, table, warning

HOSTILE = "<script>alert(1)</script> \"'&amp;"


def parsed(html: str) -> ET.Element:
    """Read markup, which must be well-formed."""
    return ET.fromstring(f"<div>{html}</div>")  # noqa: S314 - our own


def cells(html: str) -> list[list[str]]:
    """Return the text of each row."""
    rows = parsed(html).iter("tr")
    return [["".join(cell.itertext()) for cell in row] for row in rows]


def test_whatever_a_text_holds_is_shown_as_it_is_and_runs_nothing() -> None:
    html = table(HOSTILE, [HOSTILE, "n"], [[HOSTILE, Cell(HOSTILE)]]) + facts({HOSTILE: HOSTILE})
    assert cells(html) == [[HOSTILE, "n"], [HOSTILE, HOSTILE], [HOSTILE, HOSTILE]]
    for piece in (html, headline(HOSTILE, HOSTILE), line(HOSTILE), warning(HOSTILE)):
        assert HOSTILE in "".join(parsed(piece).itertext())
        assert "<script" not in piece


def test_words_stand_left_and_numbers_right() -> None:
    found = re.findall(
        r"text-align: (\w+)\">([abn0-9]+)<", table("", "abn", [["a", "b", "1"]], words=2)
    )
    assert [text for _, text in found] == ["a", "b", "n", "a", "b", "1"]
    assert [side for side, _ in found] == ["left", "left", "right"] * 2


@pytest.mark.parametrize(("shade", "alpha"), [(1.0, "0.550"), (0.5, "0.275")])
def test_a_shade_is_see_through(shade: float, alpha: str) -> None:
    html = table("", ["a", "b"], [["x", Cell("y", shade)], ["x", Cell("y", 0)]])
    assert re.findall(r"background-color: rgba\(\d+, \d+, \d+, ([\d.]+)\)", html) == [alpha]


def test_a_data_set_shows_the_pictures_of_each_class_in_each_part(shapes: DataSplits) -> None:
    html = shapes._repr_html_()
    assert cells(html) == [
        ["class", "training", "validation", "test"],
        ["all 4 classes", "200", "40", "80"],
        *[[name, "50", "10", "20"] for name in shapes.classes],
    ]
    assert shapes.fingerprint[:16] in html
    assert "sketches" not in html
    assert cells(shapes.test._repr_html_())[1] == ["all 4 classes", "80"]


def test_sketches_are_called_that_first(shapes: DataSplits) -> None:
    html = replace(shapes, sketches=True, notes=("drawn <here>",))._repr_html_()
    said = list(parsed(html).itertext())
    assert said[0] == "Built-in sketches, not Fashion-MNIST"
    assert "drawn <here>" in said


def test_of_very_many_classes_only_the_number_is_shown() -> None:
    classes = tuple(f"c{number}" for number in range(31))
    dataset = ImageDataset(np.zeros((2, 3, 4, 4), np.uint8), np.array([0, 30]), classes)
    assert cells(dataset._repr_html_())[1:] == [["all 31 classes", "2"]]
    assert "colour" in dataset._repr_html_()


def test_printed_it_is_one_line(shapes: DataSplits) -> None:
    assert repr(shapes) == (
        "<DataSplits shapes: 200 training, 40 validation, 80 test pictures (1, 8, 8), 4 classes>"
    )
    assert repr(shapes.test) == "<ImageDataset: 80 pictures (1, 8, 8), 4 classes>"
