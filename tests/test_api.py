from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import fittingroom as fr

HEAVY = {
    "matplotlib",
    "numpy",
    "optuna",
    "PIL",
    "pooch",
    "requests",
    "safetensors",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "torch",
}


def test_the_package_shows_exactly_its_public_names() -> None:
    assert dir(fr) == sorted(fr.__all__)


@pytest.mark.parametrize("name", fr.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(fr, name)
    if name != "__version__":
        assert inspect.getdoc(value)
        assert value.__name__ == name
        assert value.__module__.startswith("fittingroom.")


def test_another_name_is_refused_as_python_does_it() -> None:
    with pytest.raises(AttributeError, match="'fittingroom' has no attribute 'tarin'"):
        _ = fr.tarin
    with pytest.raises(ImportError):
        from fittingroom import tarin  # noqa: F401


def test_every_error_of_the_tree_is_a_fittingroom_error_and_drawn_there() -> None:
    errors = importlib.import_module("fittingroom.errors")
    assert errors.__doc__ is not None
    for name, value in inspect.getmembers(errors, inspect.isclass):
        assert issubclass(value, fr.FittingroomError)
        assert name in errors.__doc__


@pytest.mark.parametrize(
    "program",
    [
        "import fittingroom",
        "from fittingroom import Recipe, recipe",
        "import fittingroom.cli",
        "main('--help')",
        "main('train', '--help')",
        "main('recipes')",
        "main('train', '--lr', '-1')",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(program: str, tmp_path: Path) -> None:
    assert imported_by(program, tmp_path) & HEAVY == set()


@pytest.mark.parametrize("program", ["main('--help')", "main('predict', 'a.onnx', 'a.png')"])
def test_the_recipe_is_imported_only_where_there_is_one(program: str, tmp_path: Path) -> None:
    assert "fittingroom.training.recipe" not in imported_by(program, tmp_path)


def imported_by(program: str, folder: Path) -> set[str]:
    """Return the modules that a program has imported at its end."""
    script = f"""
import atexit, json, pathlib, sys

def main(*words):
    sys.argv[1:] = words
    from fittingroom.cli import main
    main()

report = lambda: pathlib.Path("modules.json").write_text(json.dumps(list(sys.modules)))
atexit.register(report)
{program}
"""
    subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True)
    modules = set(json.loads((folder / "modules.json").read_text()))
    assert any(module.startswith("fittingroom") for module in modules)
    return modules


def test_the_data_room_works_without_torch(tmp_path: Path) -> None:
    """As on a machine where torch is not installed: importing it fails there."""
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "import fittingroom as fr\n"
        "print(fr.load('sketches').train.images.shape)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert shown.stderr == ""
    assert shown.stdout == "(10800, 1, 28, 28)\n"
