from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import optuna

from fittingroom.tuning import search
from fittingroom.tuning.plan import TuningPlan
from fittingroom.tuning.tuning import TRIALS, read_trials
from fittingroom.tuning.watch import Snapshot, Watch

RESULT: dict[str, Any] = {
    "state": "complete",
    "accuracy": 0.5,
    "accuracies": [0.5],
    "seconds": 1.0,
    "epochs": 3,
    "curve": [0.4, 0.5],
    "train_curve": [1.0, 0.9],
    "reason": "",
}


def test_a_watch_tells_news_once_and_copies_them(tmp_path: Path, plan: TuningPlan) -> None:
    study = search.begin(optuna.storages.InMemoryStorage(), plan, "data")
    told: list[Snapshot] = []
    watch = Watch(tmp_path / TRIALS, plan, study, math.inf, told.append)
    watch()
    running = study.ask()
    search.ask(running, plan.space)
    running.report(0.3, 1)
    watch()  # not yet: nobody needs to hear of it so often
    watch.look()
    running.set_user_attr("result", RESULT)
    study.tell(running, 0.5)
    watch.look()
    watch.look()
    empty, first, second, third = told
    assert (empty.trials, empty.seconds_left) == ((), None)
    assert [(t.state, t.accuracy, t.curve) for t in first.trials] == [("running", 0.3, (0.3,))]
    assert (first.ended, first.best) == (0, None)
    assert [trial.accuracy for trial in second.news] == [0.5]
    assert second.best == second.trials[0]
    assert second.seconds_left is not None
    assert third.news == ()
    assert read_trials(tmp_path / "trials.jsonl", plan) == list(second.trials)


def test_the_time_left_is_at_most_until_time_is_up(tmp_path: Path, plan: TuningPlan) -> None:
    study = search.begin(optuna.storages.InMemoryStorage(), plan, "data")
    told: list[Snapshot] = []
    Watch(tmp_path / TRIALS, plan, study, time.time() + 60, told.append).look()
    assert 0 < (told[0].seconds_left or 0) <= 60
    Watch(tmp_path / TRIALS, plan, study, time.time() - 60, told.append).look()
    assert told[1].seconds_left == 0
