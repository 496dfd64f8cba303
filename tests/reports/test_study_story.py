from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.reports.planting import BAD, GOOD, plant_study

from fittingroom.reports.study_story import what_is_missing, what_to_mind, what_was_done
from fittingroom.reports.texts import Texts
from fittingroom.runs.run import Run
from fittingroom.studies.study import Study


def words(told: list[Any]) -> str:
    return " ".join(Texts().plain(one) for one in told)


def test_what_was_done_is_told_in_numbers(tmp_path: Path) -> None:
    told = words(what_was_done(plant_study(tmp_path, {"good": GOOD, "bad": BAD})))
    assert "2 settings were trained with 4 seeds each: 8 runs in all." in told
    assert "240 pictures to train on, 1,000 to test on" in told
    assert "trained on a CPU" in told
    assert "28 s" in told  # 2 x (2 + 3 + 4 + 5)


def test_the_number_of_training_pictures_is_the_runs_own(tmp_path: Path) -> None:
    study = plant_study(tmp_path, {"good": GOOD})
    study.record["data"] = study.record["data"] | {"train": 220, "validation": 20}
    assert "240 pictures to train on" in words(what_was_done(study))


def test_one_setting_and_one_seed_are_one(tmp_path: Path) -> None:
    told = words(what_was_done(plant_study(tmp_path, {"good": GOOD[:1]})))
    assert "1 setting was trained with 1 seed each: 1 run in all." in told


def test_protocols_are_told_apart(tmp_path: Path) -> None:
    base = {"epochs": 4, "protocol": "notebook"}
    study = plant_study(tmp_path, {"good": GOOD, "bad": BAD}, base=base)
    assert "no pictures were held back" in words(what_was_done(study))
    assert "chosen on the test set" in words(what_to_mind(study))


def test_missing_failed_and_damaged_runs_are_named(tmp_path: Path) -> None:
    study = plant_study(tmp_path, {"good": GOOD, "bad": [*BAD[:2], None, None]})
    damaged = tmp_path / study.plan.setting("good").run_name(3)
    (damaged / "predictions.npz").write_bytes(b"nothing")
    study = Study(
        study.plan,
        {key: Run(run.folder) for key, run in study.runs.items()},
        study.record,
        failures={("bad", 2): "the loss became NaN"},
    )
    told = words(what_is_missing(study))
    assert "Without a result: bad (2), good (3), bad (3)." in told
    assert "bad, seed 2: no result (the loss became NaN)." in told
    assert "Left out: " in told
    assert "predictions.npz" in told
    assert "5 of the 8 runs have a result" in words(what_was_done(study))
    assert "3 runs of those asked for have no result" in words(what_to_mind(study))


def test_few_seeds_and_one_seed_are_cautioned_against(tmp_path: Path) -> None:
    few = words(what_to_mind(plant_study(tmp_path / "few", {"good": GOOD, "bad": BAD})))
    one = words(what_to_mind(plant_study(tmp_path / "one", {"good": [0.9], "bad": [0.8]})))
    assert "With 4 seeds an interval is wide" in few
    assert "With one seed there is no interval" in one
    assert "The intervals say" not in one


def test_sketches_are_called_sketches(tmp_path: Path) -> None:
    study = plant_study(tmp_path, {"good": GOOD})
    assert "sketches" not in words(what_to_mind(study))
    study.record["data"]["sketches"] = True
    assert "the program's own sketches" in words(what_to_mind(study))
    assert json.dumps(study.record)
