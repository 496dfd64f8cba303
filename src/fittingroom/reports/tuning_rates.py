"""Where the learning rate of a tuning was too low and where too high, by a rule, from the trials.

A trial is held against the best one after the same number of epochs, so that one that was pruned
can be judged as well. The differences that count are those of `fittingroom.training.diagnosis`:

too-low
    At a lower rate than the best trial's the accuracy on the validation pictures is lower by
    `CLEAR_GAIN` and the training loss is higher by `CLEAR_LOSS`: it learned less (underfitting).
too-high
    The same at a higher rate, or an accuracy as low with a training loss that climbed again by
    `CLIMB` of its way down, or a loss that diverged: its steps were too long (overshooting).

Where what the loss means was varied too (`LOSS_FIELDS`), losses do not compare: then the accuracy
alone decides, and what it is a sign of is left open (`Region.explained`).

Trials of a tuning mostly differ in more than the rate, and one may lag for another reason. So a
region is marked only from an end of the searched rates on, as far as every trial shows the same.
At a low rate, one that was pruned after an epoch or two may only have been slow to start; at a high
one there is no such excuse. So `FEWEST` trials of a region have to be firm, and it ends with one of
them: at a low rate those of `FIRM_SHARE` of the best one's epochs or more, at a high one all. A
region of low rates without them is called early (`Region.firm` is false).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Literal

import numpy as np

from fittingroom.training.curves import climb
from fittingroom.training.diagnosis import CLEAR_GAIN, CLEAR_LOSS, CLIMB

if TYPE_CHECKING:
    from fittingroom.tuning.tuning import Trial, Tuning

Side = Literal["too-low", "too-high"]
Verdict = Side | Literal["neither"]

RATE = "lr"
# What changes the training loss itself: losses of trials that differ in it do not compare.
LOSS_FIELDS = ("label_smoothing", "mixup", "cutmix")
# How the loop says that a loss is no number any more.
DIVERGED = "the loss became"
FIRM_SHARE = 0.5
# One trial alone may lag for another reason.
FEWEST = 2


@dataclass(frozen=True)
class Region:
    """Rates from `low` to `high`, at an end of the searched ones, whose trials show the same.

    `explained` tells whether the training losses bear out what it is a sign of, `firm` whether the
    trials went on for long enough.
    """

    side: Side
    low: float
    high: float
    trials: tuple[Trial, ...]
    explained: bool = True
    firm: bool = True

    @property
    def pruned(self) -> int:
        """How many of the trials were pruned: they are compared at an earlier epoch."""
        return sum(trial.state == "pruned" for trial in self.trials)

    @property
    def diverged(self) -> int:
        """How many of the trials failed."""
        return sum(trial.state == "failed" for trial in self.trials)


def varies_rate(tuning: Tuning) -> bool:
    """Tell whether the learning rate was varied over a range."""
    return any(p.name == RATE and p.kind == "float" for p in tuning.plan.space.parameters)


def losses_compare(tuning: Tuning) -> bool:
    """Tell whether the training losses of all trials mean the same."""
    return not any(p.name in LOSS_FIELDS for p in tuning.plan.space.parameters)


def find_regions(tuning: Tuning) -> list[Region]:
    """Return where the rate was too low and where too high, as far as the trials show it."""
    best = tuning.best
    if best is None or not varies_rate(tuning):
        return []
    by_loss = losses_compare(tuning)
    judged = [
        (trial, verdict)
        for trial in sorted(tuning.trials, key=rate_of)
        if (verdict := judge(trial, best, by_loss)) is not None
    ]
    found = (
        region_of("too-low", judged, best, by_loss),
        region_of("too-high", judged[::-1], best, by_loss),
    )
    return [region for region in found if region is not None]


def region_of(
    side: Side, inwards: Sequence[tuple[Trial, Verdict]], best: Trial, by_loss: bool
) -> Region | None:
    """Return the region at one end of the rates; None where the trials from there do not bear it.

    Parameters
    ----------
    inwards
        Trials with what they show, from the end on.
    """
    same = [trial for trial, _ in takewhile(lambda pair: pair[1] == side, inwards)]
    firm = [place for place, trial in enumerate(same) if is_firm(side, trial, best)]
    enough = len(firm) >= FEWEST
    shown = same[: firm[-1] + 1] if enough else same
    if len(shown) < FEWEST:
        return None
    rates = sorted(map(rate_of, shown))
    return Region(side, rates[0], rates[-1], tuple(shown), by_loss, enough)


def is_firm(side: Side, trial: Trial, best: Trial) -> bool:
    """Tell whether a trial went on for long enough to count by itself."""
    return side == "too-high" or len(trial.curve) >= FIRM_SHARE * len(best.curve)


def rate_of(trial: Trial) -> float:
    """Return a trial's learning rate."""
    return float(trial.values[RATE])


def judge(trial: Trial, best: Trial, by_loss: bool = True) -> Verdict | None:
    """Say what a trial shows of its rate; None where there is nothing to judge it by."""
    lower = rate_of(trial) < rate_of(best)
    if trial.state == "failed":
        return "too-high" if DIVERGED in trial.reason and not lower else None
    curves = (trial.curve, trial.train_curve, best.curve, best.train_curve)
    epochs = min(map(len, curves))
    if trial.state == "running" or not epochs:
        return None
    accuracy, loss, best_accuracy, best_loss = (curve[epochs - 1] for curve in curves)
    learned_less = not by_loss or best_loss <= (1 - CLEAR_LOSS) * loss
    climbed = not lower and climb(np.array(trial.train_curve[:epochs])) >= CLIMB
    behind = best_accuracy - accuracy >= CLEAR_GAIN and rate_of(trial) != rate_of(best)
    if not behind or not (learned_less or climbed):
        return "neither"
    return "too-low" if lower else "too-high"
