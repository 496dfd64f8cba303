from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.reports.planting import BAD, GOOD, plant_study

from fittingroom.reports.conclusions_study import judge_leader, judge_study, judge_thrift
from fittingroom.reports.formats import DASH, MINUS
from fittingroom.reports.texts import Texts

# Beside GOOD: as good on the whole, now better and now worse.
LIKE_GOOD = (0.899, 0.905, 0.895, 0.9)


def keys(told: list[Any]) -> list[str]:
    return [sentence.key.rpartition(".")[2] for sentence in told]


def test_a_leader_that_beats_all_is_said_to(tmp_path: Path) -> None:
    results = plant_study(tmp_path, {"good": GOOD, "bad": BAD}).results
    told = judge_leader(results)
    assert keys(told) == ["leader", "beats-all"]
    assert Texts().plain(told[0]) == (
        f"“good” has the highest mean test accuracy: 90.03% (95% interval 89.75{DASH}90.30%) "
        "over 4 seeds."
    )


def test_a_difference_that_is_not_significant_is_not_decided_and_nobody_is_equal(
    tmp_path: Path,
) -> None:
    results = plant_study(tmp_path, {"like": LIKE_GOOD, "good": GOOD, "bad": BAD}).results
    told = judge_leader(results)
    assert keys(told) == ["leader", "tied"]
    assert Texts().plain(told[1]) == (
        "Whether it is really more accurate than “like” is not decided by 4 seeds; "
        "than the other 1 setting it is, significantly."
    )
    assert keys(judge_leader(plant_study(tmp_path / "x", {"a": GOOD, "b": LIKE_GOOD}).results)) == [
        "leader",
        "beats-none",
    ]


def test_many_that_are_not_beaten_are_counted_not_named(tmp_path: Path) -> None:
    like = {f"like {n}": [a - n / 1e3 for a in LIKE_GOOD] for n in range(6)}
    results = plant_study(tmp_path, {"good": GOOD, **like, "bad": (0.1, 0.1, 0.1, 0.1)}).results
    assert keys(judge_leader(results)) == ["leader", "tied-many"]


def test_with_one_seed_no_setting_is_called_better(tmp_path: Path) -> None:
    told = judge_study(plant_study(tmp_path, {"good": GOOD[:1], "bad": BAD[:1]}).results)
    assert keys(told) == ["leader-one-seed"]
    words = Texts().plain(told[0])
    assert "cannot be said" in words
    assert "significant" not in words


def test_a_setting_alone_leads_nobody(tmp_path: Path) -> None:
    assert keys(judge_study(plant_study(tmp_path, {"good": GOOD}).results)) == ["single"]
    alone = plant_study(tmp_path / "one", {"good": GOOD[:1]}).results
    assert keys(judge_study(alone)) == ["single-one-seed"]


def test_the_thrifty_choice_is_cheaper_and_not_set_apart_by_any_test(tmp_path: Path) -> None:
    study = plant_study(tmp_path, {"good": GOOD, "like": LIKE_GOOD, "bad": BAD})
    for run in (run for (name, _), run in study.runs.items() if name != "good"):
        run.record["model"]["multiply_adds"] = 10
    (told,) = judge_thrift(study.results)
    words = Texts().plain(told)
    assert "“like” costs the least: 25% of the training compute" in words
    assert f"{MINUS}0.05 percentage points" in words


def test_nothing_is_thrifty_that_costs_as_much(tmp_path: Path) -> None:
    assert judge_thrift(plant_study(tmp_path, {"good": GOOD, "like": LIKE_GOOD}).results) == []


CLAIMS = [
    {"id": "1", "kind": "better", "pairs": [["good", "bad"]], "text": "good beats bad"},
    {"id": "2", "kind": "better", "pairs": [["bad", "good"]], "text": "bad beats good"},
    {"id": "3", "kind": "better", "pairs": [["good", "like"]], "text": "good beats like"},
]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_claims_are_counted_by_what_became_of_them(tmp_path: Path, language: str) -> None:
    accuracies = {"good": GOOD, "like": LIKE_GOOD, "bad": BAD}
    results = plant_study(tmp_path, accuracies, claims=CLAIMS).results
    (told,) = [one for one in judge_study(results) if one.key.endswith("claims")]
    assert (
        Texts(language).plain(told)
        == {
            "en": "Of 3 claims, 1 holds, 1 does not, and 1 is not decided by these seeds.",
            "ko": "주장 3가지 가운데 1가지는 성립하고, 1가지는 성립하지 않으며, "
            "1가지는 이 시드들로 판단할 수 없습니다.",
        }[language]
    )


def test_only_the_recorded_results_that_are_a_question_are_in_the_headline(tmp_path: Path) -> None:
    recorded = [
        {"id": "1", "accuracy": 0.9, "settings": ["good"], "label": "sure"},
        {"id": "2", "accuracy": 0.9, "settings": ["good", "bad"], "label": "unsure"},
    ]
    results = plant_study(tmp_path, {"good": GOOD, "bad": BAD}, recorded=recorded).results
    words = [Texts().plain(one) for one in judge_study(results)]
    assert "The recorded 90.00% of “unsure” can have come from “good”, hardly from “bad”." in words
    assert not any("“sure”" in sentence for sentence in words)
