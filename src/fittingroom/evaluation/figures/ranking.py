"""Settings by accuracy: the mean of each with its interval, and every seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from fittingroom.evaluation.columns import shorten, tidy
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

WIDTH, ROW_HEIGHT, AXIS_HEIGHT = 9.0, 0.34, 0.75  # inches
NAME_COLUMNS = 44


class SettingScores(Protocol):
    """What is known of a setting; accuracies are fractions."""

    @property
    def label(self) -> object:
        """What people call it, when it is made text."""

    @property
    def accuracies(self) -> Sequence[float]:
        """One for each seed, at least one."""

    @property
    def mean(self) -> float:
        """Of the accuracies."""

    @property
    def interval(self) -> tuple[float, float] | None:
        """95% interval of the mean; None for a single seed."""


def settings_ranking(
    settings: Sequence[SettingScores], *, data_name: str, sketches: bool = False
) -> Figure:
    """Draw a row for each setting: a dot for each seed, the mean and its 95% interval.

    Parameters
    ----------
    settings
        In the order of the rows, the uppermost first; at least one.
    data_name
        What they were tested on, for the caption.
    sketches
        True if that was the program's own drawings.
    """
    from matplotlib.ticker import PercentFormatter

    labels = [tidy(str(setting.label)) for setting in settings]
    letters = lettering([*labels, data_name])
    caption = f"{letters.text(data_name)}; mean with its 95% interval, a dot for each seed"
    header = Header.fit("Settings by test accuracy", caption, sketches_note(sketches), WIDTH)
    with figure_style(letters.families):
        figure = header.new_figure(ROW_HEIGHT * len(settings) + AXIS_HEIGHT)
        with header.arranged(figure):
            axes = figure.add_subplot()
            for row, setting in enumerate(settings):
                _draw_setting(axes, row, setting)
            names = [shorten(letters.text(label), NAME_COLUMNS) for label in labels]
            axes.set_yticks(range(len(settings)), names, fontsize=TEXT_SIZE)
            axes.set_ylim(len(settings) - 0.5, -0.5)
            axes.set_xlim(_limits(settings))
            axes.xaxis.set_major_formatter(PercentFormatter(1.0))
            axes.set_xlabel("test accuracy")
            axes.grid(axis="x", color=FAINT, linewidth=0.5)
            axes.set_axisbelow(True)
            axes.spines[["top", "right", "left"]].set_visible(False)
            axes.tick_params(axis="y", length=0)
    return figure


def _draw_setting(axes: Axes, row: int, setting: SettingScores) -> None:
    if setting.interval:
        axes.plot(setting.interval, (row, row), color=BLUE, linewidth=1.6)
    rows = [row] * len(setting.accuracies)
    axes.plot(setting.accuracies, rows, "o", color=SLATE, markersize=4, alpha=0.7, zorder=3)
    axes.plot(setting.mean, row, "|", color=BLUE, markersize=13, markeredgewidth=2, zorder=4)
    axes.annotate(
        f"{setting.mean:.2%}",
        (1, row),
        xycoords=("axes fraction", "data"),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
    )


def _limits(settings: Sequence[SettingScores]) -> tuple[float, float]:
    """Return the ends of the axis, in which all seeds lie.

    An interval of two or three seeds can be many times as wide as what was measured; it is cut at
    half that width on either side.
    """
    found = [accuracy for setting in settings for accuracy in setting.accuracies]
    ends = [end for setting in settings for end in setting.interval or ()]
    low, high = min(found), max(found)
    room = max(high - low, 0.004)
    low = max(min([low, *ends]), low - room / 2)
    high = min(max([high, *ends]), high + room / 2)
    margin = 0.03 * (high - low) or 0.002
    return max(0.0, low - margin), min(1.0, high + margin)
