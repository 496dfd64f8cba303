"""What the charts of a tuning share: the scale of accuracy, and a mark for each trial's state.

Complete trials are dots, pruned ones open triangles at the accuracy with which they were stopped,
failed ones crosses; the winner is a star. A trial without a place on the scale of accuracy has one
in a strip below the plot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from fittingroom.reports.charts.drawing import Drawing
from fittingroom.reports.charts.frame import TICK, Frame, Key, Scale, nice_range, nice_ticks
from fittingroom.reports.charts.labels import SMALL_SIZE, Label
from fittingroom.reports.formats import percent
from fittingroom.reports.texts import Sentence, say

if TYPE_CHECKING:
    from fittingroom.tuning.tuning import Trial

COMPLETE, PRUNED, FAILED, WINNER = "series-1", "muted", "series-5", "accent"
START = "series-3"
DOT, STAR = 3.4, 8.0
# Dots of one value are spread over this share of its room, by the golden ratio, which puts each
# new one where there is most of it.
SPREAD, GOLDEN = 0.6, 0.618034
STRIP = 22.0  # pixels of the strip below a plot

# A trial that learned nothing would press all others together: the scale ends this many times as
# far below the best trial as the median of the complete ones lies, and no trial's place is lost.
MOST_BELOW = 4.0
LEAST_SPREAD = 0.005

# Beyond this many, what a mouse shows of each trial would be most of the page.
MOST_TIPS = 300


@dataclass(frozen=True)
class Ends:
    """The scale of accuracy, the same for every plot, and whether there is a strip below."""

    low: float
    high: float
    strip: bool

    def below(self, trial: Trial) -> bool:
        """Tell whether a trial's place is in the strip."""
        return trial.state == "failed" or trial.accuracy is None or trial.accuracy < self.low


def accuracy_ends(trials: Sequence[Trial]) -> Ends:
    """Return the scale for these trials, of which one at least is complete."""
    known = [trial for trial in trials if trial.accuracy is not None and trial.state != "failed"]
    shown = [trial.accuracy or 0.0 for trial in known]
    complete = [trial.accuracy or 0.0 for trial in known if trial.state == "complete"]
    best = max(shown)
    spread = max(best - median(complete), LEAST_SPREAD)
    floor = max(min(shown), best - MOST_BELOW * spread)
    low, high = nice_range([floor, best])
    ends = Ends(max(0.0, low), min(1.0, high), strip=False)
    return Ends(ends.low, ends.high, any(ends.below(trial) for trial in trials))


@dataclass(frozen=True)
class Plot:
    """A frame, and the strip below it."""

    frame: Frame
    ends: Ends

    @classmethod
    def within(cls, ends: Ends, x: Scale, top: float, bottom: float) -> Plot:
        """Return a plot whose strip, if there is one, ends at `bottom`."""
        floor = bottom - STRIP if ends.strip else bottom
        return cls(Frame(x, Scale(ends.low, ends.high, floor, top)), ends)

    @property
    def bottom(self) -> float:
        """Where the plot ends, its strip with it."""
        return self.frame.y.start + (STRIP if self.ends.strip else 0)

    @property
    def foot(self) -> Frame:
        """The frame that the numbers of x stand below."""
        return Frame(self.frame.x, Scale(0, 1, self.bottom, self.frame.y.end))

    def y(self, trial: Trial) -> float:
        """Return a trial's height."""
        if trial.accuracy is None or self.ends.below(trial):
            return self.frame.y.start + STRIP / 2
        return self.frame.y(trial.accuracy)

    def rows(self, drawing: Drawing, most: int) -> None:
        """Draw the grid of accuracies."""
        ticks = nice_ticks(self.ends.low, self.ends.high, most)
        digits = max(map(digits_of, ticks))
        hidden = self.ends.low if self.ends.strip else None  # the strip's own number says it
        self.frame.rows(drawing, ticks, lambda t: "" if t == hidden else percent(t, digits))

    def columns(
        self, drawing: Drawing, ticks: Sequence[float], write: Callable[[float], str]
    ) -> None:
        """Write the numbers of x below the strip."""
        self.foot.columns(drawing, ticks, write)


