from __future__ import annotations

from pathlib import Path

from tests.reports.planting_tuning import (
    DIVERGED,
    START,
    VARY,
    plant_tuning,
    searched,
    small_plan,
    trial_at,
)

from fittingroom.reports import tuning_tables as tables
from fittingroom.reports.charts.labels import spoken
from fittingroom.reports.formats import DASH, NOTHING
from fittingroom.reports.texts import load
from fittingroom.training.recipe import Recipe
from fittingroom.tuning.plan import plan_of
from fittingroom.tuning.reading import FIXED
from fittingroom.tuning.space import Parameter

PLAN = small_plan()


def test_every_field_that_can_vary_has_words() -> None:
    for name in {*Recipe.model_fields} - {*FIXED}:
        assert f"tuning.fields.{name}" in load("en"), name


def test_a_parameter_is_called_by_words_and_by_its_name() -> None:
    rate, epochs = Parameter("lr", "float", 1, 2), Parameter("epochs", "int", 1, 2)
    option = Parameter("lr", "float", 1, 2, in_options=True)
    for language, name in (("en", "learning rate (lr)"), ("ko", "학습률(lr)")):
        assert spoken(tables.name_of(rate), language) == name
    assert spoken(tables.name_of(epochs), "en") == "epochs"
    assert spoken(tables.name_of(option), "en") == "lr"
    assert spoken(tables.words_of(rate), "ko") == "학습률"


def test_what_varied_is_told_with_the_start_s_and_the_winner_s_values(tmp_path: Path) -> None:
    vary = VARY | {"epochs": "3..12:step=3", "weight_decay": "1e-4..0.2:log", "shift": "0..4"}
    plan = plan_of(START, vary=vary, trials=9)
    found = {
        spoken(row[0], "en").partition(" (")[0]: [spoken(cell, "en") for cell in row[1:]]
        for row in tables.varied_rows(plant_tuning(tmp_path / "t", [], plan))
    }
    assert found["learning rate"] == [f"0.0001{DASH}0.1", "logarithmic", "0.0008", NOTHING]
    assert found["batch size"] == ["64, 128, 256", "choice", "64", NOTHING]
    assert found["hidden"][2] == "[256, 128]"  # the network's own default
    assert found["epochs"][:2] == [f"3{DASH}12", "in steps of 3"]
    assert found["random shift"][:2] == [f"0{DASH}4", "whole numbers"]
    assert found["label smoothing"][:3] == [f"0{DASH}0.2", "even", "0"]
    best = trial_at(PLAN, 0, lr=0.00123456, accuracy=0.9)
    (row,) = tables.varied_rows(plant_tuning(tmp_path / "u", [best], PLAN))
    assert row[-1] == "0.00123"


def test_the_best_trials_stand_in_order_with_the_range_of_their_seeds(tmp_path: Path) -> None:
    plan = small_plan(seeds=2)
    trials = [
        trial_at(
            plan, n, lr=0.001 * (n + 1), accuracy=0.8 + (n * 7 % 12) / 100, accuracies=(0.7, 0.9)
        )
        for n in range(12)
    ]
    tuning = plant_tuning(tmp_path / "t", trials, plan)
    rows = tables.trial_rows(tuning, tables.best_trials(tuning))
    assert len(rows) == tables.MOST_TRIALS
    accuracies = [float(row[1].rstrip("%")) for row in rows]
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[0] == 91
    assert rows[0][2] == f"70.00{DASH}90.00%"
    assert len(tables.trial_heads(tuning)) == len(rows[0])


def test_the_start_is_found_by_its_values_defaults_of_the_network_included(tmp_path: Path) -> None:
    plan = plan_of(START, vary=VARY, trials=9)
    tuning = plant_tuning(tmp_path / "t", searched(plan, 5), plan)
    start = tables.start_trial(tuning)
    assert start is not None
    assert start.number == 0
    assert not tables.starts_outside(tuning)
    assert tables.starts_outside(plant_tuning(tmp_path / "u", [], small_plan(lr=0.5)))


def test_reasons_of_failures_are_told_of_the_first_few(tmp_path: Path) -> None:
    failed = [trial_at(PLAN, n, "failed", lr=0.09, reason=DIVERGED) for n in range(5)]
    told = tables.failed_reasons(plant_tuning(tmp_path / "t", failed, PLAN))
    assert len(told) == tables.MOST_REASONS + 1
    assert told[0].params["reason"] == DIVERGED
    assert told[-1].params["count"] == "2"
