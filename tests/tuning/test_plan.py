from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import fittingroom as fr
from fittingroom.errors import FittingroomError
from fittingroom.models import MODELS
from fittingroom.training.recipe import shipped_recipes
from fittingroom.tuning.plan import plan_of
from fittingroom.tuning.tuning import plan_from, plan_values

pytestmark = pytest.mark.usefixtures("isolated")

VARY = {"lr": "1e-4..1e-1:log"}

FILE = """
base = "fast"
epochs = 2

[vary]
lr = "1e-4..1e-1:log"
batch_size = [64, 128]
"""


@pytest.mark.parametrize("start", [*MODELS, *shipped_recipes(), "my:Net"])
def test_every_network_and_recipe_has_a_usual_space_that_it_lies_in(start: str) -> None:
    plan = plan_of(start)
    assert plan.name == start
    assert plan.space.values_of(plan.start) is not None
    for parameter in plan.space.parameters:
        for end in parameter.ends:
            plan.space.recipe(plan.start, plan.space.values_of(plan.start) | {parameter.name: end})  # type: ignore[operator]


def test_a_file_says_the_recipe_and_what_varies() -> None:
    Path("내 튜닝.toml").write_text(FILE, "utf-8")
    plan = plan_of("내 튜닝.toml", {"batch_size": "32,64"}, batch_size=32)
    assert plan.name == "내 튜닝"
    assert plan.start == fr.recipe("fast", epochs=2, batch_size=32)
    assert str(plan.space) == "lr=0.0001..0.1:log  batch_size=32,64"


def test_a_plan_comes_back_from_its_json_values() -> None:
    vary = {**VARY, "hidden": [[64], [256, 128]], "epochs": "1..9:step=2", "flip": [True, False]}
    plan = plan_of("three-layer", vary, seconds=60.0, seeds=2)
    assert plan_from(plan_values(plan), "here") == plan


def test_the_final_seeds_are_none_of_the_trials() -> None:
    plan = plan_of("two-layer", seeds=3, final_seeds=5)
    assert (plan.seeds, plan.further_seeds) == ((0, 1, 2), (3, 4))
    assert plan.final_seeds == (5, 6, 7, 8, 9)


def test_a_budget_is_no_larger_than_what_there_is_to_try() -> None:
    assert plan_of("two-layer", VARY).budget == 30
    assert plan_of("two-layer", VARY, seconds=9.0).trials is None
    assert plan_of("two-layer", VARY, seconds=9.0).budget == float("inf")
    assert plan_of("two-layer", {"batch_size": [32, 64]}, trials=9).budget == 2
    assert plan_of("two-layer", {"batch_size": [32, 64]}, trials=1).budget == 1


def test_of_two_objectives_no_trial_is_stopped() -> None:
    assert not plan_of("two-layer", VARY, objective="accuracy-seconds").prune


@pytest.mark.parametrize(
    ("start", "how", "complaint"),
    [
        ("nope", {}, "unknown network or recipe 'nope'; known are the networks two-layer"),
        ("nope.toml", {}, "nope.toml: cannot be read"),
        ("two-layer", {"protocol": "notebook"}, "tuning would choose on the test set"),
        ("two-layer", {"seed": 3}, "a tuning has seeds of its own; say how many with --seeds"),
        ("two-layer", {"lr": -1}, "lr must be greater than 0"),
        ("two-layer", {"trials": 0}, "trials must be 1 to 100,000, found 0"),
        ("two-layer", {"trials": 10**9}, "trials must be 1 to 100,000"),
        ("two-layer", {"seconds": 0.0}, "time must be more than nothing, found 0 s"),
        ("two-layer", {"seconds": float("nan")}, "time must be more than nothing"),
        ("two-layer", {"seeds": 0}, "seeds must be 1 to 1,000, found 0"),
        ("two-layer", {"finalists": -1}, "finalists must be 0 to 1,000, found -1"),
        ("two-layer", {"final_seeds": -1}, "final seeds must be 0 to 1,000, found -1"),
        ("two-layer", {"sampler_seed": -1}, "the sampler's seed must be 0 to"),
        ("two-layer", {"objective": "speed"}, "unknown objective 'speed'; known are accuracy, acc"),
        ("two-layer", {"name": ""}, "a name has 1 to 300 letters, found 0"),
    ],
)
def test_what_cannot_be_planned_is_one_line(
    start: str, how: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(FittingroomError) as caught:
        plan_of(start, VARY, **how)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("vary = 3", "vary must be a table, found 3"),
        ("[vary]\nlx = [1, 2]", "mine.toml: vary: unknown parameter 'lx'"),
        ("[vary]\nlr = '1..0.1'", "mine.toml: vary: lr: the range 1..0.1 is empty"),
        ("lx = 1\n[vary]\nlr = [1, 2]", "unknown recipe field 'lx'"),
        ("model = 'my:Net'", "a recipe file cannot name a network of your own"),
        ("vary", "not a TOML file"),
    ],
)
def test_a_file_that_makes_no_sense_is_one_line(text: str, complaint: str) -> None:
    Path("mine.toml").write_text(text, "utf-8")
    with pytest.raises(FittingroomError) as caught:
        plan_of("mine.toml")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
