from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.reports.planting import BAD, GOOD, plant_study

from fittingroom.reports.formats import MINUS
from fittingroom.reports.study_reasons import judge_all_recorded, judge_curves, judge_verdict
from fittingroom.reports.texts import Texts
from fittingroom.studies.results import StudyResults
from fittingroom.training.diagnosis import Diagnosis

LIKE_GOOD = (0.899, 0.905, 0.895, 0.9)
EVIDENCE = {
    "seeds": 4,
    "seeds_agreeing": 4,
    "epochs": 5,
    "train_loss": 0.3,
    "train_accuracy": 0.9,
    "held_out_accuracy": 0.85,
    "gap": 0.05,
    "mistake_ratio": 1.5,
    "fall": 0.031,
    "climb": 0.04,
}
RIVAL = {
    "rival_lr": 0.0001,
    "rival_epochs": 5,
    "rival_train_loss": 0.25,
    "rival_held_out_accuracy": 0.87,
    "loss_excess": 0.2,
}


def verdict_words(results: StudyResults) -> list[str]:
    return [
        " ".join(Texts().plain(one) for one in judge_verdict(verdict, results))
        for verdict in results.verdicts
    ]


def test_a_verdict_says_the_difference_and_how_sure_it_is(tmp_path: Path) -> None:
    claims = [
        {"id": "1", "kind": "better", "pairs": [["good", "bad"]], "text": "t"},
        {"id": "2", "kind": "better", "pairs": [["bad", "good"]], "text": "t"},
        {"id": "3", "kind": "better", "pairs": [["good", "like"]], "text": "t"},
        {"id": "4", "kind": "better", "pairs": [["like", "good"]], "text": "t"},
    ]
    accuracies = {"good": GOOD, "like": LIKE_GOOD, "bad": BAD}
    held, failed, undecided, doubtful = verdict_words(
        plant_study(tmp_path, accuracies, claims=claims).results
    )
    assert held.startswith("“good” is significantly more accurate than “bad”: +9.95 percentage")
    assert failed.startswith(
        f"“bad” is significantly less accurate than “good”: {MINUS}9.95 percentage"
    )
    assert undecided.startswith("Between “good” and “like” 4 seeds do not decide: +0.05 percentage")
    assert "would decide (80% power)" in undecided
    assert "would decide, against the claim" in doubtful
    assert "significantly" not in undecided


def test_many_comparisons_are_counted_and_the_worst_is_told(tmp_path: Path) -> None:
    claims = [{"id": "1", "kind": "best", "setting": "like", "text": "t"}]
    accuracies = {"like": BAD, "worse": [a - 0.1 for a in BAD], "good": GOOD}
    (words,) = verdict_words(plant_study(tmp_path, accuracies, claims=claims).results)
    assert words.startswith(
        "Taken one at a time, of 2 comparisons 1 bears it out, 1 contradicts it"
    )
    assert "“like” is significantly less accurate than “good”" in words


def test_one_seed_and_missing_runs_are_said_plainly(tmp_path: Path) -> None:
    claims = [{"id": "1", "kind": "better", "pairs": [["good", "bad"]], "text": "t"}]
    (words,) = verdict_words(
        plant_study(tmp_path / "a", {"good": [0.9], "bad": [0.8]}, claims=claims).results
    )
    assert "nothing can be tested" in words
    assert "One seed decides nothing" in words
    (words,) = verdict_words(
        plant_study(tmp_path / "b", {"good": [0.9], "bad": [None]}, claims=claims).results
    )
    assert "has no finished run" in words


def recorded_words(folder: Path, accuracy: float, settings: list[str], seeds: int = 4) -> list[str]:
    recorded = [{"id": "1", "accuracy": accuracy, "settings": settings, "label": "note"}]
    accuracies = {"good": GOOD[:seeds], "like": LIKE_GOOD[:seeds], "bad": BAD[:seeds]}
    results = plant_study(folder, accuracies, recorded=recorded).results
    return [Texts().plain(one) for one in judge_all_recorded(results.recorded, results)]


@pytest.mark.parametrize(
    ("accuracy", "settings", "words"),
    [
        (0.9, ["good"], "The recorded 90.00% of “note” can have come from “good”."),
        (0.7, ["good"], "The recorded 70.00% of “note” can hardly have come from “good”."),
        (0.9, ["good", "bad"], "90.00% of “note” can have come from “good”, hardly from “bad”."),
        (0.9, ["good", "like", "bad"], "can have come from “good” or “like”, hardly from “bad”; "),
        (0.9, ["good", "like"], "can have come from “good” or “like”; these numbers do not tell"),
        (0.7, ["good", "bad"], "any of the settings that are stated for it (“bad” comes closest)"),
    ],
)
def test_the_detective_never_says_more_than_the_tests(
    tmp_path: Path, accuracy: float, settings: list[str], words: str
) -> None:
    (told,) = recorded_words(tmp_path, accuracy, settings)
    assert words in told


def test_with_one_seed_the_detective_says_once_that_he_does_not_know(tmp_path: Path) -> None:
    (told,) = recorded_words(tmp_path, 0.9, ["good", "bad"], seeds=1)
    assert "cannot be said" in told


@pytest.mark.parametrize(
    ("kind", "more", "rival", "words"),
    [
        ("overshooting", RIVAL, "bad", "At a lower rate of 0.0001, “bad” has a training loss"),
        ("overshooting", {}, None, "climbed again by 4.0% of its way"),
        ("underfitting", RIVAL, "bad", "“bad” learned more, at a training loss of 0.250"),
        ("underfitting", {}, None, "still falling by 3.1% an epoch"),
        ("overfitting", {}, None, "mistaken 1.50 times as often"),
        ("overfitting", {"validation_rise": 0.12}, None, "risen by 12.0% from its lowest"),
        ("overfitting", {"validation_rise": 0.01}, None, "mistaken 1.50 times as often"),
        ("fine", {}, None, "No rule applies"),
        ("too-short", {}, None, "5 epochs are too few"),
    ],
)
def test_every_diagnosis_says_what_it_rests_on(
    tmp_path: Path, kind: Any, more: dict[str, float], rival: str | None, words: str
) -> None:
    results = plant_study(tmp_path, {"good": GOOD, "bad": BAD}).results
    told = judge_curves(Diagnosis(kind, {**EVIDENCE, **more}, rival), results)
    assert words in " ".join(Texts().plain(one) for one in told)
    assert all(Texts("ko").plain(one) for one in told)


def test_seeds_that_say_something_else_are_counted(tmp_path: Path) -> None:
    results = plant_study(tmp_path, {"good": GOOD, "bad": BAD}).results
    evidence = {**EVIDENCE, "seeds_agreeing": 1}
    alone = judge_curves(Diagnosis("fine", evidence), results)
    beside = judge_curves(Diagnosis("overshooting", {**evidence, **RIVAL}, "bad"), results)
    assert "Curve by curve, 1 of 4 seeds" in " ".join(map(Texts().plain, alone))
    assert "Without that comparison, 1 of 4 curves" in " ".join(map(Texts().plain, beside))
