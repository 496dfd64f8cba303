from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fittingroom.errors import StudyError
from fittingroom.studies.plan import MOST_RUNS, StudyPlan, Words, settings_of
from fittingroom.studies.reading import plan_of, read_plan, shipped_plans
from fittingroom.training.recipe import Recipe, recipe

TWO: dict[str, Any] = {"settings": {"slow": {"lr": 1e-4}, "fast": {"lr": 1e-2}}}


def test_a_setting_is_the_base_with_its_own_fields() -> None:
    plan = plan_of({"base": {"recipe": "convnet", "epochs": 3, "lr": 0.1}, **TWO})
    assert plan.setting("slow").recipe == recipe("convnet", epochs=3, lr=1e-4)
    assert plan.setting("fast").recipe == recipe("convnet", epochs=3, lr=1e-2)


def test_a_model_without_a_recipe_brings_its_own_as_in_train() -> None:
    plan = plan_of({"settings": {"conv": {"model": "convnet", "epochs": 2}, "mlp": {}}})
    assert plan.setting("conv").recipe == recipe("convnet", epochs=2)
    assert plan.setting("mlp").recipe == recipe()


def test_a_grid_is_every_combination_and_its_names_say_which() -> None:
    plan = plan_of({"grid": {"lr": [0.1, 0.01], "epochs": [1, 2, 3]}})
    found = {s.name: (s.recipe.lr, s.recipe.epochs) for s in plan.settings}
    assert found == {
        f"lr={lr}, epochs={epochs}": (lr, epochs) for lr in (0.1, 0.01) for epochs in (1, 2, 3)
    }


def test_seeds_are_a_number_or_a_list() -> None:
    assert plan_of({**TWO, "seeds": 3}).seeds == (0, 1, 2)
    assert plan_of({**TWO, "seeds": [7, 1]}).seeds == (7, 1)
    assert plan_of(TWO).but(seeds=2).seeds == (0, 1)


def test_work_goes_through_all_settings_with_one_seed_first() -> None:
    wanted = [(setting.name, seed) for setting, seed in plan_of({**TWO, "seeds": 2}).wanted]
    assert wanted == [("slow", 0), ("fast", 0), ("slow", 1), ("fast", 1)]


def test_a_plan_survives_its_way_through_json() -> None:
    plan = read_plan("notebook")
    assert StudyPlan.model_validate(plan.model_dump(mode="json")) == plan


def test_another_protocol_is_every_settings_protocol() -> None:
    plan = plan_of(TWO).but(protocol="notebook")
    assert {setting.recipe.protocol for setting in plan.settings} == {"notebook"}


def test_a_recipe_may_be_given_in_python() -> None:
    plan = plan_of({"settings": {"mine": Recipe(lr=0.5, seed=9)}})
    assert plan.setting("mine").recipe_for(3) == Recipe(lr=0.5, seed=3)


