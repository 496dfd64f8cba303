from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from fittingroom.errors import StudyError
from fittingroom.runs import folder as files
from fittingroom.studies.plan import StudyPlan
from fittingroom.studies.reading import plan_of
from fittingroom.studies.results import collect

SCORES = {"good": [0.90, 0.91, 0.905], "bad": [0.80, 0.82, 0.81]}


def test_the_runs_of_a_study_are_put_together_by_setting_and_seed(
    plan: StudyPlan, plant_runs: Any
) -> None:
    results = collect(plan, plant_runs(plan, SCORES))
    assert [setting.name for setting in results.settings] == ["good", "bad"]
    assert results.setting("bad").accuracies == (0.80, 0.82, 0.81)
    assert results.setting("bad").seeds == (0, 1, 2)
    assert results.setting("bad").seconds == 3.0
    assert results.setting("bad").cost == 6 * 40 * 240 * 4
    assert [setting.name for setting in results.ranking] == ["good", "bad"]
    assert (results.missing, results.problems) == ((), ())


def test_a_comparison_follows_the_order_in_which_it_is_asked_for(
    plan: StudyPlan, plant_runs: Any
) -> None:
    results = collect(plan, plant_runs(plan, SCORES))
    there, back = results.compare("good", "bad"), results.compare("bad", "good")
    assert there.difference is not None
    assert back.difference is not None
    assert there.difference.mean == pytest.approx(np.mean([0.1, 0.09, 0.095]))
    assert back.difference.mean == -there.difference.mean
    assert there.images is not None
    assert there.images.difference == pytest.approx(0.1)
    with pytest.raises(StudyError, match="expected two settings"):
        results.compare("good", "good")
    with pytest.raises(StudyError, match="'gone': no such setting"):
        results.compare("good", "gone")


def test_a_damaged_run_is_left_out_and_named(plan: StudyPlan, plant_runs: Any) -> None:
    runs = plant_runs(plan, SCORES)
    (runs["bad", 1].folder / files.PREDICTIONS).write_bytes(b"nothing")
    (runs["good", 0].folder / files.HISTORY).unlink()
    results = collect(plan, runs)
    assert results.setting("bad").seeds == (0, 2)
    assert results.setting("good").seeds == (1, 2)
    assert {*results.missing} == {("bad", 1), ("good", 0)}
    assert len(results.problems) == 2
    assert all("\n" not in problem for problem in results.problems)
    assert results.compare("good", "bad").seeds == (2,)


def test_a_deleted_run_is_left_out_and_named(plan: StudyPlan, plant_runs: Any) -> None:
    runs = plant_runs(plan, SCORES)
    (runs["bad", 1].folder / files.RECORD).unlink()
    results = collect(plan, runs, problems=["something else"])
    assert results.problems[0] == "something else"
    assert "no run here" in results.problems[1]


def test_failed_runs_are_told_with_their_setting(plan: StudyPlan, plant_runs: Any) -> None:
    scores = {"good": [0.9, 0.91, 0.92], "bad": [None, 0.8, None]}
    results = collect(plan, plant_runs(plan, scores), failures={("bad", 2): "the loss diverged"})
    (failure,) = results.setting("bad").failures
    assert (failure.seed, failure.message) == (2, "the loss diverged")
    assert results.missing == (("bad", 0), ("bad", 2))


def test_a_study_without_a_run_says_so(plan: StudyPlan, plant_runs: Any) -> None:
    with pytest.raises(StudyError, match="no run to compare: none is finished"):
        collect(plan, {})
    runs = plant_runs(plan, {"good": [0.9, None, None], "bad": [None] * 3})
    (runs["good", 0].folder / files.PREDICTIONS).unlink()
    with pytest.raises(StudyError, match=r"no run to compare: .*predictions\.npz"):
        collect(plan, runs)


def test_a_setting_without_a_run_is_left_out(plan: StudyPlan, plant_runs: Any) -> None:
    results = collect(plan, plant_runs(plan, {"good": [0.9] * 3, "bad": [None] * 3}))
    assert [setting.name for setting in results.settings] == ["good"]
    assert results.comparisons == ()
    with pytest.raises(StudyError, match="'bad' has no finished run"):
        results.setting("bad")


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_everything_survives_json_whatever_is_missing(plant_runs: Any, seeds: int) -> None:
    plan = plan_of({
        "seeds": seeds,
        "base": {"epochs": 4},
        "settings": {"good": {"lr": 0.001}, "bad": {"lr": 0.01}},
        "recorded": [
            {"id": "1", "accuracy": 0.9, "settings": ["good", "bad"], "label": "it",
             "confusion": np.diag([250] * 4).tolist()},
            {"id": "2", "accuracy": 0.9, "settings": ["bad"], "label": "it", "approximate": True},
        ],
        "claims": [
            {"id": "1", "kind": "better", "pairs": [["good", "bad"]], "text": "so it is"},
            {"id": "2", "kind": "best", "setting": "good", "text": "so it is"},
            {"id": "3", "kind": "bargain", "setting": "bad", "text": "so it is"},
            {"id": "4", "kind": "diagnosed", "setting": "bad", "diagnosis": "overshooting",
             "text": "so it is"},
        ],
    })  # fmt: skip
    runs = plant_runs(plan, {"good": [0.9] * seeds, "bad": [0.25] * seeds})
    written = json.loads(json.dumps(collect(plan, runs).to_dict(), allow_nan=False))
    assert [len(written[key]) for key in ("settings", "comparisons", "pareto")] == [2, 1, 2]
    assert [verdict["outcome"] for verdict in written["verdicts"]][:3] == (
        ["undecided"] * 3 if seeds == 1 else ["holds", "holds", "does-not-hold"]
    )


def test_settings_of_the_same_network_are_diagnosed_together(plant_runs: Any) -> None:
    # "other" differs in more than rate and epochs, so it says nothing about "high".
    plan = plan_of({
        "seeds": 1,
        "base": {"epochs": 4, "lr": 0.01},
        "settings": {"high": {}, "low": {"lr": 0.001}, "other": {"lr": 0.001, "batch_size": 32}},
    })  # fmt: skip
    runs = plant_runs(plan, {"high": [0.8], "low": [0.9], "other": [0.9]})
    for name in ("low", "other"):
        lines = runs[name, 0].folder / files.HISTORY
        lines.write_text(
            lines.read_text("utf-8").replace('"train_loss": 0.48', '"train_loss": 0.1')
        )
        record = files.read_record(runs[name, 0].folder)
        record["files"].pop(files.HISTORY)
        files.write_record(runs[name, 0].folder / files.RECORD, record)
    results = collect(plan, runs)
    assert results.setting("high").diagnosis.kind == "overshooting"
    assert results.setting("high").diagnosis.rival == "low"
    without = {key: run for key, run in runs.items() if key[0] != "low"}
    assert collect(plan, without).setting("high").diagnosis.rival is None
    assert len(results.setting("high").diagnoses) == 1
