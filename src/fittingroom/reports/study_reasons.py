"""What the verdicts, recorded results and diagnoses of a study rest on, as sentences by rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fittingroom.reports.formats import (
    count,
    decimal,
    p_value,
    percent,
    points,
    points_interval,
    rate,
)
from fittingroom.reports.names import Listed, quoted
from fittingroom.reports.texts import Sentence, say
from fittingroom.training.diagnosis import RISE

if TYPE_CHECKING:
    from fittingroom.studies.plan import Recorded, Words
    from fittingroom.studies.results import Contrast, RecordedResult, StudyResults, Verdict
    from fittingroom.training.diagnosis import Diagnosis

OUTCOMES = ("holds", "does-not-hold", "undecided", "untested")


def label_of(name: str, results: StudyResults) -> Words:
    """Return what people call a setting."""
    return results.plan.setting(name).label


def outcome_counts(outcomes: Sequence[str]) -> dict[str, str]:
    """Return how often each outcome occurs, by the name that a text's parameter has."""
    return {name.replace("-", "_"): count(outcomes.count(name)) for name in OUTCOMES}


def judge_verdict(verdict: Verdict, results: StudyResults) -> list[Sentence]:
    """Say what a verdict rests on."""
    told = []
    contrasts = verdict.contrasts
    if len(contrasts) == 1:
        told.append(judge_contrast(contrasts[0], results))
    elif contrasts:
        numbers = outcome_counts([one.outcome for one in contrasts])
        told.append(say("study.claims.contrasts", count=count(len(contrasts)), **numbers))
        worst = min(contrasts, key=lambda one: one.difference.mean if one.difference else 0)
        if worst.outcome == "does-not-hold":
            told.append(judge_contrast(worst, results))
    elif verdict.claim.kind == "bargain" and verdict.outcome != "untested":
        told.append(say("study.claims.cheapest"))
    return [*told, *judge_need(verdict)]


def judge_need(verdict: Verdict) -> list[Sentence]:
    """Say how many seeds would decide what is not decided."""
    if verdict.outcome == "untested":
        return [say("study.claims.untested")]
    if verdict.outcome != "undecided":
        return []
    if verdict.seeds_needed is not None:
        key = "needed-against" if is_against(verdict) else "needed"
        return [say(f"study.claims.{key}", needed=count(verdict.seeds_needed))]
    return [say("study.claims.one-seed")] if verdict.n < 2 else []


def is_against(verdict: Verdict) -> bool:
    """Tell whether more seeds would speak against a claim: one of its differences does."""
    undecided = (one.difference for one in verdict.contrasts if one.outcome == "undecided")
    return any(found is not None and found.mean < 0 for found in undecided)


def judge_contrast(contrast: Contrast, results: StudyResults) -> Sentence:
    """Say how the two settings of a contrast differ."""
    names = {
        "better": quoted(label_of(contrast.better, results)),
        "worse": quoted(label_of(contrast.worse, results)),
    }
    difference, p = contrast.difference, contrast.adjusted_p
    if difference is None or p is None:
        return say("study.claims.no-difference", **names)
    return say(
        f"study.claims.{contrast.outcome}-by",
        points=points(difference.mean),
        interval=points_interval((difference.low, difference.high)),
        p=p_value(p),
        n=count(difference.n),
        **names,
    )


def judge_curves(diagnosis: Diagnosis, results: StudyResults) -> list[Sentence]:
    """Say what a diagnosis rests on."""
    evidence = diagnosis.evidence
    if diagnosis.kind == "too-short":
        return [say("study.diagnosis.too-short-why", epochs=count(round(evidence["epochs"])))]
    told = [say(f"study.diagnosis.{reason(diagnosis)}", **reason_numbers(diagnosis, results))]
    agreeing, seeds = (round(evidence[key]) for key in ("seeds_agreeing", "seeds"))
    if agreeing < seeds:
        key = "agreeing-rival" if diagnosis.rival is not None else "agreeing"
        told.append(say(f"study.diagnosis.{key}", agreeing=count(agreeing), seeds=count(seeds)))
    return [
        *told,
        say(
            "study.diagnosis.accuracies",
            train=percent(evidence["train_accuracy"], 1),
            held_out=percent(evidence["held_out_accuracy"], 1),
            loss=decimal(evidence["train_loss"], 3),
        ),
    ]


