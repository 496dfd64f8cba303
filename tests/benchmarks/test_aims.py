"""The verdicts on what was measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aims import AIMS, NOT_MEASURED, REACHED, STRETCH, Aim
from row import OURS
from rows import ROWS

RATIO = Aim("a-row", "", "", "ratio", 4, 6)
TIME = Aim("a-row", "", "", "seconds", 120, 60, accuracy=0.94)
ACCURACY = Aim("a-row", "", "", "accuracy", 0.965, 0.97, seeds=3)


def ways(ours: list[float], reference: list[float], accuracy: float = 0.9) -> dict[str, Any]:
    return {
        "them": [{"seconds": s, "accuracy": accuracy} for s in reference],
        OURS: [{"seconds": s, "accuracy": accuracy} for s in ours],
    }


@pytest.mark.parametrize(
    ("reference", "verdict"),
    [([4.0, 6.0, 9.0], STRETCH), ([5.0, 4.0, 3.0], REACHED), ([3.0, 9.0, 3.0], "not reached")],
)
def test_a_ratio_is_judged_by_its_median(
    result: Callable[..., Any], reference: list[float], verdict: str
) -> None:
    found = result("a-row", reference="them", ways=ways([1.0, 1.0, 1.0], reference))
    assert RATIO.verdict(found) == verdict


def test_seconds_count_only_with_the_mean_accuracy_and_five_seeds(
    result: Callable[..., Any],
) -> None:
    good = result("a-row", reference="them", ways=ways([59.0] * 5, [300.0] * 5, 0.9401))
    poor = result("a-row", reference="them", ways=ways([59.0] * 5, [300.0] * 5, 0.9399))
    few = result("a-row", reference="them", ways=ways([59.0] * 4, [300.0] * 4, 0.9401))
    assert TIME.verdict(good) == STRETCH
    assert TIME.verdict(poor) == "not reached: accuracy"
    assert TIME.verdict(few) == "open: n=4 of 5"


def test_a_best_accuracy_is_judged_by_its_mean(result: Callable[..., Any]) -> None:
    assert ACCURACY.verdict(result("a-row", ways=ways([1.0] * 3, [], 0.966))) == REACHED


def test_what_was_not_measured_is_called_that() -> None:
    assert (RATIO.measured(None), RATIO.verdict(None)) == (NOT_MEASURED, NOT_MEASURED)


def test_a_reference_that_never_came_there_makes_the_ratio_a_lower_bound(
    result: Callable[..., Any],
) -> None:
    found = result(
        "a-row",
        reference="them",
        ways={"them": [{"seconds": 90.0, "reached": False}], OURS: [{"seconds": 10.0}]},
    )
    assert RATIO.measured(found) == "more than 9x (n=1); 10 s (n=1)"


def test_every_aim_speaks_of_a_row_that_there_is() -> None:
    assert {aim.row for aim in AIMS} <= set(ROWS)
    assert all(aim.way in ROWS[aim.row].ways for aim in AIMS)


def test_every_row_has_its_reference_and_a_way_to_be_tried() -> None:
    for row in ROWS.values():
        assert row.reference is None or row.reference in row.ways
        assert row.size("tiny") is row.tiny
