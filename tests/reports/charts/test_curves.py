from __future__ import annotations

from dataclasses import replace

import pytest
from tests.reports.charts.conftest import Read

from fittingroom.reports.charts import CurveGroup, learning_curves
from fittingroom.reports.charts.curves import ACCURACY, LOSS, bands, draw, value_range
from fittingroom.training.history import Epoch


def history(*losses: float, validated: bool = False) -> list[Epoch]:
    held_out, right = (0.5, 0.7) if validated else (None, None)
    return [
        Epoch(number, loss, 1 - loss / 4, held_out, right, 0.001, 1.0)
        for number, loss in enumerate(losses, start=1)
    ]


def test_the_band_goes_from_the_lowest_to_the_highest_seed_and_the_line_is_their_mean() -> None:
    group = CurveGroup("x", [history(1.0, 0.4), history(0.6, 0.5), history(0.8)])
    first, second = bands(group, LOSS.train)
    assert first == pytest.approx((1, 0.8, 0.6, 1.0))
    assert second == pytest.approx((2, 0.45, 0.4, 0.5))
    assert list(bands(group, LOSS.validation)) == []


def test_only_what_is_there_is_drawn_and_explained(read: Read) -> None:
    root, words = read(learning_curves([CurveGroup("x", [history(1.0, 0.4)])]))
    assert "validation" not in words
    assert "test accuracy" not in words
    assert not [element for element in root.iter() if element.tag.endswith("polygon")]
    seeds = [history(1.0, 0.4, validated=True), history(0.9, 0.3, validated=True)]
    root, words = read(learning_curves([CurveGroup("x", seeds, (0.87, 0.88))]))
    assert "validation pictures" in words
    assert "test accuracy at the end" in words
    assert "87.00%" in words
    assert [element for element in root.iter() if element.tag.endswith("polygon")]


def test_every_plot_has_the_same_scale() -> None:
    groups = [CurveGroup("a", [history(0.9, 0.5)]), CurveGroup("b", [history(0.2, 0.1)], (0.6,))]
    low, high, log = value_range(groups, LOSS)
    assert (low, log) == (0, False)
    assert high >= 0.9
    low, high, _ = value_range(groups, ACCURACY)
    assert low <= 0.6
    assert 0.975 <= high <= 1


def test_losses_far_apart_share_a_logarithmic_scale() -> None:
    assert value_range([CurveGroup("a", [history(50.0, 0.5)])], LOSS)[2]
    assert not value_range([CurveGroup("a", [history(50.0, 0.0)])], LOSS)[2]


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_any_number_of_settings_stays_on_the_paper(count: int) -> None:
    group = CurveGroup("a rather long name, 0.001", [history(0.9, 0.5), history(0.8, 0.5)])
    groups = [replace(group, name=f"{group.name} {number}") for number in range(count)]
    for width, columns in ((720.0, min(3, count)), (340.0, 2 if count > 2 else 1)):
        drawing = draw(groups, width, columns)
        for mark in drawing.marks:
            for name, limit in (("x", width), ("cx", width), ("x2", width)):
                assert 0 <= mark.attributes.get(name, 0) <= limit
            for name in ("y", "cy", "y2"):
                assert 0 <= mark.attributes.get(name, 0) <= drawing.height


def test_every_row_of_settings_is_a_part_by_itself() -> None:
    group = CurveGroup("x", [history(0.9, 0.5), history(0.8, 0.5)], (0.8, 0.9))
    parts = draw([group] * 7, 720.0, 3).parts()
    assert len(parts) == 3
    for part in parts:
        places = [
            mark.attributes[name]
            for mark in part.marks
            for name in ("y", "cy", "y1", "y2")
            if name in mark.attributes
        ]
        assert part.top <= min(places)
        assert max(places) <= part.top + part.height


def test_a_run_of_one_epoch_is_a_dot(read: Read) -> None:
    root, _ = read(learning_curves([CurveGroup("x", [history(0.9)])]))
    assert [element for element in root.iter() if element.tag.endswith("circle")]