def reason(diagnosis: Diagnosis) -> str:
    """Return the key of what a diagnosis rests on; see `fittingroom.training.diagnosis`."""
    kind = diagnosis.kind
    if kind in {"overshooting", "underfitting"} and diagnosis.rival is not None:
        return f"{kind}-rival"
    if kind == "overfitting":
        risen = diagnosis.evidence.get("validation_rise", 0.0) >= RISE
        return "overfitting-rise" if risen else "overfitting-gap"
    return {"overshooting": "overshooting-climb", "underfitting": "underfitting-fall"}.get(
        kind, "fine-why"
    )


def reason_numbers(diagnosis: Diagnosis, results: StudyResults) -> dict[str, Any]:
    """Return the numbers of all reasons, each written for people."""
    evidence = diagnosis.evidence
    numbers: dict[str, Any] = {
        "climb": percent(evidence["climb"], 1),
        "fall": percent(evidence["fall"], 1),
        "ratio": decimal(evidence["mistake_ratio"], 2),
        "rise": percent(evidence.get("validation_rise", 0.0), 1),
    }
    if diagnosis.rival is not None:
        numbers |= {
            "rival": quoted(label_of(diagnosis.rival, results)),
            "rate": rate(evidence["rival_lr"]),
            "rival_loss": decimal(evidence["rival_train_loss"], 3),
            "excess": percent(evidence["loss_excess"], 0),
            "rival_held_out": percent(evidence["rival_held_out_accuracy"], 1),
        }
    return numbers


def judge_all_recorded(recorded: Sequence[RecordedResult], results: StudyResults) -> list[Sentence]:
    """Say of each recorded result which setting can have produced it; nothing can be said, once."""
    told = [judge_recorded(one, results) for one in recorded if can_be_judged(one)]
    silent = len(recorded) - len(told)
    if silent:
        key = "unknown" if told else "unknown-all"
        told.append(say(f"study.recorded.{key}", count=count(silent)))
    return told


def can_be_judged(result: RecordedResult) -> bool:
    """Tell whether there are runs enough to hold a recorded result against."""
    if result.same_pictures is False:
        return True
    return bool(result.matches) and None not in [match.fits for match in result.matches]


def judge_recorded(result: RecordedResult, results: StudyResults) -> Sentence:
    """Say which of the settings stated for a recorded result can have produced it."""
    label = {"label": quoted(result.recorded.label), "accuracy": accuracy_of(result.recorded)}
    fits, misfits = (
        [label_of(match.setting, results) for match in result.matches if match.fits is fit]
        for fit in (True, False)
    )
    told = label | {"fits": Listed(fits, "or"), "misfits": Listed(misfits, "or")}
    if result.nearest is None:
        told["closest"] = ""
    else:
        name = quoted(label_of(result.nearest, results))
        told["closest"] = say("study.recorded.nearest", name=name)
    several = is_question(result)
    if result.same_pictures is False:
        return say("study.recorded.other-pictures", **told)
    if not fits:
        return say(f"study.recorded.{'none' if several else 'misfit'}", **told)
    if len(fits) == 1:
        return say(f"study.recorded.{'one' if misfits else 'fit'}", **told)
    return say(f"study.recorded.{'some' if misfits else 'all'}", **told)


def accuracy_of(recorded: Recorded) -> str | Sentence:
    """Return a recorded accuracy, "about" it where its source says so."""
    accuracy = percent(recorded.accuracy)
    return say("study.recorded.roughly", accuracy=accuracy) if recorded.approximate else accuracy


def is_question(result: RecordedResult) -> bool:
    """Tell whether it is a question where a recorded result comes from."""
    return len(result.recorded.settings) > 1
