from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from fittingroom.evaluation.evaluate import SKETCHES_NOTE

HOSTILE = ("<script>alert(1)</script>", "\"onmouseover='x'", "a & b\n<b>")


def parsed(html: str) -> ET.Element:
    """Read markup, which must be well-formed."""
    return ET.fromstring(f"<div>{html}</div>")  # noqa: S314 - our own


def tables(html: str) -> dict[str, list[list[str]]]:
    """Return the tables: caption -> rows of text."""
    root = parsed(html)
    return {
        str(table.findtext("caption")).partition(":")[0]: [
            ["".join(cell.itertext()) for cell in row] for row in table.iter("tr")
        ]
        for table in root.iter("table")
    }


def test_every_number_of_the_evaluation_is_there(build: Any) -> None:
    evaluation = build([0, 0, 0, 0, 1], [0, 0, 0, 1, 1], ("cat", "dog"))
    html = evaluation._repr_html_()
    assert tables(html) == {
        "Confusion matrix": [["", "cat", "dog"], ["cat", "3", "1"], ["dog", "·", "1"]],
        "Each class": [
            ["class", "precision", "recall", "F1", "pictures"],
            ["cat", "100.0%", "75.0%", "85.7%", "4"],
            ["dog", "50.0%", "100.0%", "66.7%", "1"],
        ],
        "Most confused": [
            ["true class", "taken for", "pictures", "of the class"],
            ["cat", "dog", "1", "25.0%"],
        ],
    }
    said = " ".join(parsed(html).itertext())
    assert "Accuracy 80.00%" in said
    assert "4 of 5 correct" in said
    assert evaluation.caption in said


def test_the_shade_is_the_root_of_the_share_of_the_row(build: Any) -> None:
    matrix = build([0, 0, 0, 0, 1], [0, 0, 0, 1, 1], ("cat", "dog")).confusion
    alphas = [float(a) for a in re.findall(r"rgba\([\d, ]+, (0\.\d+)\)", matrix._repr_html_())]
    assert alphas == pytest.approx([0.55 * 0.75**0.5, 0.55 * 0.5, 0.55], abs=0.001)


def test_hostile_class_names_are_text_and_nothing_is_loaded_or_run(build: Any) -> None:
    html = build([0, 1, 2], [1, 2, 0], HOSTILE, data_name="<img src=x>")._repr_html_()
    assert [row[0] for row in tables(html)["Each class"][1:]] == [
        "<script>alert(1)</script>",
        "\"onmouseover='x'",
        "a & b <b>",
    ]
    found = list(parsed(html).iter())
    elements = {element.tag for element in found}
    assert elements <= {*("div", "strong", "table", "caption", "thead", "tbody", "tr", "th", "td")}
    attributes = {name for element in found for name in element.attrib}
    assert attributes <= {"style", "scope"}
    assert "url(" not in html


def test_letters_have_the_colour_of_the_page(build: Any) -> None:
    html = build(sketches=True)._repr_html_()
    styles = ";".join(re.findall(r'style="([^"]*)"', html)).split(";")
    colours = {style.strip() for style in styles if "color" in style}
    assert all(colour.startswith("background-color: rgba(") for colour in colours)


def test_sketches_are_called_that_before_anything_else(build: Any) -> None:
    evaluation = build(sketches=True)
    for shown in (evaluation, evaluation.confusion):
        root = parsed(shown._repr_html_())
        assert next(root.itertext()) == SKETCHES_NOTE
    assert SKETCHES_NOTE not in build()._repr_html_()


def test_columns_of_many_classes_are_numbered_and_very_many_are_left_to_the_heat_map(
    build: Any,
) -> None:
    some = tables(build(classes=tuple(f"class {k}" for k in range(13)))._repr_html_())
    assert some["Confusion matrix"][0] == ["", *map(str, range(13))]
    assert some["Confusion matrix"][3][0] == "2 class 2"
    evaluation = build(classes=tuple(f"class {k}" for k in range(40)))
    many = evaluation._repr_html_()
    assert "40 x 40, too large for a table" in many
    (worst,) = (rows for caption, rows in tables(many).items() if "30 classes" in caption)
    f1 = sorted(score.f1 for score in evaluation.per_class)
    assert [row[3] for row in worst[1:]] == [f"{value:.1%}" for value in f1[:30]]
    assert len(many) < 20_000


def test_a_class_that_was_never_predicted_and_a_model_without_mistakes(build: Any) -> None:
    never = tables(build([0, 1], [0, 0], ("cat", "dog"))._repr_html_())
    assert never["Each class"][2] == ["dog", "never predicted", "0.0%", "0.0%", "1"]
    assert "Most confused" not in tables(build([0, 1], [0, 1], ("cat", "dog"))._repr_html_())
