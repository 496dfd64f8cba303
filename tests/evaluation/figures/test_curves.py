from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from matplotlib.figure import Figure

from fittingroom.evaluation.evaluate import SKETCHES_NOTE
from fittingroom.evaluation.figures import learning_curves


@dataclass(frozen=True)
class Epoch:
    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None


def history(count: int, validation: bool = True, gap: float = 0.1) -> list[Epoch]:
    return [
        Epoch(
            k,
            1 / k,
            1 - 0.5 / k,
            1 / k + gap if validation else None,
            1 - 0.5 / k - gap if validation else None,
        )
        for k in range(1, count + 1)
    ]


def labels(figure: Figure, panel: int) -> list[str]:
    return [text.get_text() for text in figure.axes[panel].texts]


def test_curves_show_the_recorded_values() -> None:
    figure = learning_curves(history(4), data_name="pets")
    loss, accuracy = figure.axes
    training, validation = loss.lines
    np.testing.assert_array_equal(training.get_xdata(), [1, 2, 3, 4])
    np.testing.assert_allclose(np.asarray(training.get_ydata(), float), [1, 1 / 2, 1 / 3, 1 / 4])
    np.testing.assert_allclose(np.asarray(validation.get_ydata(), float)[-1], 0.35)
    assert set(labels(figure, 0)) == {"training 0.250", "validation 0.350"}
    assert set(labels(figure, 1)) == {"training 87.5%", "validation 77.5%"}
    assert accuracy.yaxis.get_major_formatter()(0.5, 0).startswith("50")


@pytest.mark.parametrize("count", [1, 2, 3, 15, 100])
def test_ticks_are_epochs_that_there_were(count: int) -> None:
    axes = learning_curves(history(count), data_name="pets").axes[0]
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(tick == round(tick) and 1 <= tick <= count for tick in ticks)


@pytest.mark.parametrize("count", [1, 5])
def test_without_validation_there_is_one_curve(count: int) -> None:
    figure = learning_curves(history(count, validation=False), data_name="pets")
    assert len(figure.axes[0].lines) == 1
    assert [text.split()[0] for text in labels(figure, 0)] == ["training"]


def test_validation_that_was_measured_now_and_then_is_drawn_where_it_was() -> None:
    records = history(6)
    records[1::2] = history(6, validation=False)[1::2]
    _, validation = learning_curves(records, data_name="pets").axes[0].lines
    np.testing.assert_array_equal(validation.get_xdata(), [1, 3, 5])


@pytest.mark.parametrize("gap", [0.0, 1e-6, 0.02, 0.1])
def test_labels_of_close_curves_keep_clear_of_each_other(gap: float) -> None:
    figure = learning_curves(history(15, gap=gap), data_name="pets")
    for axes in figure.axes:
        first, second = (text.get_window_extent() for text in axes.texts)
        assert min(first.y1, second.y1) - max(first.y0, second.y0) < 1


def test_the_header_says_data_and_epochs_and_that_sketches_are_sketches() -> None:
    said = [text.get_text() for text in learning_curves(history(1), data_name="pets").texts]
    assert said == ["Learning curves", "pets, 1 epoch"]
    figure = learning_curves(history(3), data_name="sketches", sketches=True)
    assert [text.get_text() for text in figure.texts][1:] == ["sketches, 3 epochs", SKETCHES_NOTE]
