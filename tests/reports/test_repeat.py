from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.reports import repeat
from fittingroom.runs.train import train
from fittingroom.training.recipe import Recipe


class Planted:
    """A run of which only recipe and record are looked at."""

    def __init__(self, recipe: Recipe, **record: Any) -> None:
        self.recipe = recipe
        self.record = {
            "data": {"name": "fashion-mnist", "source": "/a"},
            "environment": {"device": "cuda", "threads": 8},
            **record,
        }


def test_the_command_that_was_typed_is_the_one_that_repeats_the_run() -> None:
    run = Planted(Recipe(), command="fittingroom train --quiet")
    assert repeat.command(run) == "fittingroom train --quiet"  # type: ignore[arg-type]


def test_a_command_is_made_of_what_differs_from_the_model_s_own_recipe() -> None:
    recipe = Recipe(
        model="three-layer",
        model_options={"hidden": [128, 64]},
        lr=0.01,
        flip=True,
        protocol="notebook",
        seed=3,
    )
    words = shlex.split(repeat.command(Planted(recipe)))  # type: ignore[arg-type]
    assert words[:4] == ["fittingroom", "train", "--data", "fashion-mnist"]
    assert set(zip(words[6::2], words[7::2], strict=False)) >= {("--option", "hidden=[128, 64]")}
    assert " --flip" in " ".join(words)
    assert words[-2:] == ["--seed", "3"]


def test_threads_are_named_where_the_last_bits_depend_on_them() -> None:
    on_cpu = Planted(Recipe(), environment={"device": "cpu", "threads": 8})
    assert repeat.command(on_cpu).endswith(" --threads 8")  # type: ignore[arg-type]
    assert "torch.set_num_threads(8)" in repeat.python(on_cpu)  # type: ignore[arg-type]
    assert "threads" not in repeat.python(Planted(Recipe()))  # type: ignore[arg-type]


def test_the_command_is_understood_by_the_command_line(
    shapes_folder: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its recipe, read back by the program itself, is the run's own."""
    from fittingroom.cli import main

    recipe = Recipe(
        model="two-layer",
        model_options={"hidden": 9},
        epochs=1,
        lr=0.003,
        flip=True,
        optimizer="sgd",
        validation_size=20,
        seed=5,
    )
    run = train(recipe, str(shapes_folder), figures=False)
    words = [*shlex.split(repeat.command(run)), "--no-figures", "--name", "again"]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    again = fr.open_run("again")
    assert again.recipe == run.recipe
    assert again.evaluation.logits.tolist() == run.evaluation.logits.tolist()


def test_the_program_repeats_the_run(shapes_folder: Path, isolated: Path) -> None:
    run = train("two-layer", str(shapes_folder), epochs=1, lr=0.003, seed=2, figures=False)
    names: dict[str, Any] = {}
    exec(repeat.python(run), names)  # noqa: S102 - the program that we wrote
    assert names["run"].evaluation.logits.tolist() == run.evaluation.logits.tolist()


def test_data_that_were_never_in_a_file_are_for_the_reader_to_fill_in(
    shapes: DataSplits, isolated: Path
) -> None:
    run = train("two-layer", shapes, epochs=1, figures=False)
    assert "--data path/to/shapes " in repeat.command(run)


def test_versions_name_packages_and_device_but_not_the_kernel(run: fr.Run) -> None:
    found = dict(repeat.versions(run))
    assert found["fittingroom"] == fr.__version__
    assert {"python", "torch", "numpy", "device", "threads"} <= found.keys()
    assert found["platform"] in {"Linux", "macOS", "Windows"}


def test_of_the_source_its_commit_and_of_variables_each_are_shown_shortly() -> None:
    environment = {
        "commit": "0123456789abcdef" * 2,
        "modified": True,
        "cpu_capability": "AVX2",
        "cpu_features": ["avx", "avx2", "fma"],
        "variables": {"MKL_CBWR": "COMPATIBLE"},
        "packages": {"torch": "2.13.0"},
    }
    assert dict(repeat.versions_of(environment)) == {
        "commit": "0123456789ab, changed",
        "cpu_capability": "AVX2",
        "MKL_CBWR": "COMPATIBLE",
        "torch": "2.13.0",
    }


def test_the_recipe_says_which_fields_are_changed(run: fr.Run) -> None:
    changed = {name for name, _, is_changed in repeat.recipe_fields(run) if is_changed}
    assert changed == {"epochs", "batch_size", "lr"}
    assert [name for name, *_ in repeat.recipe_fields(run)] == list(Recipe.model_fields)
