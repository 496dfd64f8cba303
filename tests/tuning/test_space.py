"""What may vary, as people write it, and as they should not."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fittingroom.errors import TuningError
from fittingroom.training.recipe import Recipe, recipe_for_model
from fittingroom.tuning.reading import read_text, space_of
from fittingroom.tuning.space import Parameter, Space, written

START = recipe_for_model("three-layer")


def one(name: str, values: Any, start: Recipe = START) -> Parameter:
    """Return the only parameter of a space."""
    (parameter,) = space_of({name: values}, start).parameters
    return parameter


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("lr", "1e-4..1e-1:log", Parameter("lr", "float", 1e-4, 1e-1, log=True)),
        (
            "lr",
            {"low": 1e-4, "high": 1e-1, "log": True},
            Parameter("lr", "float", 1e-4, 0.1, True),
        ),
        ("lr", {"times": [0.1, 10], "log": True}, Parameter("lr", "float", 8e-5, 8e-3, log=True)),
        ("epochs", "3..12", Parameter("epochs", "int", 3, 12)),
        ("epochs", "3..12:step=4", Parameter("epochs", "int", 3, 11, step=4)),
        ("weight_decay", "0..0.1", Parameter("weight_decay", "float", 0.0, 0.1)),
        ("erase", "0..0.3:step=0.1", Parameter("erase", "float", 0.0, 0.3, step=0.1)),
        ("batch_size", "64,128,256", Parameter("batch_size", "choice", choices=(64, 128, 256))),
        ("batch_size", [64, 128], Parameter("batch_size", "choice", choices=(64, 128))),
        ("lr", ".1, .2", Parameter("lr", "choice", choices=(0.1, 0.2))),
        (
            "schedule",
            "constant, one-cycle",
            Parameter("schedule", "choice", choices=("constant", "one-cycle")),
        ),
        ("flip", "true,false", Parameter("flip", "choice", choices=(True, False))),
        (
            "early_stopping",
            "null,3",
            Parameter("early_stopping", "choice", choices=(None, 3)),
        ),
        ("early_stopping", "2..4", Parameter("early_stopping", "int", 2, 4)),
        (
            "hidden",
            "[128],[256,128]",
            Parameter(
                "hidden",
                "choice",
                choices=([128], [256, 128]),
                in_options=True,
                default=[256, 128],
            ),
        ),
        ("components", "16..64:log", Parameter("components", "int", 16, 64, True, in_options=True)),
    ],
)
def test_values_are_read_as_they_are_meant(name: str, values: Any, found: Parameter) -> None:
    assert one(name, values) == found


@pytest.mark.parametrize(
    ("name", "values", "complaint"),
    [
        ("lx", "1..2", "unknown parameter 'lx'; known are epochs, batch_size"),
        ("lx", "1..2", "and of the network three-layer hidden, components"),
        ("seed", "1,2", "seed cannot vary: every trial has the same seeds; say how many with"),
        ("protocol", "holdout,notebook", "protocol cannot vary"),
        ("validation_size", "10,20", "validation_size cannot vary"),
        ("model", "convnet,resnet", "model cannot vary: tune one network at a time"),
        ("model_options", "{},{}", "model_options cannot vary: name an option"),
        ("lr", "0.1..0.001", "the range 0.1..0.001 is empty: its low end lies above"),
        ("lr", "0.1..0.1", "the range 0.1..0.1 is a single value, nothing to vary"),
        ("lr", "0..1:log", "a range by factors (log) must lie above zero, found 0..1"),
        ("weight_decay", "-1..1:log", "must lie above zero"),
        ("lr", "0.1", "one value is nothing to vary: expected a range as 0.001..0.1"),
        ("lr", 0.1, "one value is nothing to vary; fix it with --lr 0.1"),
        ("hidden", 3, "fix it with --option hidden=3"),
        ("lr", [0.1], "expected two or more values to choose from, found 1"),
        ("lr", [], "expected two or more values to choose from, found 0"),
        ("lr", "a..b", "expected a number, as in 0.001..0.1, found 'a'"),
        ("lr", "fast,slow", "lr must be a valid number"),
        ("epochs", "1.5..4", "epochs must be a whole number, found 1.5, 4"),
        ("epochs", "1e400..2", "low must be a number"),
        ("lr", "nan..1", "low must be a number, found nan"),
        ("lr", {"low": True, "high": 2}, "low must be a number, found True"),
        ("lr", {"low": "a", "high": 2}, "low must be a number, found 'a'"),
        ("lr", {"low": 1}, "a range needs low and high, found low"),
        ("lr", {}, "a range needs low and high"),
        ("lr", {"low": 1, "high": 2, "q": 3}, "unknown key 'q' of a range; known are low, high"),
        ("lr", {"low": 1, "high": 2, "log": "yes"}, "log must be true or false, found 'yes'"),
        ("lr", {"times": 3}, "times must be two factors, found 3"),
        ("lr", {"times": ["a", "b"]}, "times must be two factors, found ['a', 'b']"),
        ("schedule", {"times": [1, 2]}, "the start's 'constant' cannot be multiplied"),
        ("lr", "0.1..1:lag", "expected :log or :step=NUMBER after a range, found 'lag'"),
        ("lr", "0.1..1:log:step=0.1", "log and step exclude each other"),
        ("epochs", "1..4:step=0", "step must be above 0 and at most 3, found 0"),
        ("epochs", "1..4:step=9", "step must be above 0 and at most 3, found 9"),
        ("optimizer", {"low": 1, "high": 2}, "optimizer is no number: name the values"),
        ("optimizer", "adam,adem", "optimizer must be 'adam', 'adamw', 'sgd' or 'muon'"),
        ("hidden", "[128],[128]", "the value [128] is named twice"),
        ("lr", "0.1,1e-1", "the value 0.1 is named twice"),
        ("batch_size", "0..10", "batch_size must be greater than 0, found 0"),
        ("erase", "0..2", "erase must be less than or equal to 1, found 2.0"),
    ],
)
def test_values_that_make_no_sense_are_one_line(name: str, values: Any, complaint: str) -> None:
    with pytest.raises(TuningError) as caught:
        space_of({name: values}, START)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_to_vary_is_refused() -> None:
    with pytest.raises(TuningError, match=r"nothing varies; name a parameter and its values"):
        space_of({}, START)


def test_true_is_not_one() -> None:
    assert not one("batch_size", [1, 2]).has(True)
    assert not one("flip", [True, False]).has(1)


NUMBERS = st.floats(1e-6, 1e6, allow_nan=False)


@given(NUMBERS, NUMBERS, st.booleans())
def test_a_range_reads_as_it_is_written(low: float, high: float, log: bool) -> None:
    low, high = sorted((low, high))
    found = read_text("lr", f"{low!r}..{high!r}" + ":log" * log)
    assert found == {"low": low, "high": high} | ({"log": True} if log else {})


@given(st.lists(st.one_of(st.integers(), st.booleans(), st.none(), st.text("abc-", min_size=1))))
def test_choices_read_as_they_are_written(values: list[Any]) -> None:
    values = [*values, 1, 2]
    assert read_text("x", ",".join(map(written, values))) == values


@given(st.integers(1, 50), st.integers(1, 60), st.integers(1, 20))
def test_a_range_with_steps_has_the_values_that_it_counts(low: int, more: int, step: int) -> None:
    found = one("epochs", {"low": low, "high": low + more, "step": min(step, more)})
    every = range(low, low + more + 1, min(step, more))
    assert found.values == tuple(every)
    assert found.count == len(every)
    assert [value for value in range(low - 1, low + more + 2) if found.has(value)] == list(every)


@given(st.integers(1, 30))
def test_decimal_steps_end_where_they_say(steps: int) -> None:
    found = one("weight_decay", f"0..{steps / 10}:step=0.1")
    assert found.values == tuple(step / 10 for step in range(steps + 1))
    assert all(map(found.has, found.values))
    assert not found.has(0.05)


def test_a_space_makes_recipes_and_finds_them_again() -> None:
    space = space_of({"lr": "1e-4..1e-1:log", "hidden": [[64], [256, 128]]}, START)
    recipe = space.recipe(START.but(model_options={"components": 9}), {"lr": 0.01, "hidden": [64]})
    assert recipe == START.but(lr=0.01, model_options={"components": 9, "hidden": [64]})
    assert space.values_of(recipe) == {"lr": 0.01, "hidden": [64]}
    assert space.values_of(START) == {"lr": 0.0008, "hidden": [256, 128]}  # the network's own
    assert space.values_of(START.but(lr=0.5)) is None
    assert space.values_of(START.but(model_options={"hidden": [1]})) is None


def test_a_space_is_as_large_as_the_product_of_what_can_be_counted() -> None:
    space = space_of({"epochs": "1..3", "flip": "true,false"}, START)
    assert space.size == 6
    assert space_of({"epochs": "1..3", "lr": "0.1..1"}, START).size is None
    assert Space(()).size == 1
    assert math.prod(len(parameter.values) for parameter in space.parameters) == 6


def test_options_of_ones_own_network_are_taken_as_they_come() -> None:
    mine = Recipe(model="my:Net")
    assert one("width", "1..3", mine) == Parameter("width", "int", 1, 3, in_options=True)
    assert one("share", "0..1.5", mine) == Parameter("share", "float", 0, 1.5, in_options=True)
