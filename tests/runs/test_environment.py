from __future__ import annotations

import importlib.metadata
import os
import subprocess
from pathlib import Path

import pytest
import torch

import fittingroom as fr
from fittingroom.runs import environment
from fittingroom.training import device
from fittingroom.training.device import select_device

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def _asked_anew() -> None:
    environment.source_commit.cache_clear()


def test_versions_are_those_that_python_knows() -> None:
    found = environment.package_versions()
    assert found == {name: importlib.metadata.version(name) for name in found}
    assert "torch" in found


def test_what_the_bits_depend_on_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    found = environment.describe_environment(select_device("cpu"))
    assert found["threads"] == torch.get_num_threads()
    assert found["interop_threads"] == torch.get_num_interop_threads()
    assert found["cpu_capability"] == torch.backends.cpu.get_cpu_capability()
    assert found["variables"]["MKL_CBWR"] == "COMPATIBLE"
    assert "cuda" not in found


def test_kernels_features_are_those_of_x86_and_arm(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {"flags": "fpu smep avx2 avx512f amx_tile", "Features": "fp asimd sve"}
    monkeypatch.setattr(device, "cpu_info", lambda key: listed.get(key, ""))
    assert environment.kernel_choice()["cpu_features"] == ["amx_tile", "avx2", "avx512f"]
    del listed["flags"]
    assert environment.kernel_choice()["cpu_features"] == ["asimd", "sve"]
    listed.clear()
    assert "cpu_features" not in environment.kernel_choice()


def commit_in(folder: Path, *words: str) -> str:
    variables = {f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME",)}
    variables |= {"GIT_AUTHOR_EMAIL": "a@b.c", "GIT_COMMITTER_EMAIL": "a@b.c"}
    return subprocess.run(
        ["git", *words],
        cwd=folder,
        env=os.environ | variables,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def test_commit_and_changes_are_those_of_the_checkout_whatever_git_is_told_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "src" / "fittingroom"
    package.mkdir(parents=True)
    module = package / "__init__.py"
    module.write_text("")
    commit_in(tmp_path, "init", "--quiet")
    commit_in(tmp_path, "add", ".")
    commit_in(tmp_path, "commit", "--quiet", "--message", "a")
    commit = commit_in(tmp_path, "rev-parse", "HEAD")
    monkeypatch.setattr(fr, "__file__", str(module))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert environment.source_commit() == {"commit": commit, "modified": False}
    (tmp_path / "README.md").write_text("not the source")
    module.write_text("# changed")
    assert environment.source_commit()["modified"] is False  # the modules in memory are older
    environment.source_commit.cache_clear()
    assert environment.source_commit() == {"commit": commit, "modified": True}
    environment.source_commit.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment.source_commit() == {}


def test_an_installed_package_is_of_no_commit_though_a_checkout_lies_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "lib" / "site-packages" / "fittingroom"
    package.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(fr, "__file__", str(package / "__init__.py"))
    assert environment.source_commit() == {}


def test_a_checkout_without_a_commit_has_none() -> None:
    assert environment.read_status("# branch.oid (initial)\n# branch.head main\n") == {}
    assert environment.read_status(f"# branch.oid {COMMIT}\n1 .M N... a\n") == {
        "commit": COMMIT,
        "modified": True,
    }
