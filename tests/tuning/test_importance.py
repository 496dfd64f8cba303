from __future__ import annotations

import math

import numpy as np
import pytest
from tests.tuning.conftest import Planted

from fittingroom.tuning.importance import FEWEST, importance_of
from fittingroom.tuning.plan import TuningPlan


def test_what_decides_is_found(plan: TuningPlan, planted: Planted) -> None:
    rng = np.random.default_rng(0)
    rates = 10 ** rng.uniform(-4, -1, 60)
    trials = [
        planted(
            number,
            {"lr": float(rate), "batch_size": int(rng.choice([16, 32]))},
            accuracy=1 - abs(math.log10(rate) + 2.5) / 3,
        )
        for number, rate in enumerate(rates)
    ]
    found = importance_of(plan.space, trials)
    assert sum(found.values()) == pytest.approx(1)
    assert list(found) == ["lr", "batch_size"]
    assert found["lr"] > 0.9


def test_few_trials_or_equal_ones_say_nothing(plan: TuningPlan, planted: Planted) -> None:
    few = [planted(number, accuracy=number / 10) for number in range(FEWEST - 1)]
    assert importance_of(plan.space, few) == {}
    assert importance_of(plan.space, [planted(number) for number in range(20)]) == {}
