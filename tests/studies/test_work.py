"""How the runs of a study are shared out, and several done at once."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.runs import checkpoints
from fittingroom.runs import folder as files
from fittingroom.runs.conduct import Interrupted
from fittingroom.studies import work
from fittingroom.studies.plan import StudyPlan
from fittingroom.studies.reading import plan_of
from fittingroom.studies.study import RUNS
from fittingroom.studies.watch import Snapshot
from fittingroom.training.history import Progress

pytestmark = pytest.mark.usefixtures("isolated")

BASE: dict[str, Any] = {"model": "two-layer", "epochs": 2, "batch_size": 32}
Stacks = list[tuple[str, ...]]


def plan_with(seeds: int, **settings: dict[str, Any]) -> StudyPlan:
    return plan_of({"name": "many", "seeds": seeds, "base": BASE, "settings": settings})


@pytest.fixture
def folder() -> Path:
    place = Path("studies/many")
    (place / RUNS).mkdir(parents=True)
    return place


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> Stacks:
    """Return the names of the runs that are trained at once, as it happens."""
    seen: Stacks = []
    train_together = vars(work)["train_together"]

    def noted(*arguments: Any, **options: Any) -> Any:
        seen.append(tuple(options["names"]))
        return train_together(*arguments, **options)

    monkeypatch.setattr(work, "train_together", noted)
    return seen


def sizes(stacks: Stacks) -> list[int]:
    return [len(names) for names in stacks]


def done(folder: Path, plan: StudyPlan) -> bool:
    return all(work.is_done(folder, setting, seed) for setting, seed in plan.wanted)


@pytest.mark.parametrize(
    ("seeds", "jobs", "stack", "expected"),
    [
        (5, 1, None, [5]),
        (5, 2, None, [3, 2]),
        (6, 1, None, [3, 3]),
        (2, 2, None, [1, 1]),
        (1, 1, None, [1]),
        (5, 4, None, [2, 2, 1]),
        (5, 1, 1, [1] * 5),
        (5, 2, 4, [3, 2]),
        (7, 1, 7, [7]),
    ],
)
def test_a_settings_runs_are_done_in_even_stacks_that_leave_work_to_others(
    seeds: int,
    jobs: int,
    stack: int | None,
    expected: list[int],
    shapes: DataSplits,
    folder: Path,
    stacks: Stacks,
) -> None:
    plan = plan_with(seeds, one={})
    work.work(folder, plan, shapes, "cpu", jobs=jobs, stack=stack)
    assert sizes(stacks) == expected
    assert done(folder, plan)


def test_settings_are_not_mixed_and_the_last_is_shared_out(
    shapes: DataSplits, folder: Path, stacks: Stacks
) -> None:
    plan = plan_with(4, slow={"lr": 0.001}, fast={"lr": 0.01})
    work.work(folder, plan, shapes, "cpu", jobs=2)
    assert sizes(stacks) == [4, 2, 2]
    assert {name.rpartition("-")[0] for name in stacks[0]} == {"slow"}
    assert {name.rpartition("-")[0] for names in stacks[1:] for name in names} == {"fast"}


def test_what_is_done_one_by_one_goes_round_the_settings(
    shapes: DataSplits, folder: Path, stacks: Stacks
) -> None:
    work.work(folder, plan_with(2, slow={}, fast={"lr": 0.01}), shapes, "cpu", stack=1)
    assert [name for (name,) in stacks] == ["slow-seed0", "fast-seed0", "slow-seed1", "fast-seed1"]


@pytest.mark.parametrize("fields", [{"flip": True}, {"model": "convnet"}, {"early_stopping": 2}])
def test_what_cannot_be_stacked_is_done_one_by_one(
    fields: dict[str, Any], shapes: DataSplits, folder: Path, stacks: Stacks
) -> None:
    plan = plan_with(2, one=fields)
    work.work(folder, plan, shapes, "cpu", stack=5)
    assert sizes(stacks) == [1, 1]
    assert done(folder, plan)


def test_runs_that_others_have_taken_or_done_are_left_to_them(
    shapes: DataSplits, folder: Path, stacks: Stacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_with(4, one={})
    setting = plan.settings[0]
    work.do_runs(folder, work.Portion(setting, (2,)), shapes, "cpu")
    before = (folder / RUNS / setting.run_name(2) / files.RECORD).read_bytes()
    taken = work.claim(folder, setting, 1)
    assert taken.__enter__()
    monkeypatch.setattr("time.sleep", lambda _seconds: taken.__exit__(None, None, None))
    work.work(folder, plan, shapes, "cpu")
    assert sizes(stacks) == [1, 2, 1]
    assert stacks[1:] == [("one-seed0", "one-seed3"), ("one-seed1",)]
    assert (folder / RUNS / setting.run_name(2) / files.RECORD).read_bytes() == before
    assert done(folder, plan)


def same(one: fr.Study, other: fr.Study) -> None:
    assert one.runs.keys() == other.runs.keys()
    assert one.failures.keys() == other.failures.keys()
    for key, run in one.runs.items():
        twin = other.runs[key]
        assert run.recipe == twin.recipe
        assert run.record["data"] == twin.record["data"]
        np.testing.assert_allclose(
            run.evaluation.logits, twin.evaluation.logits, rtol=1e-4, atol=1e-5
        )
        for epoch, expected in zip(run.history, twin.history, strict=True):
            assert epoch.train_loss == pytest.approx(expected.train_loss, rel=1e-5)
            assert epoch.validation_loss == pytest.approx(expected.validation_loss, rel=1e-5)


def test_a_study_in_stacks_has_the_results_of_one_without(shapes: DataSplits) -> None:
    plan = plan_with(3, slow={}, fast={"lr": 0.01}, wild={"lr": 1e30, "optimizer": "sgd"})
    stacked = fr.study(plan, shapes, jobs=1, out="stacked")
    apart = fr.study(plan, shapes, jobs=1, stack=1, out="apart")
    assert {run.record["stacked"] for run in stacked.runs.values()} == {3}
    assert {run.record["stacked"] for run in apart.runs.values()} == {1}
    assert set(stacked.failures) == {("wild", seed) for seed in range(3)}
    assert "learning rate 1e+30" in stacked.failures["wild", 2]
    same(stacked, apart)


def test_a_study_that_is_interrupted_in_a_stack_goes_on_and_repeats_nothing(
    shapes: DataSplits, stacks: Stacks
) -> None:
    plan = plan_with(3, first={}, second={"lr": 0.01, "epochs": 200})
    heard: list[Snapshot] = []

    def stop(snapshot: Snapshot) -> None:
        heard.append(snapshot)
        if snapshot.standings[1].running:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="give the same command again"):
        fr.study(plan, shapes, jobs=1, on_progress=stop)
    assert sizes(stacks) == [3, 3]
    assert heard[-1].standings[1].running == 3
    finished = {run.folder / files.RECORD for run in fr.open_study("studies/many").runs.values()}
    before = contents(finished)
    assert len(before) == 3
    assert fr.study(plan, shapes, jobs=1).finished
    assert contents(finished) == before
    assert stacks[2:] == [("second-seed0", "second-seed1", "second-seed2")]


def contents(paths: Iterable[Path]) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in paths}


@pytest.mark.slow
def test_workers_share_a_setting_in_stacks(shapes_folder: Path) -> None:
    study = fr.study(plan_with(5, one={}), shapes_folder, jobs=2)
    found = sorted(run.record["stacked"] for run in study.runs.values())
    assert found == [2, 2, 3, 3, 3]
    few = fr.study(plan_with(4, one={}), shapes_folder, jobs=2, stack=1, out="apart")
    assert [run.record["stacked"] for run in few.runs.values()] == [1, 1, 1, 1]


def test_a_run_that_was_killed_goes_on_from_its_checkpoint(
    shapes: DataSplits, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_with(1, one={"flip": True, "epochs": 3})
    (setting,) = plan.settings
    place = folder / RUNS / setting.run_name(0)

    def interrupt(progress: Progress) -> None:
        if progress.finished and progress.epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "EPOCH_SECONDS", 0.0)
    portion = work.Portion(setting, (0,))
    with pytest.raises(KeyboardInterrupt):
        work.do_runs(folder, portion, shapes, "cpu", on_progress=interrupt)
    assert (place / files.CHECKPOINT).exists()
    assert work.sweep(folder, plan, shapes.fingerprint) == []
    epochs: list[int] = []
    work.do_runs(folder, portion, shapes, "cpu", on_progress=lambda p: epochs.append(p.epoch))
    assert min(epochs) == 2
    whole = fr.train(setting.recipe_for(0), shapes, figures=False, out=folder / "whole")
    assert (fr.Run(place).evaluation.logits == whole.evaluation.logits).all()


@pytest.mark.parametrize("change", ["recipe", "data", "damage"])
def test_a_checkpoint_that_is_not_of_this_run_or_damaged_is_not_gone_on_from(
    shapes: DataSplits, folder: Path, change: str
) -> None:
    plan = plan_with(1, one={"flip": True, "epochs": 2})
    (setting,) = plan.settings
    place = folder / RUNS / setting.run_name(0)

    def interrupt(progress: Progress) -> None:
        if progress.finished:
            signal.raise_signal(signal.SIGINT)

    recipe = setting.recipe_for(0).but(lr=0.02) if change == "recipe" else setting.recipe_for(0)
    where: dict[str, Any] = {"name": place.name, "out": place.parent, "figures": False}
    with pytest.raises(KeyboardInterrupt):
        fr.train(recipe, shapes, on_progress=interrupt, **where)
    if change == "damage":
        (place / files.CHECKPOINT).write_bytes(b"")
    fingerprint = "0" * 64 if change == "data" else shapes.fingerprint
    assert not work.can_go_on(folder, setting, 0, fingerprint)
    if change != "data":
        work.do_runs(folder, work.Portion(setting, (0,)), shapes, "cpu")
        run = fr.Run(place)
        assert (run.status, run.recipe) == ("finished", setting.recipe_for(0))
