from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from fittingroom.evaluation.evaluate import SKETCHES_NOTE
from fittingroom.evaluation.figures import confusion_heatmap

ODD = ("$x_1^2$", "a_b^c", "<b>&amp;</b>", "Coat \\frac{1}{2}", "100% wool", "only one $")
LONG = tuple(f"A rather long name of a class that nobody would want, {k}" for k in range(8))


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def classes(count: int) -> tuple[str, ...]:
    return tuple(f"category {k}" for k in range(count))


def test_both_axes_carry_their_labels_and_the_class_names(build: Any) -> None:
    axes = confusion_heatmap(build(classes=("cat", "dog"))).axes[0]
    assert axes.get_xlabel() == "Predicted label"
    assert axes.get_ylabel() == "True label"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["cat", "dog"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["cat", "dog"]


def test_cells_show_counts_and_row_percentages_and_colour_is_the_share(build: Any) -> None:
    figure = confusion_heatmap(build([0, 0, 0, 0, 1], [0, 0, 0, 1, 1], ("cat", "dog")))
    axes = figure.axes[0]
    cells = {(round(y), round(x)): [] for x in range(2) for y in range(2)}  # type: dict[tuple[int, int], list[str]]
    for text in axes.texts:
        x, y = text.get_position()
        cells[round(y), round(x)].append(text.get_text())
    assert cells == {
        (0, 0): ["3", "75.0%"],
        (0, 1): ["1", "25.0%"],
        (1, 0): ["0"],
        (1, 1): ["1", "100.0%"],
    }
    assert np.asarray(axes.images[0].get_array()).tolist() == [[0.75, 0.25], [0, 1]]
    assert axes.images[0].get_cmap().name == "Blues"


def test_letters_are_light_on_dark_cells_and_dark_on_light_ones(build: Any) -> None:
    axes = confusion_heatmap(build([0, 0, 0, 0, 1], [0, 0, 0, 1, 1], ("cat", "dog"))).axes[0]
    colours = {text.get_text(): text.get_color() for text in axes.texts}
    assert colours["75.0%"] == "white"
    assert colours["25.0%"] != "white"


def test_the_header_says_score_interval_data_and_number(build: Any) -> None:
    evaluation = build()
    said = " ".join(texts(confusion_heatmap(evaluation)))
    assert f"Accuracy {evaluation.accuracy:.2%}, 95% interval" in said
    assert "pets, test set, 300 pictures" in said


@pytest.mark.parametrize("sketches", [True, False])
def test_sketches_are_called_that(sketches: bool, build: Any) -> None:
    assert (SKETCHES_NOTE in texts(confusion_heatmap(build(sketches=sketches)))) == sketches


@pytest.mark.parametrize(
    ("count", "shares", "counts"), [(12, True, True), (26, False, True), (47, False, False)]
)
def test_more_classes_get_fewer_annotations(
    count: int, shares: bool, counts: bool, build: Any
) -> None:
    written = confusion_heatmap(build(classes=classes(count))).axes[0].texts
    assert any("%" in text.get_text() for text in written) == shares
    assert any(text.get_text().isdigit() for text in written) == counts


def test_names_are_shown_as_they_are_and_not_as_formulas(build: Any) -> None:
    figure = confusion_heatmap(build(classes=ODD))
    labels = figure.axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == list(ODD)
    assert not any(label.get_parse_math() for label in labels)


def test_a_class_without_pictures_has_an_empty_row(build: Any) -> None:
    shares = confusion_heatmap(build([0, 0], [0, 1], ("cat", "dog", "cow"))).axes[0].images[0]
    assert np.asarray(shares.get_array())[2].tolist() == [0, 0, 0]


@pytest.mark.parametrize("names", [classes(2), classes(10), classes(26), classes(47), LONG, ODD])
def test_nothing_is_cut_off_and_names_keep_clear_of_each_other(
    names: tuple[str, ...], build: Any
) -> None:
    figure = confusion_heatmap(build(classes=names, data_name="a data set with a long name " * 4))
    figure.draw_without_rendering()
    page = figure.bbox
    for text in figure.findobj(Text):
        if text.get_text() and text.get_visible():
            box = text.get_window_extent()
            assert box.x0 >= -1, text
            assert box.y0 >= -1, text
            assert box.x1 <= page.x1 + 1, text
            assert box.y1 <= page.y1 + 1, text
    rows = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert not any(upper.overlaps(lower) for upper, lower in pairwise(rows))
    upright = figure.axes[0].get_xticklabels()[0].get_rotation() in (0, 90)
    columns = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    if upright:
        assert not any(a.overlaps(b) for a, b in pairwise(columns))
