"""Learning curves in numbers.

The evidence of a curve has these keys; accuracies and shares are fractions, 0 to 1:

- `epochs`
- `train_loss`, `train_accuracy`: of the last epoch
- `held_out_accuracy`: on the validation pictures after the last epoch; where there are none, as
  given
- `gap`: train_accuracy - held_out_accuracy
- `mistake_ratio`: mistakes on held-out pictures for each on as many training pictures, at most
  `MOST_MISTAKES`
- `fall`: share of the training loss that went in an epoch, over the last two steps between epochs
- `climb`: all climbs of the training loss, added up, as a share of its way from first to lowest
- `validation_rise`, only with validation pictures: how far the validation loss lies above its
  lowest, as a share of that; both are means of three epochs

A curve with fewer than `FEWEST_EPOCHS` epochs has only `epochs`. Beside another setting, the
rival, come these:

- `rival_lr`, `rival_epochs`, `rival_train_loss`, `rival_held_out_accuracy`; to tell overshooting
  the loss is that after at most as many epochs as the setting's own, and the accuracy the final one
- `loss_excess`: how much higher the setting's own training loss is, as a share of the rival's

Training losses and accuracies are means over an epoch while the weights were changing, as
`Epoch` has them: half an epoch behind the weights, so that the gap is a little larger in truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from fittingroom.training.history import Epoch

Evidence = dict[str, float]

# The fall over two steps needs three.
FEWEST_EPOCHS = 3

# More than any network needs to be told; a network without a mistake in training has them.
MOST_MISTAKES = 100.0


@dataclass(frozen=True)
class Curves:
    """A setting's runs.

    Parameters
    ----------
    lr, epochs
        The recipe's.
    histories
        One for each seed, at least one.
    held_out
        Accuracy of each on pictures that were not trained on, 0 to 1. It counts where there are
        no validation pictures, and may then not be left out.

    Raises
    ------
    ValueError
        If there is no run, or not one accuracy for each.
    """

    lr: float
    epochs: int
    histories: Sequence[Sequence[Epoch]]
    held_out: Sequence[float] = ()

    def __post_init__(self) -> None:
        if not self.histories or len(self.held_out) not in (0, len(self.histories)):
            raise ValueError(
                "expected at least one run and a held-out accuracy for each, "
                f"got {len(self.histories)} and {len(self.held_out)}"
            )

    @cached_property
    def seeds(self) -> list[Evidence]:
        """What each seed's curve shows."""
        held_out: Sequence[float | None] = self.held_out or [None] * len(self.histories)
        return [measure(*seed) for seed in zip(self.histories, held_out, strict=True)]

    @cached_property
    def mean(self) -> Evidence:
        """What the seeds' curves show on average; those that are too short do not count."""
        seeds = [each for each in self.seeds if long_enough(each)] or self.seeds
        return {key: fmean(each[key] for each in seeds) for key in seeds[0]}

    def train_loss(self, epochs: float) -> float:
        """Return the mean training loss after at most so many epochs, 3 or more."""
        whole = [history for history in self.histories if len(history) >= FEWEST_EPOCHS]
        return fmean(history[: int(epochs)][-1].train_loss for history in whole)


def measure(history: Sequence[Epoch], held_out_accuracy: float | None) -> Evidence:
    """Return the numbers that one curve shows, by the keys that the module lists."""
    if len(history) < FEWEST_EPOCHS:
        return {"epochs": len(history)}
    last = history[-1]
    held_out = last.validation_accuracy
    if held_out is None:
        held_out = held_out_accuracy
    if held_out is None:
        raise ValueError("expected validation pictures or a held-out accuracy, got neither")
    losses = np.array([record.train_loss for record in history])
    evidence = {
        "epochs": float(len(history)),
        "train_loss": last.train_loss,
        "train_accuracy": last.train_accuracy,
        "held_out_accuracy": held_out,
        "gap": last.train_accuracy - held_out,
        "mistake_ratio": mistake_ratio(last.train_accuracy, held_out),
        "fall": fall(losses),
        "climb": climb(losses),
    }
    validation = [each.validation_loss for each in history if each.validation_loss is not None]
    if validation:
        evidence["validation_rise"] = rise(np.array(validation))
    return evidence


def mistake_ratio(train_accuracy: float, held_out_accuracy: float) -> float:
    """Return the mistakes on held-out pictures for each on as many training pictures."""
    mistakes, expected = 1 - held_out_accuracy, 1 - train_accuracy
    return MOST_MISTAKES if mistakes > MOST_MISTAKES * expected else mistakes / (expected or 1)


def fall(losses: NDArray[np.float64]) -> float:
    """Return the share of the loss that went in an epoch, the geometric mean of two steps."""
    return float(1 - np.sqrt(losses[-1] / losses[-3])) if losses[-3] > 0 else 0.0


def climb(losses: NDArray[np.float64]) -> float:
    """Return all climbs of the loss, added up, as a share of its way from first to lowest."""
    climbs = np.diff(losses).clip(min=0).sum()
    way = losses[0] - losses.min()
    return float(climbs / way) if way > 0 else float(climbs > 0)


def rise(losses: NDArray[np.float64]) -> float:
    """Return how far the mean of the last three losses lies above the lowest such mean."""
    means = np.convolve(losses, np.ones(3) / 3, mode="valid")
    lowest = means.min(initial=np.inf)
    return float(means[-1] / lowest - 1) if 0 < lowest < np.inf else 0.0


def long_enough(evidence: Evidence) -> bool:
    """Tell whether there are epochs enough to say anything."""
    return evidence["epochs"] >= FEWEST_EPOCHS


def beside(setting: Curves, rival: Curves, *, same_epochs: bool) -> Evidence:
    """Return what the comparison with another setting rests on, by the keys of the module."""
    own = setting.mean
    loss = rival.train_loss(own["epochs"]) if same_epochs else rival.mean["train_loss"]
    return {
        "rival_lr": rival.lr,
        "rival_epochs": float(rival.epochs),
        "rival_train_loss": loss,
        "rival_held_out_accuracy": rival.mean["held_out_accuracy"],
        "loss_excess": own["train_loss"] / loss - 1 if loss > 0 else MOST_MISTAKES,
    }
