from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from fittingroom.evaluation.evaluate import SKETCHES_NOTE
from fittingroom.evaluation.figures import settings_ranking
from fittingroom.evaluation.significance import t_interval


@dataclass(frozen=True)
class Setting:
    label: str
    accuracies: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.accuracies)

    @property
    def interval(self) -> tuple[float, float] | None:
        return t_interval(self.accuracies)


GOOD = Setting("good", (0.88, 0.89, 0.9))
BAD = Setting("bad", (0.84, 0.86))


def lines(figure: Figure, row: int) -> list[list[float]]:
    """Return the values along the axis of what is drawn in a row: interval, seeds, mean."""
    drawn = [line for line in figure.axes[0].lines if set(np.asarray(line.get_ydata())) == {row}]
    return [np.asarray(line.get_xdata(), float).tolist() for line in drawn]


def test_each_row_shows_interval_seeds_and_mean() -> None:
    figure = settings_ranking([GOOD, BAD], data_name="pets")
    for row, setting in enumerate([GOOD, BAD]):
        interval, seeds, mean = lines(figure, row)
        assert tuple(interval) == setting.interval
        assert tuple(seeds) == setting.accuracies
        assert mean == [setting.mean]
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["good", "bad"]
    assert [text.get_text() for text in axes.texts] == ["89.00%", "85.00%"]
    bottom, top = axes.get_ylim()
    assert bottom > top


def test_a_single_seed_has_no_interval() -> None:
    figure = settings_ranking([Setting("alone", (0.8,))], data_name="pets")
    assert lines(figure, 0) == [[0.8], [0.8]]


@pytest.mark.parametrize(
    "settings",
    [
        [GOOD, BAD],
        [Setting("alone", (0.8,))],
        [Setting("equal", (0.8, 0.8, 0.8))],
        [Setting("perfect", (1.0, 1.0))],
        [Setting("two", (0.1, 0.9))],
    ],
    ids=lambda settings: settings[0].label,
)
def test_every_seed_lies_on_the_axis_and_the_axis_in_what_an_accuracy_can_be(
    settings: list[Setting],
) -> None:
    low, high = settings_ranking(settings, data_name="pets").axes[0].get_xlim()
    assert 0 <= low < high <= 1
    assert all(low <= value <= high for setting in settings for value in setting.accuracies)


def test_an_interval_of_two_seeds_does_not_squeeze_the_rest() -> None:
    low, high = settings_ranking([GOOD, BAD], data_name="pets").axes[0].get_xlim()
    assert high - low < 2.2 * (0.9 - 0.84)


def test_long_and_odd_names_are_text(korean: tuple[str, ...]) -> None:
    names = ["$x_1^2$ <b>&amp;", "a very long name of a setting " * 5, korean[0]]
    settings: list[Any] = [Setting(name, GOOD.accuracies) for name in names]
    figure = settings_ranking(settings, data_name="pets")
    shown = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert shown[0] == names[0]
    assert len(shown[1]) <= 44
    assert figure.axes[0].get_position().width > 0.3


def test_the_header_says_what_it_is_and_that_sketches_are_sketches() -> None:
    said = [text.get_text() for text in settings_ranking([GOOD], data_name="pets").texts]
    assert said[0] == "Settings by test accuracy"
    assert said[1].startswith("pets; mean")
    figure = settings_ranking([GOOD], data_name="sketches", sketches=True)
    assert figure.texts[-1].get_text() == SKETCHES_NOTE
