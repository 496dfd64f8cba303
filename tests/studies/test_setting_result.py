from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import confusion_matrix

from fittingroom.runs.run import Run
from fittingroom.studies.plan import StudyPlan
from fittingroom.studies.setting_result import mark
from fittingroom.training.recipe import Recipe


def test_the_numbers_are_those_of_scipy(plant: Any) -> None:
    accuracies = (0.88, 0.87, 0.885, 0.879)
    result = plant("one", accuracies)
    assert result.n == 4
    assert result.seeds == (0, 1, 2, 3)
    assert result.mean == pytest.approx(np.mean(accuracies))
    assert result.sd == pytest.approx(np.std(accuracies, ddof=1))
    assert result.interval == pytest.approx(
        stats.t.interval(0.95, 3, np.mean(accuracies), stats.sem(accuracies))
    )
    assert result.prediction == pytest.approx(
        stats.t.interval(0.95, 3, np.mean(accuracies), result.sd * np.sqrt(1 + 1 / 4))
    )
    assert (result.minimum, result.maximum) == (0.87, 0.885)


def test_a_single_run_has_a_mean_and_no_spread(plant: Any) -> None:
    result = plant("one", [0.88])
    assert result.mean == 0.88
    assert (result.sd, result.interval, result.prediction) == (None, None, None)
    json.dumps(result.to_dict(), allow_nan=False)


def test_the_cost_is_six_flops_a_multiply_add_for_each_picture_seen(plant: Any) -> None:
    # 784-256-128-10, as the notebook has it: 2 FLOPs forward and 4 backward a weight.
    weights = 784 * 256 + 256 * 128 + 128 * 10
    result = plant("one", [0.88], multiply_adds=weights)
    assert result.cost == 6 * weights * 60_000 * 4


def test_the_cost_of_hard_pictures_only_is_less_and_of_sharpness_more(plant: Any) -> None:
    plain = plant("one", [0.88])
    for fields, factor in (({"hard_share": 0.5}, (1 + 3 * 0.5) / 4), ({"sharpness": 0.05}, 2.0)):
        setting = plain.setting.model_copy(update={"recipe": Recipe(**fields)})
        other = replace(plain, setting=setting)
        assert other.cost == pytest.approx(plain.cost * factor)


def test_the_cost_of_a_network_of_unknown_size_is_unknown(plant: Any) -> None:
    assert plant("one", [0.88], multiply_adds=None).cost is None


def test_a_run_is_marked_from_its_predictions_which_are_not_kept(
    plan: StudyPlan, plant_runs: Any
) -> None:
    (run, *_) = plant_runs(plan, {"good": [0.9, None, None], "bad": [None] * 3}).values()
    assert isinstance(run, Run)
    marks = mark(run)
    assert "evaluation" not in vars(run)
    evaluation = run.evaluation
    assert marks.accuracy == evaluation.accuracy == 0.9
    assert marks.correct.sum() == 900
    np.testing.assert_array_equal(
        marks.confusion, confusion_matrix(evaluation.labels, evaluation.predicted)
    )
    assert [record.epoch for record in marks.history] == [1, 2, 3, 4]


def test_the_matrix_of_a_setting_is_the_sum_over_its_seeds(plant: Any) -> None:
    matrices = [np.array([[3, 1], [0, 4]]), np.array([[4, 0], [2, 2]])]
    result = plant("one", [0.875, 0.75], matrices=matrices)
    assert result.confusion.tolist() == [[7, 1], [2, 6]]
