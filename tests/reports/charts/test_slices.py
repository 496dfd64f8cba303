from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.reports.charts.conftest import Read
from tests.reports.planting_tuning import (
    START,
    VARY,
    plant_tuning,
    searched,
    small_plan,
    trial_at,
)

from fittingroom.reports.charts import rate_slice, slices
from fittingroom.reports.charts.frame import Scale
from fittingroom.reports.charts.slices import best_of_parts, draw_slices, writer
from fittingroom.reports.tuning_rates import find_regions
from fittingroom.tuning.plan import plan_of
from fittingroom.tuning.space import Parameter
from fittingroom.tuning.tuning import Trial, Tuning

PLAN = small_plan()
RATE = PLAN.space.parameters[0]


def trial(number: int, lr: float, accuracy: float, state: str = "complete") -> Trial:
    return trial_at(PLAN, number, state, lr=lr, accuracy=accuracy)


def test_the_line_joins_the_best_of_each_part_complete_ones_before_pruned_ones() -> None:
    trials = [
        trial(0, 0.00011, 0.7),
        trial(1, 0.00012, 0.8),
        trial(2, 0.00013, 0.9, "pruned"),
        trial(3, 0.003, 0.5, "pruned"),
        trial(4, 0.0031, 0.6, "pruned"),
        trial(5, 0.1, 0.3),
        trial(6, 0.09, 0.99, "failed"),
    ]
    x = Scale(1e-4, 1e-1, 0, 300, log=True)
    assert [t.number for t in best_of_parts(trials, x, "lr", 6)] == [1, 4, 5]


def test_a_rate_s_slice_names_what_was_too_low_and_too_high(tmp_path: Path, read: Read) -> None:
    tuning = plant_tuning(tmp_path / "t", searched(PLAN, 60), PLAN)
    regions = find_regions(tuning)
    assert len(regions) == 2
    _, words = read(rate_slice(tuning, RATE, "the rate", regions))
    for word in ("too low", "underfitting", "too high", "overshooting", "the rate", "0.001"):
        assert word in words.splitlines()
    _, words = read(rate_slice(tuning, RATE, "the rate", []))
    assert "underfitting" not in words


@pytest.mark.parametrize("width", [720.0, 340.0])
def test_every_mark_lies_on_the_paper(tmp_path: Path, width: float) -> None:
    vary: dict[str, Any] = {**VARY, "epochs": "1..20:step=1", "shift": "0..2", "erase": "0..0.5"}
    plan = plan_of(START, vary=vary, trials=50)
    tuning = plant_tuning(tmp_path / "t", searched(plan, 50), plan)
    names: Any = {parameter.name: parameter.name for parameter in plan.space.parameters}
    columns = 3 if width == 720 else 1
    drawing = draw_slices(tuning, plan.space.parameters, names, width, columns)
    dots = [mark.attributes for mark in drawing.marks if mark.tag == "circle"]
    complete = len(tuning.complete)
    assert len(dots) >= complete - 1  # the winner is a star
    assert all(0 < dot["cx"] < width and 0 < dot["cy"] < drawing.height for dot in dots)


def test_each_parameter_has_its_plot_with_its_choices(tmp_path: Path, read: Read) -> None:
    tuning: Tuning = plant_tuning(tmp_path / "t", [], plan := plan_of(START, vary=VARY, trials=9))
    tuning = plant_tuning(tmp_path / "u", searched(plan, 20), plan)
    _, words = read(slices(tuning, {"batch_size": "<b>batch</b>", "hidden": "layers"}))
    lines = words.splitlines()
    for word in ("<b>batch</b>", "layers", "64", "128", "256", "[128, 64]", "[1024, 512]"):
        assert word in lines


def test_small_numbers_are_powers_of_ten_where_there_is_little_room() -> None:
    small = Parameter("x", "float", 1e-5, 1e-2, log=True)
    assert writer(small, broad=False)(1e-5) == "10⁻⁵"
    assert writer(small, broad=True)(1e-5) == "0.00001"
    assert writer(RATE, broad=False)(1e-4) == "0.0001"
    assert writer(Parameter("x", "float", 0.0, 0.2), broad=False)(0.0) == "0"
