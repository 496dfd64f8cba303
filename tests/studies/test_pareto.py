from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from fittingroom.studies.pareto import SAME_SECONDS, cost_unit, pareto


def test_the_front_is_what_its_definition_says(plant: Any) -> None:
    rng = np.random.default_rng(0)
    costs, means = rng.integers(1, 9, 30), rng.integers(80, 90, 30) / 100
    settings = [
        plant(str(i), [mean], multiply_adds=int(cost))
        for i, (cost, mean) in enumerate(zip(costs, means, strict=True))
    ]
    points = pareto(settings)
    assert [point.cost for point in points] == sorted(point.cost for point in points)
    for point in points:
        own = int(point.name)
        better = (costs <= costs[own]) & (means >= means[own])
        better &= (costs < costs[own]) | (means > means[own])
        assert {*point.dominated_by} == {str(i) for i in better.nonzero()[0]}
        assert point.on_front == (not better.any())


def test_equal_settings_do_not_beat_each_other(plant: Any) -> None:
    assert all(point.on_front for point in pareto([plant("a", [0.9]), plant("b", [0.9])]))


def test_a_single_setting_is_the_front(plant: Any) -> None:
    (point,) = pareto([plant("a", [0.9])])
    assert point.on_front
    assert point.interval is None
    json.dumps(point.to_dict(), allow_nan=False)


def test_seconds_count_where_one_cost_is_unknown_and_scatter_does_not(plant: Any) -> None:
    # The slower one is within the scatter of the quicker one's time, so it costs the same.
    quick = plant("quick", [0.88], multiply_adds=None, seconds=10)
    slower = plant("slower", [0.89], seconds=10 * SAME_SECONDS - 0.1)
    slow = plant("slow", [0.9], seconds=10 * SAME_SECONDS + 0.1)
    settings = [quick, slower, slow]
    assert cost_unit(settings) == "seconds"
    points = {point.name: point for point in pareto(settings)}
    assert points["quick"].cost == 10
    assert points["quick"].dominated_by == ("slower",)
    assert points["slow"].on_front
    assert cost_unit([slower, slow]) == "FLOPs"


@pytest.mark.parametrize("multiply_adds", [None, 100])
def test_the_same_cost_and_a_higher_mean_is_better(plant: Any, multiply_adds: int | None) -> None:
    settings = [plant(name, [mean], multiply_adds=multiply_adds) for name, mean in
                (("low", 0.8), ("high", 0.9))]  # fmt: skip
    high, low = pareto(settings)
    assert (high.name, high.on_front) == ("high", True)
    assert (low.on_front, low.dominated_by) == (False, ("high",))
