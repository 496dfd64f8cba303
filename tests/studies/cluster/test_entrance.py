"""What travels to a node, and what a node has to have."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

import pytest

import fittingroom
from fittingroom.studies.cluster.entrance import modules_that_travel, needed_versions


def test_a_node_needs_the_versions_that_bits_depend_on() -> None:
    found = needed_versions()
    assert found["torch"] == version("torch").split("+")[0]
    assert found["numpy"] == version("numpy")
    assert f"{platform.python_version()}.".startswith(f"{found['Python']}.")


def test_the_package_and_ones_own_modules_travel_and_what_is_installed_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "travelling_file.py").touch()
    (tmp_path / "travelling_package").mkdir()
    (tmp_path / "travelling_package" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    names = ["travelling_file", "travelling_package.nets", "torch", "no_such_module"]
    assert modules_that_travel([*names, *names]) == [
        Path(str(fittingroom.__file__)).parent,
        tmp_path / "travelling_file.py",
        tmp_path / "travelling_package",
    ]
