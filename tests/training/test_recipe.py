"""The recipe: what it takes and refuses, and the files it is read from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fittingroom.errors import RecipeError
from fittingroom.models import MODELS
from fittingroom.training.recipe import (
    MAX_COUNT,
    MAX_SEED,
    Recipe,
    is_made_for_cuda,
    recipe,
    recipe_for_model,
    shipped_recipes,
)

IN_A_FIXTURES_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

# field: the values at its bounds, and those just outside.
BOUNDS: dict[str, tuple[list[Any], list[Any]]] = {
    "model": (["convnet", "mine:Net"], [5, None, ["convnet"]]),
    "model_options": ([{}, {"hidden": [5, {"a": None}]}], [5, [1], {"a": {1, 2}}, {"a": b""}]),
    "protocol": (["holdout", "notebook"], ["test", "", None, 1]),
    "validation_size": ([None, 1, MAX_COUNT], [0, -1, 0.5, "many", MAX_COUNT + 1]),
    "validation_seed": ([0, MAX_SEED], [-1, MAX_SEED + 1, None, 1.5]),
    "epochs": ([1, MAX_COUNT], [0, -1, None, 1.5, "x", MAX_COUNT + 1, [1]]),
    "batch_size": ([1, MAX_COUNT], [0, -1, None, 1.5, MAX_COUNT + 1]),
    "optimizer": (["adam", "adamw", "sgd", "muon"], ["Adam", "", None, "rmsprop"]),
    "lr": ([5e-324, 1, 1e300], [0, -1e-9, float("nan"), float("inf"), None, "fast"]),
    "schedule": (["constant", "cosine", "one-cycle"], ["onecycle", "", None]),
    "weight_decay": ([0, 1e-9, 5], [-1e-9, float("nan"), float("inf"), None]),
    "label_smoothing": ([0, 0.999], [-1e-9, 1, float("nan"), None]),
    "sharpness": ([0, 0.05, 5], [-1e-9, float("nan"), float("inf"), None, "sharp"]),
    "average": ([0, 0.5, 0.9999], [-1e-9, 1, float("nan"), None]),
    "flip": ([True, False], [None, 2, "sometimes"]),
    "alternate_flip": ([True, False], [None, 2, "sometimes"]),
    "shift": ([0, MAX_COUNT], [-1, 0.5, None, MAX_COUNT + 1]),
    "erase": ([0, 1, 0.5], [-1e-9, 1.0001, float("nan"), None]),
    "hard_share": ([1e-9, 0.5, 1], [0, -0.1, 1.0001, float("nan"), None]),
    "mixup": ([0, 0.2, 50], [-1e-9, float("nan"), float("inf"), None]),
    "cutmix": ([0, 0.2, 50], [-1e-9, float("nan"), float("inf"), None]),
    "normalization": (["unit", "standard"], ["none", "", None]),
    "precision": (["fp32", "bf16", "auto"], ["fp16", "", None, 32]),
    "views": (["one", "mirror", "shifts"], ["two", "", None, 2]),
    "early_stopping": ([None, 1, MAX_COUNT], [0, -1, 0.5, MAX_COUNT + 1]),
    "seed": ([0, MAX_SEED], [-1, MAX_SEED + 1, None, 0.5]),
}


def pairs(side: int) -> list[Any]:
    return [
        pytest.param(name, value, id=f"{name}={value}"[:60])
        for name, values in BOUNDS.items()
        for value in values[side]
    ]


# Fields


def test_defaults_are_the_notebooks_best_setting() -> None:
    ours = Recipe()
    assert (ours.model, ours.optimizer, ours.lr) == ("three-layer", "adam", 0.0008)
    assert (ours.epochs, ours.batch_size, ours.schedule) == (15, 64, "constant")
    assert (ours.weight_decay, ours.label_smoothing, ours.normalization) == (0, 0, "unit")
    assert (ours.flip, ours.shift, ours.erase, ours.precision) == (False, 0, 0, "fp32")


def test_every_field_is_tried_here_and_described_there() -> None:
    assert set(BOUNDS) == set(Recipe.model_fields)
    assert all(field.description for field in Recipe.model_fields.values())


@pytest.mark.parametrize(("name", "value"), pairs(0))
def test_values_up_to_the_bounds_are_taken(name: str, value: Any) -> None:
    assert getattr(Recipe(**{name: value}), name) == value


@pytest.mark.parametrize(("name", "value"), pairs(1))
def test_values_beyond_them_are_refused_in_one_line_that_names_the_field(
    name: str, value: Any
) -> None:
    with pytest.raises(RecipeError, match=f"^{name} must be ") as caught:
        Recipe(**{name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["learning_rate", "", "self", "한글", "lr "])
def test_an_unknown_field_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(RecipeError, match=f"unknown recipe field '{name}'; known are model, "):
        Recipe(**{name: 1})
    with pytest.raises(RecipeError, match=f"unknown recipe field '{name}'; known are model, "):
        Recipe().but(**{name: 1})


@pytest.mark.parametrize(
    "value",
    [2**20_000, "a" * 10**6, list(range(10**6)), "two\nlines"],
    ids=["int", "str", "list", "lines"],
)
def test_a_long_value_makes_no_long_message(value: Any) -> None:
    with pytest.raises(RecipeError, match=r"^seed must be ") as caught:
        Recipe(seed=value)
    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("field", ["early_stopping", "validation_size"])
def test_protocol_notebook_refuses_what_needs_validation_pictures(field: str) -> None:
    with pytest.raises(RecipeError, match=f"^{field} .*use protocol 'holdout'"):
        Recipe(**{"protocol": "notebook", field: 5})


@pytest.mark.parametrize("pair", [("flip", "alternate_flip"), ("mixup", "cutmix")])
def test_two_ways_of_doing_the_same_are_refused(pair: tuple[str, str]) -> None:
    one, other = pair
    assert Recipe(**{one: 1}) != Recipe(**{other: 1})
    with pytest.raises(RecipeError, match=f"^{one} and {other} exclude each other"):
        Recipe(**{one: 1, other: 1})


def test_a_recipe_cannot_be_changed() -> None:
    ours = Recipe()
    with pytest.raises(ValidationError, match="frozen"):
        ours.lr = 1  # type: ignore[misc]


def test_but_returns_another_recipe_checked_like_the_first() -> None:
    ours = Recipe(epochs=3)
    other = ours.but(lr=0.1, model="convnet")
    assert (other.epochs, other.lr, other.model) == (3, 0.1, "convnet")
    assert (ours.lr, ours.model) == (0.0008, "three-layer")
    with pytest.raises(RecipeError, match=r"^epochs must be greater than 0, found 0"):
        ours.but(epochs=0)


def test_a_recipe_survives_json() -> None:
    ours = recipe("convnet", model_options={"widths": [1, 2, 3]}, early_stopping=4, lr=0.1 + 0.2)
    assert Recipe(**json.loads(json.dumps(ours.model_dump(mode="json")))) == ours


def test_changes_are_told_from_the_models_own_recipe() -> None:
    assert recipe_for_model("convnet").changes() == {}
    assert recipe_for_model("two-layer", lr=0.5, seed=3).changes() == {"lr": 0.5, "seed": 3}
    assert Recipe(model="mine:Net", flip=True).changes() == {"flip": True}


# Recipes by name


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipes_are_valid_and_say_what_they_are(name: str) -> None:
    about = shipped_recipes()[name]["about"]
    assert isinstance(about, str)
    assert about
    assert recipe(name).model in MODELS


@pytest.mark.parametrize("name", shipped_recipes())
def test_a_recipe_for_gpus_is_known_by_its_network(name: str) -> None:
    expected = name in {"resnet", "gpu-94", "gpu-95", "gpu-96", "best"}
    assert is_made_for_cuda(recipe(name).but(epochs=1, lr=0.5)) is expected
    smaller = Recipe(model=recipe(name).model, model_options={"dropout": 0.123})
    assert not is_made_for_cuda(smaller)


def test_every_network_of_ours_has_a_recipe() -> None:
    assert {recipe(name).model for name in shipped_recipes()} == set(MODELS)
    for model in MODELS:
        assert recipe_for_model(model).model == model


def test_the_notebooks_recipes_are_the_notebooks() -> None:
    assert recipe() == recipe("notebook-three-layer") == recipe_for_model("three-layer") == Recipe()
    two = recipe("notebook-two-layer")
    assert two == recipe_for_model("two-layer") == Recipe(model="two-layer", lr=0.001, epochs=5)


def test_an_own_network_starts_from_the_defaults() -> None:
    assert recipe_for_model("mine:Net", epochs=2) == Recipe(model="mine:Net", epochs=2)


def test_an_unknown_recipe_is_answered_with_the_known_ones() -> None:
    with pytest.raises(RecipeError, match="'worst'; known are notebook-three-layer, "):
        recipe("worst")


def test_fields_change_a_named_recipe() -> None:
    assert recipe("notebook-two-layer", epochs=1, flip=True).epochs == 1
    with pytest.raises(RecipeError, match="unknown recipe field 'speed'"):
        recipe("notebook-two-layer", speed=1)


# Recipes from files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "레시피.toml"


def test_a_file_holds_fields(path: Path) -> None:
    path.write_text(
        'model = "two-layer"\nlr = 0.01\nflip = true\n[model_options]\nhidden = [5]\n', "utf-8"
    )
    expected = Recipe(model="two-layer", lr=0.01, flip=True, model_options={"hidden": [5]})
    assert recipe(path) == recipe(str(path)) == expected
    assert recipe(path, lr=1).lr == 1


def test_an_empty_file_is_the_default_recipe(path: Path) -> None:
    path.write_bytes(b"")
    assert recipe(path) == Recipe()


def test_a_byte_order_mark_and_windows_line_ends_are_no_trouble(path: Path) -> None:
    path.write_bytes("\N{BYTE ORDER MARK}epochs = 3\r\nlr = 0.5\r\n".encode())
    assert recipe(path) == Recipe(epochs=3, lr=0.5)


def test_a_file_may_build_on_a_shipped_recipe(path: Path) -> None:
    path.write_text('base = "convnet"\nepochs = 2\n', "utf-8")
    assert recipe(path) == recipe("convnet", epochs=2)


@pytest.mark.parametrize("base", ['"nope"', "3", '["convnet"]', "{a = 1}"])
def test_an_unknown_base_is_answered_with_the_known_ones(path: Path, base: str) -> None:
    path.write_text(f"base = {base}\n", "utf-8")
    with pytest.raises(RecipeError, match=r"unknown base .*; known are notebook-three-layer, "):
        recipe(path)


@pytest.mark.parametrize(
    "content",
    [
        b"epochs 3",
        b"epochs = 3\nepochs = 4",
        b"\xff\xfe\x00",
        "model = '셔츠'".encode("cp949"),
        b"a = " + b"[" * 5000,
        b"epochs = " + b"9" * 5000,
        b"epochs = 2024-02-30",
        b"PK\x03\x04",
    ],
    ids=lambda content: repr(content[:20]),
)
def test_what_is_no_toml_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(RecipeError, match="not a TOML file"):
        recipe(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("self = 1", "unknown recipe field 'self'"),
        ("lr = '1' \n speed = 1", "unknown recipe field 'speed'"),
        ("[training]\nlr = 1", "unknown recipe field 'training'"),
        ("epochs = 2024-02-20", "^epochs must be "),
        ("epochs = 0x" + "f" * 6000, "^epochs must be "),
        ("lr = 0x" + "f" * 6000, "^lr must be "),
        ("epochs" + ".a" * 3000 + " = 1", "^epochs must be "),
        ("model_options" + ".a" * 3000 + " = 1", "^model_options must be "),
        ("model_options = {a = 2024-02-20}", "^model_options must be "),
        ("model_options = {a = inf}", "^model_options must be "),
    ],
    ids=lambda text: text[:20],
)
def test_toml_that_is_no_recipe_is_refused(path: Path, content: str, reason: str) -> None:
    path.write_text(content, "utf-8")
    with pytest.raises(RecipeError, match=reason):
        recipe(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"missing\.toml: cannot be read: No such file"):
        recipe(tmp_path / "missing.toml")
    tmp_path.joinpath("folder.toml").mkdir()
    with pytest.raises(RecipeError, match=r"folder\.toml: cannot be read: "):
        recipe(tmp_path / "folder.toml")
    with pytest.raises(RecipeError):
        recipe("nothing\0.toml")


def recipe_or_error(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        found = recipe(path)
    except RecipeError:
        return
    assert Recipe(**json.loads(json.dumps(found.model_dump(mode="json")))) == found


@IN_A_FIXTURES_FOLDER
@given(content=st.binary(max_size=60))
def test_any_bytes_give_a_recipe_or_a_recipe_error(path: Path, content: bytes) -> None:
    recipe_or_error(path, content)


VALUES = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    st.booleans().map(lambda value: str(value).lower()),
    st.text(st.characters(codec="utf-8")).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.sampled_from(
        ["[]", "{}", "[[1], {a = 1}]", "2024-02-20", "07:32:00", "0xff", "-inf", "1e9"]
    ),
    st.sampled_from([f'"{v}"' for values, _ in BOUNDS.values() for v in values]),
    st.text(max_size=5),
)
KEYS = st.sampled_from([*Recipe.model_fields, "base", "self", "a.b", '""']) | st.text(max_size=5)


@settings(IN_A_FIXTURES_FOLDER, max_examples=300)
@given(lines=st.lists(st.tuples(KEYS, VALUES), max_size=4))
def test_any_toml_gives_a_recipe_or_a_recipe_error(
    path: Path, lines: list[tuple[str, str]]
) -> None:
    text = "".join(f"{key} = {value}\n" for key, value in lines)
    recipe_or_error(path, text.encode("utf-8", "surrogatepass"))


def test_the_recipe_is_read_without_torch() -> None:
    program = "import sys, fittingroom.training.recipe; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
