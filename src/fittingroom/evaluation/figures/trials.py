"""The trials of a tuning by number, and the best accuracy so far."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Protocol

from fittingroom.evaluation.figures.fonts import lettering
from fittingroom.evaluation.figures.style import (
    ACCENT,
    BLUE,
    FAINT,
    SLATE,
    Header,
    figure_style,
    sketches_note,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 9.0, 3.4  # inches

# The axis ends this many times as far below the best trial as the median lies: one that learned
# nothing would press all others together.
MOST_BELOW = 4.0
LEAST_SPREAD = 0.005


class TrialRecord(Protocol):
    """What is known of a trial; accuracies are fractions."""

    @property
    def number(self) -> int:
        """Its place in the order of trials."""

    @property
    def state(self) -> str:
        """complete, pruned, failed or running."""

    @property
    def accuracy(self) -> float | None:
        """On the validation pictures; of a pruned trial, when it was stopped."""


def trial_history(
    trials: Sequence[TrialRecord], *, data_name: str, sketches: bool = False
) -> Figure:
    """Draw complete and pruned trials, and the steps of the best complete one so far.

    Parameters
    ----------
    trials
        By number; at least one is complete.
    data_name
        What they were judged on, for the caption.
    sketches
        True if that was the program's own drawings.
    """
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    letters = lettering([data_name])
    caption = (
        f"{letters.text(data_name)}; the line is the best so far; "
        "failed trials, and those below the scale, stand on the axis"
    )
    header = Header.fit("Trials by validation accuracy", caption, sketches_note(sketches), WIDTH)
    with figure_style(letters.families):
        figure = header.new_figure(HEIGHT)
        with header.arranged(figure):
            axes = figure.add_subplot()
            _draw_trials(axes, trials)
            axes.set_ylim(_lowest(trials), None)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_xlabel("trial")
            axes.legend(loc="lower right", frameon=False)
            axes.grid(axis="y", color=FAINT, linewidth=0.5)
            axes.set_axisbelow(True)
            axes.spines[["top", "right", "left"]].set_visible(False)
            axes.tick_params(axis="y", length=0)
    return figure


def _draw_trials(axes: Axes, trials: Sequence[TrialRecord]) -> None:
    """Draw a mark for each trial, by its state; those without a place stand on the axis."""
    marks = (
        ("complete", "o", BLUE, BLUE),
        ("pruned", "v", "none", SLATE),
        ("failed", "x", ACCENT, ACCENT),
    )
    floor = _lowest(trials)
    for state, marker, face, edge in marks:
        found = [trial for trial in trials if trial.state == state]
        if found:
            heights = [floor if state == "failed" else max(_of(t), floor) for t in found]
            numbers = [trial.number for trial in found]
            (drawn,) = axes.plot(numbers, heights, marker, label=state, color=edge, clip_on=False)
            drawn.set_markersize(5)
            drawn.set_markerfacecolor(face)
    numbers, best = _best_so_far(trials)
    axes.step(numbers, best, where="post", color=BLUE, linewidth=1.4, alpha=0.7)


def _best_so_far(trials: Sequence[TrialRecord]) -> tuple[list[int], list[float]]:
    numbers: list[int] = []
    best: list[float] = []
    for trial in trials:
        if trial.state == "complete":
            best.append(max(_of(trial), best[-1] if best else 0.0))
            numbers.append(trial.number)
    return [*numbers, trials[-1].number], [*best, best[-1]]


def _of(trial: TrialRecord) -> float:
    return trial.accuracy or 0.0


def _lowest(trials: Sequence[TrialRecord]) -> float:
    """Return where the axis begins: every trial lies above it, or stands on it."""
    complete = [_of(trial) for trial in trials if trial.state == "complete"]
    shown = [_of(trial) for trial in trials if trial.state in {"complete", "pruned"}]
    spread = max(max(complete) - median(complete), LEAST_SPREAD)
    return max(min(shown), max(complete) - MOST_BELOW * spread, 0.0) - 0.1 * spread