@pytest.mark.parametrize(
    ("value", "english", "korean"),
    [
        ("both", "both", "both"),
        ({"ko": "하나"}, "하나", "하나"),
        ({"en": "a", "ko": "가"}, "a", "가"),
    ],
)
def test_words_in_one_language_stand_for_both(value: object, english: str, korean: str) -> None:
    words = Words.model_validate(value)
    assert (words.of("en"), words.of("ko")) == (english, korean)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({}, "a study of nothing"),
        ({"settings": {}}, "a study of nothing"),
        ({"grid": {}}, "a study of nothing"),
        ({"grid": {"lr": []}}, r"grid.lr must be a list of one or more values, found \[\]"),
        ({"grid": {"lr": 0.1}}, "grid.lr must be a list"),
        ({"grid": []}, "grid must be a table"),
        (
            {"grid": {"lr": list(range(1, 1001)), "epochs": list(range(1, 1001))}, "seeds": 1},
            "asks for 1,000,000 runs, at most 10,000 are allowed",
        ),
        ({**TWO, "seeds": 0}, "seeds must be 1 to 10,000, found 0"),
        ({**TWO, "seeds": True}, "seeds must be a number or a list of numbers, found True"),
        ({**TWO, "seeds": []}, r"seeds must be a number or a list of numbers, found \[\]"),
        ({**TWO, "seeds": [-1]}, "seeds.0"),
        ({**TWO, "seeds": [1, 1]}, "a seed is named twice"),
        ({"settings": {"a": {"learning_rate": 1}}}, "'a': unknown recipe field 'learning_rate'"),
        ({"settings": {"a": {"lr": -1}}}, "'a': lr must be greater than 0, found -1"),
        ({"settings": {"a": {"recipe": "nope"}}}, "'a': unknown recipe 'nope'; known are"),
        ({"settings": {"a": {"seed": 1}}}, "'a': seeds are named once, for all settings"),
        ({"settings": {"a": {"model": "m:Net"}}}, "'a': a study cannot name a network of your own"),
        ({"settings": {"a": 3}}, "settings.a must be a table, found 3"),
        ({"settings": {"a": {}, "A": {}}}, "two settings share the name or folder name 'a'"),
        ({"settings": {"": {}}}, "at least 1 character"),
        ({**TWO, "colour": 1}, "unknown field 'colour'"),
        ({**TWO, "claims": [{"id": "x", "kind": "best", "setting": "slow"}]}, "text is missing"),
        (
            {**TWO, "claims": [{"id": "x", "kind": "prettiest", "text": "y"}]},
            "unknown kind of claim 'prettiest'; known are better, best, diagnosed, bargain",
        ),
        (
            {**TWO, "claims": [{"id": "x", "kind": "best", "text": "y", "setting": "gone"}]},
            "claim 'x': no setting 'gone'; known are fast, slow",
        ),
        (
            {
                **TWO,
                "recorded": [{"id": "1", "label": "l", "accuracy": 0.9, "settings": ["gone"]}],
            },
            "recorded result '1': no setting 'gone'",
        ),
        (
            {
                **TWO,
                "recorded": [{"id": "1", "label": "l", "accuracy": 88.94, "settings": ["slow"]}],
            },
            "accuracy: Input should be less than or equal to 1",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(StudyError, match=complaint) as caught:
        plan_of(fields, where="my.toml")
    assert str(caught.value).startswith("my.toml: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second"), [("a b", "a/b"), ("Fast", "fast"), ("\uac00", "\u1100\u1161")]
)
def test_names_that_are_one_folder_on_some_disk_are_refused(first: str, second: str) -> None:
    with pytest.raises(StudyError, match="two settings share the name or folder name"):
        plan_of({"settings": {first: {}, second: {}}})


@pytest.mark.parametrize("name", ["..", "CON", "/", "\N{ROCKET}", "\uac00" * 300, "x" * 300])
def test_every_name_of_a_setting_makes_a_folder(name: str, tmp_path: Path) -> None:
    plan = plan_of({"settings": {name: {}, f"{name[:-1]}y": {}}})
    names = [setting.run_name(2**63 - 1) for setting in plan.settings]
    for run_name in names:
        (tmp_path / run_name).mkdir()
        (tmp_path / f"{run_name}.lock").touch()
        assert (tmp_path / run_name).parent == tmp_path
    assert len(set(names)) == 2


def test_more_seeds_than_are_allowed_are_refused_wherever_they_are_named() -> None:
    with pytest.raises(StudyError, match="asks for 20,000 runs, at most 10,000 are allowed"):
        plan_of(TWO).but(seeds=10_000)


def test_a_large_grid_is_refused_before_it_is_made() -> None:
    values = list(range(1, 100_001))
    with pytest.raises(StudyError, match="at most"):
        plan_of({"grid": {"lr": values, "epochs": values, "batch_size": values}})


def test_as_many_runs_as_are_allowed_are_allowed() -> None:
    assert len(plan_of({**TWO, "seeds": MOST_RUNS // 2}).wanted) == MOST_RUNS


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"\xff\xfe", "not a TOML file"), (b"a =", "not a TOML file"), (b"", "a study of nothing")],
)
def test_a_file_that_is_no_study_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "연구.toml"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=complaint):
        read_plan(path)


def test_a_file_is_read_and_named_after_itself(tmp_path: Path) -> None:
    path = tmp_path / "학습률.toml"
    path.write_text("[settings.'느리게']\nlr = 0.0001\n", "utf-8-sig")
    plan = read_plan(path)
    assert plan.name == "학습률"
    assert plan.title.of("ko") == "학습률"
    assert plan.setting("느리게").run_name(2) == "느리게-seed2"


def test_an_unknown_study_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="unknown study 'nope'; known are notebook"):
        read_plan("nope")
    with pytest.raises(StudyError, match="cannot be read: No such file"):
        read_plan(tmp_path / "nope.toml")


@pytest.mark.parametrize("name", shipped_plans())
def test_shipped_studies_are_said_in_both_languages(name: str) -> None:
    plan = read_plan(name)
    said = [plan.title, plan.about, *(c.text for c in plan.claims)]
    said += [s.label for s in plan.settings] + [r.label for r in plan.recorded]
    for words in said:
        assert words is not None
        assert words.of("en").isascii()
        assert words.of("ko") != words.of("en")
    assert all(settings_of(claim) for claim in plan.claims)
