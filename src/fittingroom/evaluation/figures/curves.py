"""Loss and accuracy over the epochs of a training run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from fittingroom.evaluation.figures.fonts import lettering
from fittingroom.evaluation.figures.style import (
    BLUE,
    FAINT,
    SLATE,
    TEXT_SIZE,
    Header,
    figure_style,
    sketches_note,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, PANEL_HEIGHT = 9.0, 3.2  # inches
MOST_EPOCHS_WITH_DOTS = 40


class EpochRecord(Protocol):
    """What is known of an epoch; accuracies are fractions, losses mean cross-entropies."""

    @property
    def epoch(self) -> int:
        """Its number."""

    @property
    def train_loss(self) -> float:
        """Mean over the epoch."""

    @property
    def train_accuracy(self) -> float:
        """Mean over the epoch."""

    @property
    def validation_loss(self) -> float | None:
        """After the epoch; None if it was not measured."""

    @property
    def validation_accuracy(self) -> float | None:
        """After the epoch; None if it was not measured."""


Quantity = Callable[[EpochRecord], float | None]


def learning_curves(
    history: Sequence[EpochRecord], *, data_name: str, sketches: bool = False
) -> Figure:
    """Draw loss and accuracy of training and, where it was measured, of validation.

    Parameters
    ----------
    history
        One record for each epoch, at least one.
    data_name
        What was learned from, for the caption.
    sketches
        True if that was the program's own drawings.
    """
    from matplotlib.ticker import PercentFormatter

    letters = lettering([data_name])
    epochs = "1 epoch" if len(history) == 1 else f"{len(history)} epochs"
    caption = f"{letters.text(data_name)}, {epochs}"
    header = Header.fit("Learning curves", caption, sketches_note(sketches), WIDTH)
    with figure_style(letters.families):
        figure = header.new_figure(PANEL_HEIGHT)
        with header.arranged(figure):
            loss, accuracy = figure.subplots(1, 2)
            _prepare(loss, "Loss (mean cross-entropy)", history)
            _curves(
                loss,
                history,
                lambda epoch: epoch.train_loss,
                lambda epoch: epoch.validation_loss,
                ".3f",
            )
            _prepare(accuracy, "Accuracy", history)
            accuracy.yaxis.set_major_formatter(PercentFormatter(1.0))
            _curves(
                accuracy,
                history,
                lambda epoch: epoch.train_accuracy,
                lambda epoch: epoch.validation_accuracy,
                ".1%",
            )
    return figure


def _prepare(axes: Axes, title: str, history: Sequence[EpochRecord]) -> None:
    """Give the panel its title, whole epochs on its axis, and lines to read heights by."""
    from matplotlib.ticker import MaxNLocator

    first, last = history[0].epoch, history[-1].epoch
    axes.set_xlim(first - 0.5, last + 0.5 + 0.01 * (last - first))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")
    axes.set_title(title, loc="left", fontsize=TEXT_SIZE)
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.margins(y=0.12)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _curves(
    axes: Axes,
    history: Sequence[EpochRecord],
    training: Quantity,
    validation: Quantity,
    number: str,
) -> None:
    """Draw both curves, each with its name and last value at its right end."""
    ends = []
    for name, colour, quantity in (
        ("training", SLATE, training),
        ("validation", BLUE, validation),
    ):
        points = [
            (epoch.epoch, value) for epoch in history if (value := quantity(epoch)) is not None
        ]
        if not points:
            continue
        dots = "o" if len(points) <= MOST_EPOCHS_WITH_DOTS else None
        axes.plot(*zip(*points, strict=True), color=colour, marker=dots, markersize=3.5)
        ends.append((points[-1][1], f"{name} {points[-1][1]:{number}}", colour))
    ends.sort(key=lambda end: end[0])
    low, high = axes.get_ylim()
    apart = abs(ends[-1][0] - ends[0][0]) > 0.08 * (high - low)
    for place, (value, text, colour) in enumerate(ends):
        # Labels of ends that lie close together keep clear of each other: one below, one above.
        side = "center" if apart or len(ends) == 1 else ("top", "bottom")[place]
        axes.annotate(
            text,
            (1, value),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            color=colour,
            va=side,
            fontsize=TEXT_SIZE,
        )
