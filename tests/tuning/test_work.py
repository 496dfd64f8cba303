"""Trials that processes share, and what becomes of those that are interrupted or killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.tuning.conftest import SMALL

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import TuningError
from fittingroom.training.device import select_device
from fittingroom.tuning import heartbeat, ledger, search, work
from fittingroom.tuning.plan import plan_of
from fittingroom.tuning.storage import address_of, open_storage
from fittingroom.tuning.trial import learning_only

pytestmark = pytest.mark.usefixtures("isolated")

CONDUCTING = Path(__file__).with_name("conducting.py")
PATIENCE = 400.0  # seconds, for machines that do other things as well
POSIX = pytest.mark.skipif(os.name == "nt", reason="sends signals as POSIX has them")

Words = tuple[object, ...]


def start(*words: object) -> subprocess.Popen[bytes]:
    """Start a tuning as a program."""
    arguments = [sys.executable, str(CONDUCTING), *map(str, words)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE)


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def begun(log: str = "log") -> list[tuple[int, float]]:
    """Return who began to train with which rate."""
    try:
        lines = Path(log).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [(int(line.split()[0]), float(line.split()[1])) for line in lines]


def rates(folder: str) -> list[float]:
    """Return the rates that a tuning tried, in their order."""
    return [trial.values["lr"] for trial in fr.open_tuning(Path(folder) / "two-layer").trials]


@pytest.mark.slow
@POSIX
def test_two_machines_share_a_server_and_a_killed_ones_trial_is_done_again(
    database: str, shapes_folder: Path
) -> None:
    shared: Words = (shapes_folder, database, 8, 1)
    with start(*shared, "killed", "log", 2) as first:
        try:
            wait_for(lambda: len(begun()) == 2)  # it is in the middle of its second trial
            with start(*shared, "survivor", "log") as second:
                wait_for(lambda: any(process == second.pid for process, _ in begun()))
                first.kill()
                assert second.wait(PATIENCE) == 0
        finally:
            first.kill()
    found = rates("survivor")
    lost = [rate for process, rate in begun() if process == first.pid][1]
    assert len(found) == len(set(found)) == 8
    assert lost in found
    assert Counter(rate for _, rate in begun()) == Counter(found) + Counter([lost])
    states = {trial.state for trial in fr.open_tuning("survivor/two-layer").trials}
    assert states <= {"complete", "pruned"}


@pytest.mark.slow
@POSIX
@pytest.mark.parametrize(
    ("jobs", "number"), [(1, signal.SIGINT), (2, getattr(signal, "SIGHUP", None))]
)
def test_an_interrupted_tuning_goes_on_and_loses_nothing(
    jobs: int, number: signal.Signals, shapes_folder: Path
) -> None:
    stalled = 3 if jobs == 1 else 0
    cut: Words = (shapes_folder, "-", 7, jobs, "cut", "cut.log")
    with start(*cut, stalled) as process:
        try:
            wait_for(lambda: len(begun("cut.log")) >= 3 or (jobs == 2 and ended("cut") >= 2))
            process.send_signal(number)
            output, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    if process.returncode != 0:  # two workers may have been done before they heard of it
        assert process.returncode == 128 + number
        assert b"give the same command again to go on" in output
    assert all(trial.state != "running" for trial in fr.open_tuning("cut/two-layer").trials)
    with start(*cut) as process:
        assert process.wait(PATIENCE) == 0
    found = rates("cut")
    assert len(found) == len(set(found)) == 7
    if jobs == 1:  # to the last bit as if nothing had happened
        vary = {"lr": "1e-4..1e-1:log"}
        whole = fr.tune(
            "two-layer", shapes_folder, vary=vary, trials=7, epochs=2, jobs=1, final_seeds=0
        )
        assert found == [trial.values["lr"] for trial in whole.trials]


def ended(out: str) -> int:
    """Return how many trials a tuning has, as its folder says."""
    try:
        return len(fr.open_tuning(Path(out) / "two-layer").trials)
    except TuningError:
        return 0


def make_work(shapes: DataSplits, opened: Any, vary: dict[str, Any], **how: Any) -> work.Work:
    """Make the work of a tuning in an open storage."""
    fields = {name: how.pop(name) for name in ("deadline", "pulse") if name in how}
    plan = plan_of("two-layer", vary, epochs=2, **how)
    device = select_device("cpu", "fp32")
    study = search.begin(opened, plan, shapes.fingerprint)
    return work.Work(opened, study, plan, learning_only(shapes, plan.start), device, **fields)


def tried(ours: work.Work) -> list[Any]:
    """Return the trials that count."""
    return ledger.trials_of(ours.study, ours.plan)


@pytest.fixture
def opened() -> Any:
    """An empty storage, in a file."""
    with open_storage(address_of("sqlite:///trials.db", Path())) as storage:
        yield storage


RATES = {"lr": [0.001, 0.01, 0.1]}


def test_every_point_of_a_small_space_is_tried_once(shapes: DataSplits, opened: Any) -> None:
    ours = make_work(shapes, opened, RATES, trials=50)
    ours.do()
    assert next(t.values["lr"] for t in tried(ours)) == plan_of("two-layer").start.lr
    assert sorted(t.values["lr"] for t in tried(ours)) == [0.001, 0.01, 0.1]


def test_the_same_values_are_not_trained_twice(shapes: DataSplits, opened: Any) -> None:
    ours = make_work(shapes, opened, {"lr": "1e-4..1e-1:log"}, trials=2)
    ours.study.enqueue_trial({"lr": 0.001})
    ours.do()
    first, second = tried(ours)
    assert (first.values, first.accuracies) == (second.values, second.accuracies)
    assert (first.epochs, second.epochs) == (2, 0)


def test_a_trial_beyond_the_budget_is_dropped_again(shapes: DataSplits, opened: Any) -> None:
    ours = make_work(shapes, opened, {"lr": "1e-4..1e-1:log"}, trials=1)
    with search.quietly():
        trial, other = ours.study.ask(), ours.study.ask()
    assert ours._try_values(other, lambda: False) is None
    assert ours._try_values(trial, lambda: False) is not None


def test_time_that_is_up_stops_a_trial_and_has_it_tried_again(
    shapes: DataSplits, opened: Any
) -> None:
    ours = make_work(shapes, opened, RATES, trials=3, deadline=time.time() + 3600)
    ours.pulse = lambda: setattr(ours, "deadline", 0.0)  # as soon as training has begun
    ours._begin_one()
    assert tried(ours) == []
    ours.deadline, ours.pulse = time.time() + 3600, lambda: None
    ours.do()
    assert len(tried(ours)) == 3


def test_a_trial_that_others_took_for_dead_is_theirs(shapes: DataSplits, opened: Any) -> None:
    ours = make_work(shapes, opened, RATES, trials=3)

    def take_away() -> None:
        running = [t for t in ledger.counted(ours.study) if ledger.is_running(t)]
        for trial in running:
            ours.pulse = lambda: None
            ours.study.tell(trial.number, state=work.states().FAIL)
            ledger.try_again(ours.study, trial)

    ours.pulse = take_away
    ours._begin_one()
    assert tried(ours) == []
    ours.do()
    assert len(tried(ours)) == 3


def test_a_process_that_died_before_its_first_sign_of_life_is_not_waited_for(
    shapes: DataSplits, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "GRACE_SECONDS", 0)
    monkeypatch.setattr(work, "WAITING_SECONDS", 0.01)
    ours = make_work(shapes, opened, RATES, trials=3)
    with search.quietly():
        ours.study.ask()  # and no more of it
    ours.do()
    assert sorted(t.values["lr"] for t in tried(ours)) == [0.001, 0.01, 0.1]


def test_a_diverged_trial_is_a_failed_one_with_its_reason(shapes: DataSplits) -> None:
    how = SMALL | {"vary": {"lr": [0.001, 1e30]}, "final_seeds": 0}
    tuning = fr.tune("two-layer", shapes, seeds=2, optimizer="sgd", **how)
    complete, failed = tuning.trials
    assert (complete.state, failed.state) == ("complete", "failed")
    assert "the loss became" in failed.reason
    assert tuning.best == complete


def test_values_that_exclude_each_other_fail_and_do_not_stop_the_rest(shapes: DataSplits) -> None:
    vary = {"flip": [True, False], "alternate_flip": [True, False]}
    tuning = fr.tune("two-layer", shapes, **SMALL | {"vary": vary, "final_seeds": 0})
    assert [trial.state for trial in tuning.trials].count("complete") == 3
    (failed,) = [trial for trial in tuning.trials if trial.state == "failed"]
    assert "flip and alternate_flip exclude each other" in failed.reason


@pytest.mark.parametrize("trials", [2, 30])
def test_where_all_trials_fail_one_line_says_why(
    trials: int, shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "MOST_FAILURES", 3)
    how = SMALL | {"vary": {"lr": "1e29..1e30"}}
    for _ in range(2):  # and once more where it is begun again
        with pytest.raises(TuningError, match=f"none of {min(trials, 3)} trials") as caught:
            fr.tune("two-layer", shapes, trials=trials, optimizer="sgd", lr=1e29, **how)
        assert "try a lower one" in str(caught.value)
    assert not Path("tunings/two-layer/final").exists()


def test_hopeless_trials_are_stopped_and_that_saves_epochs(shapes: DataSplits) -> None:
    vary = {"lr": [0.01, 0.011, 0.012, 0.013, 0.014, 1e-9, 2e-9]}
    how = SMALL | {"epochs": 6, "vary": vary, "lr": 0.01, "final_seeds": 0}
    plans = (plan_of("two-layer", vary, lr=0.01, sampler_seed=seed) for seed in range(1000))
    last = next(
        plan.sampler_seed
        for plan in plans
        if all(point["lr"] < 1e-8 for point in search.first_points(plan)[5:])
    )
    tuning = fr.tune("two-layer", shapes, name="pruned", sampler_seed=last, **how)
    whole = fr.tune("two-layer", shapes, name="whole", prune=False, sampler_seed=last, **how)
    assert [trial.state for trial in whole.trials] == ["complete"] * 7
    assert whole.epochs_trained == 7 * 6
    *good, fifth, sixth = tuning.trials
    assert {trial.state for trial in good} == {"complete"}
    assert tuning.epochs_saved == 7 * 6 - tuning.epochs_trained > 0
    assert tuning.best is not None
    assert whole.best is not None
    assert (tuning.best.number, tuning.best.curve) == (whole.best.number, whole.best.curve)
    for trial in (fifth, sixth):  # not before the first quarter, and what it had is kept
        assert trial.state == "pruned"
        assert trial.epochs == len(trial.curve) >= 1
        assert trial.accuracy == trial.curve[-1]
