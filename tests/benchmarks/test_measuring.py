"""How the benchmarks speak."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from measuring import busy_cores, fell_short, mean_score, pair_ratios, peak_memory, spread, table


def test_spread_is_median_range_and_number() -> None:
    assert spread([3.0, 1.0, 2.0], ".2f", "s") == "2.00 s (1.00 to 3.00, n=3)"
    assert spread([1500.0], ".3g", "s") == "1,500 s (n=1)"
    assert spread([0.5, 2000.0, 1.0], ".3g") == "1 (0.5 to 2,000, n=3)"


def test_mean_score_has_students_interval() -> None:
    scores = [0.889, 0.891, 0.8935, 0.888, 0.892]
    low, high = stats.t.interval(0.95, 4, loc=np.mean(scores), scale=stats.sem(scores))
    assert mean_score(scores) == f"{np.mean(scores):.2%} ({low:.2%} to {high:.2%}, n=5)"
    assert mean_score([0.5]) == "50.00% (n=1)"


def test_ratios_are_taken_pair_by_pair_as_far_as_there_are_pairs() -> None:
    reference, ours = [{"seconds": 6.0}], [{"seconds": 2.0}, {"seconds": 1.0}]
    assert pair_ratios(reference, ours, "seconds") == [3.0]
    assert pair_ratios(reference, ours, "accuracy") == []


@pytest.mark.parametrize(("reached", "short"), [(True, False), (False, True), (None, False)])
def test_a_reference_that_gave_up_is_known(reached: bool | None, short: bool) -> None:
    assert fell_short([{"seconds": 1.0}, {"seconds": 1.0, "reached": reached}]) is short


def test_the_machine_is_looked_at() -> None:
    assert busy_cores(0.02) >= 0
    assert peak_memory() > 10


def test_table_is_markdown() -> None:
    assert table(("a", "b"), [("1", "2")]) == ["| a | b |", "| --- | --- |", "| 1 | 2 |"]
