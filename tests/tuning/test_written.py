"""best.toml and front.toml: what they say is what other commands read."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fittingroom as fr
from fittingroom.studies.reading import read_plan
from fittingroom.training.recipe import shipped_recipes
from fittingroom.tuning.tuning import Trial
from fittingroom.tuning.written import flags, toml, write_best, write_front

VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def trial(recipe: fr.Recipe, number: int = 3, **values: Any) -> Trial:
    return Trial(number, "complete", values, recipe, accuracy=0.9, seconds=1.5)


@given(VALUES.filter(lambda value: "inf" not in repr(value) and "\\ud" not in ascii(value)))
def test_what_is_written_is_what_toml_reads(value: Any) -> None:
    assert tomllib.loads(f"x = {toml(value)}")["x"] == value


@pytest.mark.parametrize("name", [*shipped_recipes()])
def test_every_recipe_comes_back_from_its_file(name: str, tmp_path: Path) -> None:
    recipe = fr.recipe(name, early_stopping=2, lr=1.2345678901234567e-5)
    write_best(tmp_path / "best.toml", trial(recipe), 'a "name"\nof data')
    assert fr.recipe(tmp_path / "best.toml") == recipe


def test_a_front_is_a_study(tmp_path: Path) -> None:
    one, other = fr.recipe("fast"), fr.recipe("fast", model_options={"hidden": [9, 9]})
    trials = [trial(one, 0, lr=0.1), trial(other, 7, hidden=[9, 9])]
    write_front(tmp_path / "front.toml", trials, (5, 6), "shapes")
    plan = read_plan(tmp_path / "front.toml")
    assert plan.seeds == (5, 6)
    assert [setting.recipe for setting in plan.settings] == [one, other]
    assert [str(setting.label) for setting in plan.settings] == ["lr=0.1", "hidden=[9,9]"]


def test_what_a_file_cannot_say_is_said_beside_it(tmp_path: Path) -> None:
    recipe = fr.Recipe(model="my:Net", model_options={"depth": None, "width": 3})
    assert flags(recipe) == ["--model my:Net", "--option depth=null"]
    write_best(tmp_path / "best.toml", trial(recipe), "shapes")
    text = (tmp_path / "best.toml").read_text("utf-8")
    assert "give --model my:Net beside it" in text
    assert fr.recipe(tmp_path / "best.toml").model_options == {"width": 3}
    write_front(tmp_path / "front.toml", [trial(recipe)], (0,), "shapes")
    assert not (tmp_path / "front.toml").exists()


def test_nothing_has_no_word_in_toml() -> None:
    with pytest.raises(ValueError, match="no word for nothing"):
        toml([None])
