"""The best trials once more, with further seeds, before one of them wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.tuning.conftest import SMALL, Planted

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.runs.conduct import Interrupted
from fittingroom.tuning import conduct, ledger
from fittingroom.tuning.finalists import are_missing, best_values
from fittingroom.tuning.plan import TuningPlan
from fittingroom.tuning.trial import Trainer
from fittingroom.tuning.tuning import FINALISTS, TRIALS, Tuning, best_of

HOW: dict[str, Any] = SMALL | {
    "vary": {"lr": "1e-4..1e-1:log"},
    "final_seeds": 0,
    "finalists": 3,
    "prune": False,
}

pytestmark = pytest.mark.usefixtures("isolated")


def test_the_best_few_of_different_values_are_finalists(plan: TuningPlan, planted: Planted) -> None:
    trials = [
        planted(0, {"lr": 0.001}, accuracy=0.5),
        planted(1, {"lr": 0.002}, accuracy=0.9),
        planted(2, {"lr": 0.002}, accuracy=0.9),
        planted(3, {"lr": 0.003}, accuracy=0.99, state="pruned"),
        planted(4, {"lr": 0.004}, accuracy=0.8),
    ]
    plan = replace(plan, finalists=2)
    assert [values["lr"] for values in best_values(plan, trials)] == [0.002, 0.004]
    assert best_values(replace(plan, finalists=0), trials) == []
    assert best_values(plan, trials[1:4]) == []  # nothing to choose among


def test_the_best_mean_over_all_seeds_wins(plan: TuningPlan, planted: Planted) -> None:
    kind, steady, third = ({"lr": lr} for lr in (0.001, 0.002, 0.003))
    trials = [
        planted(0, kind, accuracy=0.9, accuracies=(0.9,)),
        planted(1, steady, accuracy=0.88, accuracies=(0.88,)),
        planted(2, third, accuracy=0.87, accuracies=(0.87,)),
    ]
    again = [
        planted(0, kind, accuracy=0.8, accuracies=(0.79, 0.81)),
        planted(1, steady, accuracy=0.88, accuracies=(0.87, 0.89)),
    ]
    tuning = Tuning(Path(), {}, replace(plan, finalists=2), trials, again)
    assert tuning.best is not None
    assert tuning.best.number == 1
    assert tuning.best.mean == pytest.approx(0.88)
    assert [trial.number for trial in tuning.finalists] == [1, 0]
    assert tuning.finalists[1].mean == pytest.approx((0.9 + 0.79 + 0.81) / 3)
    assert tuning.epochs_trained == 15
    assert not are_missing(tuning, tuning.plan)
    assert are_missing(tuning, replace(plan, finalists=3))


def test_a_finalist_whose_further_seed_fails_does_not_win(
    plan: TuningPlan, planted: Planted
) -> None:
    wild, tame = {"lr": 0.1}, {"lr": 0.001}
    trials = [
        planted(0, wild, accuracy=0.9, accuracies=(0.9,)),
        planted(1, tame, accuracy=0.8, accuracies=(0.8,)),
    ]
    failed = planted(0, wild, state="failed", accuracy=None, reason="seed 2: diverged")
    found = Tuning(Path(), {}, plan, trials, [failed])
    assert found.best is not None
    assert (found.best.number, found.trials[0].reason) == (1, "seed 2: diverged")
    assert found.finalists == ()
    good = planted(1, tame, accuracy=0.7, accuracies=(0.7, 0.7))
    assert [t.number for t in Tuning(Path(), {}, plan, trials, [failed, good]).finalists] == [1]
    assert best_of(found.trials[:1]) is not None  # there is no other


def lone_accuracies(trial: Any, seeds: tuple[int, ...], shapes: DataSplits) -> list[float]:
    """Train the recipe of a trial by itself; return the validation accuracy of each seed."""
    runs = (fr.train(trial.recipe.but(seed=s), shapes, figures=False) for s in seeds)
    return [run.record["results"]["validation"]["accuracy"] for run in runs]


def test_finalists_are_trained_as_further_seeds_alone_would_be(shapes: DataSplits) -> None:
    tuning = fr.tune("two-layer", shapes, trials=6, lr=2e-4, **HOW)
    assert (tuning.plan.seeds, tuning.plan.further_seeds) == ((0,), (1, 2))
    assert len(tuning.finalists) == 3
    for trial in tuning.finalists:
        assert list(trial.further) == lone_accuracies(trial, (1, 2), shapes)
    assert tuning.best == tuning.finalists[0]
    assert (tuning.folder / FINALISTS).is_file()
    assert tuning.epochs_trained == 6 * 3 + 3 * 2 * 3
    best = (tuning.folder / "best.toml").read_text("utf-8")
    assert f"{tuning.best.mean:.2%} on the validation pictures" in best


def test_the_same_command_trains_no_finalist_again(
    shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fr.tune("two-layer", shapes, trials=4, **HOW)
    monkeypatch.setattr(conduct, "open_storage", None)  # not even opened
    again = fr.tune("two-layer", shapes, trials=4, **HOW)
    assert again.finalists == first.finalists
    assert fr.open_tuning(first.folder).best == first.best


def test_finalists_asked_for_later_are_trained_then(shapes: DataSplits) -> None:
    without = fr.tune("two-layer", shapes, trials=5, **HOW | {"finalists": 0})
    assert without.finalists == ()
    assert not (without.folder / FINALISTS).exists()
    before = (without.folder / TRIALS).read_bytes()
    later = fr.tune("two-layer", shapes, trials=5, **HOW)
    assert len(later.finalists) == 3
    assert (later.folder / TRIALS).read_bytes() == before
    assert later.plan.finalists == 3


def test_a_search_that_goes_on_tries_the_same_values_whatever_finalists_there_were(
    shapes: DataSplits,
) -> None:
    for trials in (4, 9):
        tuning = fr.tune("two-layer", shapes, trials=trials, **HOW)
    at_once = fr.tune("two-layer", shapes, trials=9, name="at once", **HOW)
    assert [t.values for t in tuning.trials] == [t.values for t in at_once.trials]
    kept = {trial.number: trial.further for trial in tuning.finalists}  # and those of before
    assert {trial.number: trial.further for trial in at_once.finalists}.items() <= kept.items()
    assert not are_missing(tuning, tuning.plan)


def trained(monkeypatch: pytest.MonkeyPatch, stop_at: int | None = None) -> list[tuple[int, ...]]:
    """Keep the seeds of each training, and press Ctrl-C in one of them."""
    train: Callable[..., None] = Trainer.train
    seeds: list[tuple[int, ...]] = []

    def logged(self: Trainer, *arguments: Any) -> None:
        seeds.append(tuple(self.seeds))
        if len(seeds) == stop_at:
            raise KeyboardInterrupt
        train(self, *arguments)

    monkeypatch.setattr(Trainer, "train", logged)
    return seeds


def test_an_interrupted_second_look_goes_on(
    shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        seeds = trained(patch, stop_at=6)  # the second of the finalists
        with pytest.raises(Interrupted, match="give the same command again to go on"):
            fr.tune("two-layer", shapes, trials=4, **HOW)
        assert seeds[4:] == [(1, 2), (1, 2)]
    with monkeypatch.context() as patch:
        seeds = trained(patch)
        tuning = fr.tune("two-layer", shapes, trials=4, **HOW)
        assert seeds == [(1, 2), (1, 2)]
    assert len(tuning.finalists) == 3


def test_time_that_is_up_still_leaves_the_finalists_theirs(
    shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuning = fr.tune("two-layer", shapes, trials=4, seconds=3600.0, **HOW | {"finalists": 0})
    # As if these had taken all the time there was.
    monkeypatch.setattr(ledger, "seconds_spent", lambda _study: 3600.0)
    later = fr.tune("two-layer", shapes, trials=9, seconds=3600.0, **HOW)
    assert [t.values for t in later.trials] == [t.values for t in tuning.trials]
    assert len(later.finalists) == 3


def test_several_processes_share_the_finalists(shapes_folder: Path) -> None:
    how = HOW | {"jobs": 2}
    alone = fr.tune("two-layer", shapes_folder, trials=4, **HOW)
    shared = fr.tune("two-layer", shapes_folder, trials=4, name="shared", **how)
    assert len(shared.finalists) == 3
    by_values = {trial.values["lr"]: trial.further for trial in alone.finalists}
    for trial in shared.finalists:
        assert trial.further == by_values.get(trial.values["lr"], trial.further)


def test_trade_offs_have_no_finalists(shapes: DataSplits) -> None:
    how = HOW | {"vary": {"epochs": [1, 3]}, "objective": "accuracy-seconds"}
    tuning = fr.tune("two-layer", shapes, **how)
    assert (tuning.plan.finalists, tuning.finalists) == (0, ())
