"""What the numbers of one model say, as sentences chosen by rules.

A sentence says what was observed on these test pictures. It speaks of a difference as real only
where chance is an unlikely explanation, at the 95% level:

- Guessing: the lower end of the accuracy's interval lies above the share of the largest class.
- Best and worst class: the Wilson intervals of their two shares, widened for the number of
  classes that they were picked from (Bonferroni: 1 - 0.05 / K each), do not overlap.
- Calibration: the mean of confidence minus correctness differs from 0 by more than 1.96 standard
  errors. Fewer than 30 pictures are too few for that.
- The learning curve: `training.diagnosis`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from fittingroom.evaluation.evaluate import Evaluation
from fittingroom.evaluation.metrics import ClassScore
from fittingroom.evaluation.significance import wilson_interval
from fittingroom.reports.formats import count, interval, percent
from fittingroom.reports.texts import Sentence, say
from fittingroom.training.diagnosis import RISE, diagnose
from fittingroom.training.history import Epoch

FEW_PICTURES = 30
TWO_SIDED_95 = 1.96
NAMES_LISTED = 10


def judge_model(evaluation: Evaluation) -> list[Sentence]:
    """Return what is worth saying about one model's predictions, the most important first."""
    return [
        *judge_accuracy(evaluation),
        *judge_classes(evaluation),
        *judge_confusions(evaluation),
        *judge_calibration(evaluation),
    ]


def judge_accuracy(evaluation: Evaluation) -> list[Sentence]:
    """Say how many are right, and whether guessing would do as well."""
    largest = max(score.support for score in evaluation.per_class) / evaluation.count
    told = [
        say(
            "run.conclusions.accuracy",
            correct=count(evaluation.correct),
            count=count(evaluation.count),
            accuracy=percent(evaluation.accuracy),
            interval=interval(evaluation.interval),
        )
    ]
    if evaluation.interval[0] <= largest:
        told.append(say("run.conclusions.guessing", share=percent(largest, 1)))
    return told


def judge_classes(evaluation: Evaluation) -> list[Sentence]:
    """Say which class is recognised best and worst, and which never."""
    scored = [score for score in evaluation.per_class if score.support]
    told = []
    best = max(scored, key=lambda score: score.recall)
    worst = min(scored, key=lambda score: score.recall)
    as_good, as_bad = (
        listed([score.name for score in scored if score.recall == end.recall], 3)
        for end in (best, worst)
    )
    if best.recall > worst.recall:
        key = "classes" if clearly_apart(best, worst, len(scored)) else "classes-by-chance"
        told.append(
            say(
                f"run.conclusions.{key}",
                best=as_good,
                best_share=percent(best.recall, 1),
                worst=as_bad,
                worst_share=percent(worst.recall, 1),
            )
        )
    never = [score.name for score in scored if score.never_predicted]
    if never:
        told.append(about_classes("never-predicted", never))
    missing = [score.name for score in evaluation.per_class if not score.support]
    if missing:
        told.append(about_classes("no-pictures", missing))
    return told


def about_classes(key: str, names: Sequence[str]) -> Sentence:
    """Say something of several classes: how many, and the first of their names."""
    return say(f"run.conclusions.{key}", count=count(len(names)), names=listed(names))


def judge_confusions(evaluation: Evaluation) -> list[Sentence]:
    """Say which two classes are confused most often."""
    mistakes = evaluation.count - evaluation.correct
    if not mistakes:
        return [say("run.conclusions.no-mistakes")]
    pair = evaluation.most_confused[0]
    classes = evaluation.classes
    true, predicted = classes.index(pair.true), classes.index(pair.predicted)
    back = int(evaluation.confusion[predicted, true])
    return [
        say(
            "run.conclusions.confused",
            true=pair.true,
            predicted=pair.predicted,
            count=count(pair.count),
            support=count(evaluation.per_class[true].support),
            share=percent(pair.share, 1),
        ),
        say(
            "run.conclusions.both-ways",
            true=pair.true,
            predicted=pair.predicted,
            count=count(back),
            share=percent((pair.count + back) / mistakes, 0),
        ),
    ]


def judge_calibration(evaluation: Evaluation) -> list[Sentence]:
    """Say whether the model is surer than it is right."""
    gap, error = confidence_gap(evaluation)
    if evaluation.count < FEW_PICTURES:
        return [say("run.conclusions.calibration-unknown", count=count(evaluation.count))]
    numbers = {
        "confidence": percent(evaluation.accuracy + gap, 1),
        "accuracy": percent(evaluation.accuracy, 1),
        "gap": f"{100 * abs(gap):.1f}",
    }
    if abs(gap) <= TWO_SIDED_95 * error:
        return [say("run.conclusions.calibrated", **numbers)]
    key = "overconfident" if gap > 0 else "underconfident"
    return [say(f"run.conclusions.{key}", **numbers)]


def judge_curve(history: Sequence[Epoch], test_accuracy: float) -> list[Sentence]:
    """Say what the learning curve shows; `test_accuracy` counts where nothing was held back."""
    found = diagnose(history, held_out_accuracy=test_accuracy)
    evidence = found.evidence
    numbers = {
        "epochs": count(len(history)),
        **{
            name: percent(evidence[name], 1)
            for name in ("climb", "fall", "train_accuracy", "held_out_accuracy")
            if name in evidence
        },
        "ratio": f"{evidence.get('mistake_ratio', 0):.1f}",
    }
    told = [say(f"run.diagnosis.{found.kind}", **numbers)]
    rise = evidence.get("validation_rise", 0)
    if found.kind == "overfitting" and rise >= RISE:
        told.append(say("run.diagnosis.validation-rise", rise=percent(rise, 0)))
    return told


def listed(names: Sequence[str], most: int = NAMES_LISTED) -> str:
    """Return names in a row, those beyond `most` as "..."."""
    shown = list(names[:most]) + (["\N{HORIZONTAL ELLIPSIS}"] if len(names) > most else [])
    return ", ".join(shown)


def confidence_gap(evaluation: Evaluation) -> tuple[float, float]:
    """Return the mean of confidence minus correctness, and its standard error; fractions."""
    gaps = evaluation.confidence.astype(np.float64) - (evaluation.predicted == evaluation.labels)
    return float(gaps.mean()), float(gaps.std()) / sqrt(evaluation.count)


def clearly_apart(best: ClassScore, worst: ClassScore, classes: int) -> bool:
    """Tell whether the recall of two classes, picked from so many, differs by more than chance."""
    level = 1 - 0.05 / classes
    lowest_of_best, _ = wilson_interval(round(best.recall * best.support), best.support, level)
    _, highest_of_worst = wilson_interval(round(worst.recall * worst.support), worst.support, level)
    return lowest_of_best > highest_of_worst
