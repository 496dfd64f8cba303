from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.reports.planting_tuning import (
    START,
    VARY,
    plant_tuning,
    searched,
    small_plan,
    trial_at,
)

from fittingroom.reports.conclusions_tuning import (
    judge_company,
    judge_importance,
    judge_rates,
    judge_tuning,
    judge_winner,
)
from fittingroom.reports.texts import Texts
from fittingroom.reports.tuning_final import final_of
from fittingroom.reports.tuning_rates import find_regions
from fittingroom.tuning.plan import plan_of
from fittingroom.tuning.tuning import Tuning

PLAN = small_plan()


def told(tuning: Tuning) -> str:
    found = judge_tuning(tuning, final_of(tuning), find_regions(tuning))
    return " ".join(map(Texts().plain, found))


def test_the_winner_is_told_with_its_values_beside_the_start(tmp_path: Path) -> None:
    accuracies = {0: (PLAN.start.lr, 0.87), 1: (0.00234567, 0.894), 2: (0.004, 0.88)}
    trials = [trial_at(PLAN, n, lr=lr, accuracy=a) for n, (lr, a) in accuracies.items()]
    words = told(plant_tuning(tmp_path / "t", trials, PLAN))
    assert "Trial 1 has the highest validation accuracy of 3 complete trials: 89.40%" in words
    assert "lr = 0.00235" in words
    assert "The starting recipe (trial 0) came to 87.00%" in words


def test_a_start_that_nothing_beats_is_called_that(tmp_path: Path) -> None:
    trials = [trial_at(PLAN, 0, lr=PLAN.start.lr, accuracy=0.9)]
    found = judge_winner(plant_tuning(tmp_path / "t", trials, PLAN))
    assert found[-1].key == "tuning.conclusions.start-best"
    none = judge_winner(plant_tuning(tmp_path / "u", [], PLAN))
    assert [sentence.key for sentence in none] == ["tuning.conclusions.none"]


def test_validation_and_test_accuracy_stand_side_by_side(tmp_path: Path) -> None:
    scores = {"start": (0.86, 0.861, 0.862), "best": (0.88, 0.881, 0.882)}
    trials = [trial_at(PLAN, 0, lr=0.002, accuracy=0.9)]
    words = told(plant_tuning(tmp_path / "t", trials, PLAN, final=scores))
    assert "Its validation accuracy was 90.00%; on the test set it is 88.10%." in words
    assert "significantly more accurate" in words


def test_a_parameter_decides_most_only_with_half_of_the_importance(tmp_path: Path) -> None:
    plan = plan_of(START, vary=VARY, trials=9)
    tuning = plant_tuning(tmp_path / "t", searched(plan, 3), plan)
    for shares, said in (({"lr": 0.6, "hidden": 0.4}, True), ({"lr": 0.4, "hidden": 0.3}, False)):
        tuning.__dict__["importance"] = shares
        assert bool(judge_importance(tuning)) == said


def test_the_rates_are_judged_with_what_else_differed(tmp_path: Path) -> None:
    tuning = plant_tuning(tmp_path / "t", searched(PLAN, 60), PLAN)
    low, high = judge_rates(tuning, find_regions(tuning))
    assert low[0].key == "tuning.rate.too-low"
    assert (low[0].params["gain"], low[0].params["loss"]) == ("0.5", "10%")
    assert high[0].key == "tuning.rate.too-high"
    assert judge_company(tuning).key == "tuning.rate.alone"
    plan = plan_of(START, vary=VARY, trials=9)
    several = plant_tuning(tmp_path / "u", searched(plan, 60), plan)
    *_, last = judge_rates(several, find_regions(several))
    assert [sentence.key for sentence in last] == ["tuning.rate.open"]
    assert "batch size (batch_size), hidden and label" in Texts().plain(judge_company(several))


def test_of_low_rates_that_were_stopped_early_nothing_is_concluded(tmp_path: Path) -> None:
    curves: dict[str, Any] = {"curve": (0.5,), "train_curve": (2.0,)}
    best = trial_at(PLAN, 0, lr=0.002, curve=(0.8, 0.85, 0.9), train_curve=(0.6, 0.4, 0.3))
    slow = [trial_at(PLAN, n, "pruned", lr=0.0001 * n, **curves) for n in (1, 2)]
    tuning = plant_tuning(tmp_path / "t", [best, *slow], PLAN)
    ((sentence,),) = judge_rates(tuning, find_regions(tuning))
    assert (sentence.key, sentence.params["count"]) == ("tuning.rate.early", "2")
    assert "learning rate" not in told(tuning).lower()
