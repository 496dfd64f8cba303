"""What the learning curves say: rate too high, trained too little, too much, or fine.

A network errs on pictures that it has not seen; the diagnosis says what kept it from erring less.
The rules are tried in this order, each on the mean over a setting's seeds:

too-short
    Fewer than `FEWEST_EPOCHS` epochs say nothing.
overshooting
    The learning rate is too high: the steps leap over the minimum. The sure sign is another
    setting: the same network at a lower rate has, after the same number of epochs or fewer, a
    training loss lower by `CLEAR_LOSS`, and in the end is no worse on unseen pictures. The
    curve's own sign is a training loss that climbs again: by `CLIMB` of its way down, all climbs
    added up.
overfitting
    The network learns its training pictures by heart. Either the validation loss has risen by
    `RISE` from its lowest (both means of three epochs); or unseen pictures are mistaken
    `OVERFITTING_RATIO` times as often as training pictures, and by `CLEAR_GAP` more of them.
underfitting
    Learning was too slow or stopped too early. The sure sign is another setting: the same network
    at a higher rate or for more epochs (and less of neither) has a training loss lower by
    `CLEAR_LOSS`, and is better by `CLEAR_GAIN` on unseen pictures. The curve's own sign is a
    training loss that still falls by `FALL` an epoch while unseen pictures are mistaken at most
    `TOGETHER_RATIO` times as often as training pictures; it does not count where the same network
    at the same rate for more epochs is known not to be better.
fine
    None of these.

One curve alone can mislead: at a rate that is too high the training loss mostly falls as smoothly
as at a good one, only not as far. So a setting is compared with the others of the same network,
and `seeds_agreeing` says how many of its curves tell the same by themselves. Nor are the kinds
grades: a setting that overfits may have the best accuracy of all, at the price of a confidence
that its mistakes do not deserve.

The numbers, as `Diagnosis.evidence` has them, are explained in curves.py; to them come

- `seeds`, `seeds_agreeing`: how many there are, and for how many the rules for a curve by itself
  come to the same kind; for a single run both are 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fittingroom.training.curves import Curves, Evidence, beside, long_enough, measure
from fittingroom.training.history import Epoch

__all__ = ["Curves", "Diagnosis", "Kind", "diagnose", "diagnose_setting"]

Kind = Literal["overshooting", "underfitting", "overfitting", "fine", "too-short"]

# The measurements below are of the notebook's networks on Fashion-MNIST, five seeds a setting.

# Ten times the scatter between seeds, whose training losses differ by about 1%.
CLEAR_LOSS = 0.10

# Rates of 0.001 and below: 0.009 at most, mostly 0. Rates of 0.005 and more: up to 0.066.
CLIMB = 0.02

# Prechelt 1998, Early Stopping - But When? (doi:10.1007/3-540-49430-8_3): criterion GL at 5%.
RISE = 0.05

# Of three layers at 0.0008 with 5,000 validation pictures: the validation loss was lowest at a
# ratio of 1.05 to 1.4 (8 runs, median 1.16), had risen by 0% to 6% at 1.25 (median 3%), and by
# 6% to 10% at 1.5 (the 3 runs of 30 epochs).
OVERFITTING_RATIO = 1.5
TOGETHER_RATIO = 1.25

# Three times the half width (0.6 points) of the 95% interval of 89% on 10,000 pictures. Where
# hardly any mistakes are left, twice as many are no sign of anything.
CLEAR_GAP = 0.02

# The scores of one setting's seeds have a standard deviation of 0.2 to 0.3 points.
CLEAR_GAIN = 0.005

# At this pace ten epochs more would take a quarter off the loss.
FALL = 0.03


@dataclass(frozen=True)
class Diagnosis:
    """What the learning curves say.

    Parameters
    ----------
    kind
        overshooting, underfitting, overfitting, fine, or too-short to say.
    evidence
        The numbers that it rests on, means over the seeds.
    rival
        Name of the other setting that decided; None if the setting's own curves did.
    """

    kind: Kind
    evidence: Mapping[str, float] = field(default_factory=dict)
    rival: str | None = None


def diagnose(history: Sequence[Epoch], *, held_out_accuracy: float | None = None) -> Diagnosis:
    """Say what the curve of one run shows.

    Parameters
    ----------
    history
        Its epochs in order.
    held_out_accuracy
        Accuracy on pictures that were not trained on, 0 to 1. It counts where there are no
        validation pictures.

    Raises
    ------
    ValueError
        If there are neither validation pictures nor a held-out accuracy.
    """
    evidence = measure(history, held_out_accuracy)
    return Diagnosis(judge_alone(evidence), {"seeds": 1, "seeds_agreeing": 1} | evidence)


def diagnose_setting(
    setting: Curves, same_network: Mapping[str, Curves] | None = None
) -> Diagnosis:
    """Say what the curves of a setting show, beside those of the same network.

    Parameters
    ----------
    setting
        What to judge.
    same_network
        By name, the settings that differ from it in learning rate and epochs, and in nothing
        else. The setting itself may be among them.

    Raises
    ------
    ValueError
        If a setting has neither validation pictures nor held-out accuracies.
    """
    others = {
        name: curves for name, curves in (same_network or {}).items() if long_enough(curves.mean)
    }
    kind, rival = judge_among(setting, others)
    evidence = {
        "seeds": len(setting.seeds),
        "seeds_agreeing": sum(judge_alone(each) == kind for each in setting.seeds),
        **setting.mean,
    }
    if rival is not None:
        evidence |= beside(setting, others[rival], same_epochs=kind == "overshooting")
    return Diagnosis(kind, evidence, rival)


def judge_alone(evidence: Evidence) -> Kind:
    """Apply the rules for a curve by itself."""
    if not long_enough(evidence):
        return "too-short"
    if evidence["climb"] >= CLIMB:
        return "overshooting"
    ratio = evidence["mistake_ratio"]
    too_many_mistakes = ratio >= OVERFITTING_RATIO and evidence["gap"] >= CLEAR_GAP
    if too_many_mistakes or evidence.get("validation_rise", 0) >= RISE:
        return "overfitting"
    if evidence["fall"] >= FALL and ratio <= TOGETHER_RATIO:
        return "underfitting"
    return "fine"


def judge_among(setting: Curves, others: Mapping[str, Curves]) -> tuple[Kind, str | None]:
    """Apply the rules beside other settings; return the name of the one that decided, if any."""
    alone = judge_alone(setting.mean)
    if alone == "too-short":
        return alone, None
    if rival := better_at_a_lower_rate(setting, others):
        return "overshooting", rival
    if alone in ("overshooting", "overfitting"):
        return alone, None
    if rival := better_for_learning_more(setting, others):
        return "underfitting", rival
    longer = (o for o in others.values() if o.lr == setting.lr and o.epochs > setting.epochs)
    return ("fine" if any(longer) else alone), None


def better_at_a_lower_rate(setting: Curves, others: Mapping[str, Curves]) -> str | None:
    """Return the name of the setting that shows most clearly that the rate is too high."""
    own, epochs = setting.mean, setting.mean["epochs"]
    losses = {
        name: other.train_loss(epochs)
        for name, other in others.items()
        if other.lr < setting.lr and other.mean["held_out_accuracy"] >= own["held_out_accuracy"]
    }
    clear = [name for name, loss in losses.items() if loss <= (1 - CLEAR_LOSS) * own["train_loss"]]
    # One that was trained for longer has a better final accuracy for that alone.
    return min(
        clear,
        key=lambda name: (others[name].epochs > setting.epochs, losses[name], name),
        default=None,
    )


def better_for_learning_more(setting: Curves, others: Mapping[str, Curves]) -> str | None:
    """Return the name of the setting that shows most clearly what more learning gives."""
    own = setting.mean
    scores = {
        name: other.mean["held_out_accuracy"]
        for name, other in others.items()
        if other.lr >= setting.lr
        and other.epochs >= setting.epochs
        and other.mean["train_loss"] <= (1 - CLEAR_LOSS) * own["train_loss"]
    }
    clear = [
        name for name, score in scores.items() if score >= own["held_out_accuracy"] + CLEAR_GAIN
    ]
    return max(clear, key=lambda name: (scores[name], name), default=None)