def draw_trials(
    drawing: Drawing,
    plot: Plot,
    trials: Sequence[Trial],
    place: Callable[[Trial], float],
    winner: Trial | None,
) -> None:
    """Draw every trial at its place, what matters most on top."""
    order = {"running": 0, "failed": 1, "pruned": 2, "complete": 3}
    tips = len(trials) <= MOST_TIPS
    for trial in sorted(trials, key=lambda trial: (trial is winner, order[trial.state])):
        draw_trial(drawing, plot, trial, place(trial), trial is winner, tips)


def draw_trial(
    drawing: Drawing, plot: Plot, trial: Trial, x: float, winner: bool, tips: bool
) -> None:
    """Draw one trial; one that is still running has nothing to show."""
    centre, tip = (x, plot.y(trial)), tip_of(trial) if tips else None
    if winner:
        drawing.star(centre, STAR, WINNER, tip=tip, stroke="paper", stroke_width=1)
    elif trial.state == "complete":
        drawing.dot(centre, DOT, COMPLETE, tip=tip, fill_opacity=0.6)
    elif trial.state == "pruned":
        mark = {"stroke": PRUNED, "stroke_width": 1.1, "fill_opacity": 0}
        drawing.triangle(centre, DOT, "paper", tip=tip, **mark)
    elif trial.state == "failed":
        drawing.cross(centre, DOT - 0.4, FAILED, tip=tip)


def tip_of(trial: Trial) -> Sentence:
    """Say which trial a mark is, and how accurate."""
    if trial.state == "failed" or trial.accuracy is None:
        return say("charts.trials.tip-failed", number=trial.number)
    key = "tip-pruned" if trial.state == "pruned" else "tip"
    return say(f"charts.trials.{key}", number=trial.number, accuracy=percent(trial.accuracy))


def keys(trials: Sequence[Trial]) -> list[Key]:
    """Return the legend: only what is there to be seen."""
    kinds = {
        "complete": Key("dot", COMPLETE, say("charts.trials.complete")),
        "pruned": Key("triangle", PRUNED, say("charts.trials.pruned")),
        "failed": Key("cross", FAILED, say("charts.trials.failed")),
    }
    there = {trial.state for trial in trials}
    found = [key for state, key in kinds.items() if state in there]
    return [*found, Key("star", WINNER, say("charts.trials.winner"))]


def strip(drawing: Drawing, plot: Plot) -> None:
    """Set the strip apart from the plot, and write beside it which accuracies lie in it."""
    if plot.ends.strip:
        corners = (plot.frame.x.start, plot.frame.y.start), (plot.frame.x.end, plot.bottom)
        drawing.box(*corners, "faint", fill_opacity=0.4)
        low = plot.ends.low
        place = (plot.frame.x.start - TICK, plot.bottom - STRIP / 2 + SMALL_SIZE * 0.35)
        below = f"<{percent(low, digits_of(low))}"
        drawing.text(place, below, colour="muted", size=SMALL_SIZE, anchor="end")


def strip_words(ends: Ends) -> Sentence | str:
    """Say what lies in the strip, after a caption; nothing where there is none."""
    return say("charts.trials.strip") if ends.strip else ""


def digits_of(share: float) -> int:
    """Return how many digits after the point a round share needs in percent, at most two."""
    return next((n for n in (0, 1) if abs(100 * share - round(100 * share, n)) < 1e-9), 2)


def name_y(drawing: Drawing, left: float, top: float, label: Label) -> None:
    """Write above a plot what its y is."""
    drawing.text((left, top), label, colour="muted", size=SMALL_SIZE)


def spread_of(trial: Trial) -> float:
    """Return where a trial stands within the room of its value, -0.5 to 0.5."""
    return trial.number * GOLDEN % 1 - 0.5


def rank(trial: Trial) -> tuple[bool, float]:
    """Return what makes one trial better than another."""
    return trial.state == "complete", trial.accuracy or 0.0


def upright(drawing: Drawing, plot: Plot, x: float) -> None:
    """Draw the line of the starting recipe."""
    ends = (x, plot.bottom), (x, plot.frame.y.end)
    drawing.line(*ends, START, width=1.2, stroke_dasharray="2 3")
