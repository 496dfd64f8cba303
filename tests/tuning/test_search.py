"""What Optuna is told, and what it says."""

from __future__ import annotations

from typing import Any

import optuna
import pytest

from fittingroom.errors import TuningError
from fittingroom.tuning import search
from fittingroom.tuning.plan import TuningPlan, plan_of

MIXED = {
    "lr": "1e-4..1e-1:log",
    "erase": "0..0.5:step=0.1",
    "epochs": "1..9:step=2",
    "hidden": [[64], [256, 128]],
    "flip": [True, False],
    "early_stopping": [None, 3],
}


@pytest.fixture
def storage() -> optuna.storages.BaseStorage:
    return optuna.storages.InMemoryStorage()


def test_values_survive_what_optuna_makes_of_them() -> None:
    plan = plan_of("three-layer", MIXED)
    values = {"lr": 0.01, "erase": 0.3, "epochs": 5, "hidden": [64], "flip": True}
    values |= {"early_stopping": None}
    with search.quietly():
        study = optuna.create_study()
        study.enqueue_trial(search.stored(plan.space, values))
        found = search.ask(study.ask(), plan.space)
    assert found == values
    assert found["flip"] is True
    assert set(search.distributions(plan.space)) == set(MIXED)


def test_what_is_asked_lies_in_the_space(storage: Any) -> None:
    plan = plan_of("three-layer", MIXED, trials=99)
    study = search.begin(storage, plan, "data")
    for _ in range(25):
        trial = study.ask()
        values = search.ask(trial, plan.space)
        study.tell(trial, values["lr"])
        assert plan.space.values_of(plan.space.recipe(plan.start, values)) == values


def test_the_start_is_tried_first_where_it_lies_in_the_space(storage: Any) -> None:
    inside = plan_of("two-layer", {"lr": "1e-4..1e-1:log"}, name="inside")
    outside = plan_of("two-layer", {"lr": "0.01..0.1"}, name="outside")
    assert search.first_points(inside) == [{"lr": 0.001}]
    assert search.first_points(outside) == []
    study = search.begin(storage, inside, "data")
    assert search.ask(study.ask(), inside.space) == {"lr": 0.001}
    assert search.begin(storage, outside, "data").get_trials() == []


def test_a_small_space_is_gone_through_in_an_order_of_its_seed() -> None:
    vary = {"batch_size": [16, 32, 64], "epochs": "1..3"}
    plans = [plan_of("two-layer", vary, batch_size=16, sampler_seed=s) for s in (0, 0, 1)]
    orders = [search.first_points(plan) for plan in plans]
    points = {(point["batch_size"], point["epochs"]) for point in orders[0]}
    assert len(orders[0]) == len(points) == 9
    assert orders[0] == orders[1] != orders[2]
    assert len(search.first_points(plan_of("two-layer", vary, trials=8))) <= 1


def test_a_tuning_is_found_again_with_what_was_tried(storage: Any, plan: TuningPlan) -> None:
    study = search.begin(storage, plan, "data")
    study.tell(study.ask(), 0.5)
    again = search.begin(storage, plan, "data")
    assert [trial.value for trial in again.get_trials()] == [0.5]
    with pytest.raises(TuningError, match="begun with other data: expected data, found other"):
        search.begin(storage, plan, "other")


def test_a_tuning_that_somebody_just_begins_is_waited_for(
    storage: Any, plan: TuningPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = optuna.create_study(storage=storage, study_name=plan.name)
    study.set_user_attr(search.IDENTITY, search.identity(plan, "data"))
    monkeypatch.setattr(search, "READY_SECONDS", 0.2)  # and who began it has died over it
    again = search.begin(storage, plan, "data")
    assert len(again.get_trials()) == len(search.first_points(plan)) == 0 or again.get_trials()
    assert again.user_attrs[search.READY]


def test_samples_depend_on_the_place_of_a_trial_alone(plan: TuningPlan) -> None:
    def values(interrupted: int) -> list[dict[str, Any]]:
        """Do eight trials, each in a process of its own; one of them is begun and lost."""
        kept = optuna.storages.InMemoryStorage()
        search.begin(kept, plan, "data")
        found: list[dict[str, Any]] = []
        for place in range(9):
            study = search.join(kept, plan)
            trial = study.ask()
            value = search.ask(trial, plan.space)
            if place == interrupted:
                study.enqueue_trial(trial.params)
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
                continue
            trial.set_user_attr("result", {"state": "complete"})
            study.tell(trial, value["lr"])
            found.append(value)
        return found[:8]

    assert values(interrupted=99) == values(interrupted=3) == values(interrupted=0)


def test_optuna_neither_logs_nor_warns(
    plan: TuningPlan, storage: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    study = search.begin(storage, plan, "data")
    study.tell(study.ask(), 0.5)
    assert capfd.readouterr() == ("", "")


def test_the_pruner_waits_for_a_quarter_of_the_epochs(plan: TuningPlan) -> None:
    study = optuna.create_study(direction="maximize")
    for _ in range(search.UNPRUNED_TRIALS):
        trial = study.ask()
        for step in range(1, 9):
            trial.report(0.9, step)
        study.tell(trial, 0.9)

    def stopped_at(plan: TuningPlan, epochs: int) -> int | None:
        study.pruner = search.pruner(plan, epochs)
        trial = study.ask()
        for step in range(1, epochs + 1):
            trial.report(0.1, step)
            if trial.should_prune():
                return step
        return None

    assert stopped_at(plan, 8) == 2
    assert stopped_at(plan, 3) == 1
    assert stopped_at(plan_of("two-layer", prune=False), 8) is None
