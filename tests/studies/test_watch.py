from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from fittingroom.runs import folder as files
from fittingroom.studies.plan import Setting
from fittingroom.studies.reading import plan_of
from fittingroom.studies.watch import Watch, seconds_since

PLAN = plan_of(
    {
        "seeds": 2,
        "settings": {
            "short": {"model": "two-layer", "epochs": 10},
            "long": {"model": "three-layer", "epochs": 20},
        },
    }
)
SHORT, LONG = PLAN.settings


def write(folder: Path, setting: Setting, seed: int, status: str, **fields: Any) -> None:
    """Write a run.json with what every one has."""
    record = {
        "format": files.FORMAT,
        "name": setting.run_name(seed),
        "status": status,
        "started": dt.datetime.now(dt.UTC).isoformat(),
        "recipe": setting.recipe_for(seed).model_dump(mode="json"),
        "data": {
            "name": "shapes",
            "source": "made for a test",
            "fingerprint": "0",
            "sketches": False,
            "classes": ["a", "b"],
            "image_shape": [1, 8, 8],
            "train": 1,
            "validation": 0,
            "test": 1,
        },
        "environment": {"device": "cpu", "device_name": "cpu", "precision": "fp32"},
        "model": {"parameters": 1},
    }
    place = folder / "runs" / setting.run_name(seed)
    place.mkdir(parents=True, exist_ok=True)
    files.write_record(place / files.RECORD, record | fields)


def results(accuracy: float, *, epochs: int, seconds: float) -> dict[str, Any]:
    return {
        "test": {"accuracy": accuracy, "interval": [0, 1], "count": 100},
        "epochs": epochs,
        "training_seconds": seconds,
        "images_per_second": 1.0,
    }


def test_what_is_left_takes_as_long_as_what_is_done_took(tmp_path: Path) -> None:
    watch = Watch(tmp_path, PLAN)
    assert watch.look().seconds_left is None
    write(tmp_path, SHORT, 0, "finished", results=results(0.5, epochs=10, seconds=20))
    # 2 s an epoch: 10 epochs of one, and 2 x 20 of a network of which nothing is known yet
    assert watch.look().seconds_left == pytest.approx(20 + 80)
    write(tmp_path, LONG, 0, "finished", results=results(0.5, epochs=20, seconds=60))
    assert watch.look().seconds_left == pytest.approx(20 + 60)


def test_runs_side_by_side_share_the_time_left_also_between_two_runs(tmp_path: Path) -> None:
    watch = Watch(tmp_path, PLAN)
    write(tmp_path, SHORT, 0, "finished", results=results(0.5, epochs=10, seconds=20))
    for setting, seed in ((SHORT, 1), (LONG, 0)):
        write(tmp_path, setting, seed, "running")
    assert watch.look().seconds_left == pytest.approx((20 + 80) / 2, abs=5)
    write(tmp_path, SHORT, 1, "finished", results=results(0.5, epochs=10, seconds=20))
    assert watch.look().seconds_left == pytest.approx(80 / 2, abs=5)


def test_a_clock_that_is_set_back_and_a_moment_that_is_none_pass_no_time() -> None:
    assert seconds_since("2999-01-01T00:00:00+00:00") == 0
    assert seconds_since("2999-01-01") == 0
    assert seconds_since("noon") == 0
    assert seconds_since(None) == 0
    assert seconds_since("2020-01-01T00:00:00+00:00") > 1e8


def test_a_run_that_failed_for_want_of_memory_is_not_done(tmp_path: Path) -> None:
    watch = Watch(tmp_path, PLAN)
    write(tmp_path, SHORT, 0, "failed", error="out of memory", error_type="DeviceError")
    write(tmp_path, SHORT, 1, "failed", error="nan", error_type="DivergenceError")
    snapshot = watch.look()
    assert snapshot.news == (("short", 1, None),)
    assert (snapshot.done, snapshot.standings[0].failed) == (1, 1)
    write(tmp_path, SHORT, 0, "finished", results=results(0.5, epochs=10, seconds=20))
    assert watch.look().news == (("short", 0, 0.5),)


def test_what_is_no_run_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / SHORT.run_name(0)).write_text("", "utf-8")
    (tmp_path / "runs" / SHORT.run_name(1)).mkdir()
    place = tmp_path / "runs" / LONG.run_name(0)
    place.mkdir()
    (place / files.RECORD).write_text(json.dumps({"status": "finished"}), "utf-8")
    snapshot = Watch(tmp_path, PLAN).look()
    assert (snapshot.done, snapshot.total, snapshot.seconds_left) == (0, 4, None)


def test_runs_that_are_trained_at_once_are_the_work_of_one_process(tmp_path: Path) -> None:
    watch = Watch(tmp_path, PLAN)
    write(tmp_path, SHORT, 0, "finished", results=results(0.5, epochs=10, seconds=20), stacked=2)
    before = (dt.datetime.now(dt.UTC) - dt.timedelta(seconds=30)).isoformat()
    for seed in (0, 1):
        write(tmp_path, LONG, seed, "running", stacked=2, started=before)
    # Of the 30 seconds so far each of the two has had 15 of its 40.
    assert watch.look().seconds_left == pytest.approx(20 + 2 * (40 - 15), abs=5)
