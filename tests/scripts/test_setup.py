"""What the set-up decides and says; ``make`` itself shows that it makes an environment."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script as a module, with ``.venv`` in an empty folder."""
    spec = importlib.util.spec_from_file_location("setup_script", ROOT / "scripts" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("VENV", "PYTHON", "LOG", "REPORT", "RUN_STAMP", "DEV_STAMP", "UNFINISHED"):
        inside = getattr(module, name).relative_to(ROOT)
        monkeypatch.setattr(module, name, tmp_path / inside)
    return module


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the files that an installation depends on."""
    for name in ("pyproject.toml", "constraints.txt", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("system", "nvidia", "wish", "expected"),
    [
        ("Linux", False, None, "cpu"),
        ("Linux", False, "", "cpu"),
        ("Linux", True, None, "default"),
        ("Darwin", False, None, "default"),
        ("Windows", False, None, "default"),
        ("Linux", True, "cpu", "cpu"),
        ("Linux", False, "default", "default"),
    ],
)
def test_cpu_torch_is_for_linux_without_a_gpu_unless_wished_otherwise(
    setup: ModuleType, system: str, nvidia: bool, wish: str | None, expected: str
) -> None:
    assert setup.wanted_torch(system, nvidia, wish) == expected


def test_unknown_wish_for_torch_names_the_known_ones(setup: ModuleType) -> None:
    with pytest.raises(setup.SetupError, match="cpu or default, and is 'rocm'"):
        setup.wanted_torch("Linux", False, "rocm")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ERROR: [Errno 28] No space left on device: '/x'", "disk is full"),
        ("WARNING: Retrying after connection broken by 'NewConnectionError('", "check the network"),
        ("HTTPSConnectionPool(host='x'): Read timed out. (timeout=15)", "check the network"),
        ("ERROR: no version for setuptools (from versions: none)", "check the network"),
        ("SSLError('[SSL: CERTIFICATE_VERIFY_FAILED] self-signed", "certificate"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no build for this machine"),
    ],
)
def test_known_failures_of_pip_are_told_in_one_line(
    setup: ModuleType, line: str, expected: str
) -> None:
    message = setup.explain(["Collecting setuptools\n", line + "\n", "ERROR: it failed\n"])
    assert expected in message
    assert "\n" not in message
    assert str(setup.LOG) in message


def test_unknown_failure_of_pip_shows_its_last_lines(setup: ModuleType) -> None:
    message = setup.explain([f"line {number}\n" for number in range(100)])
    assert message.endswith("line 98\nline 99")
    assert "line 50" not in message


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  Downloading torch-2.13.0-cp312-none-any.whl (191.8 MB)\n", "torch (191.8 MB)"),
        ("Downloading https://host/a/torch-2.13.0.whl (2.1 GB)\n", "torch (2.1 GB)"),
        ("Downloading idna-3.20-py3-none-any.whl (70 kB)\n", None),
        ("Downloading mypy-2.4.1-py3-none-any.whl (12.5 MB)\n", None),
        ("Using cached torch-2.13.0-cp312-none-any.whl (191.8 MB)\n", None),
    ],
)
def test_only_long_downloads_are_announced(
    setup: ModuleType, line: str, expected: str | None
) -> None:
    assert setup.large_download(line) == expected


def test_environment_is_ready_only_while_its_stamp_fits(setup: ModuleType) -> None:
    setup.PYTHON.parent.mkdir(parents=True)
    setup.PYTHON.touch()
    assert not setup.is_ready("fingerprint", setup.RUN_STAMP)
    setup.RUN_STAMP.write_text("fingerprint")
    assert setup.is_ready("fingerprint", setup.RUN_STAMP)
    assert not setup.is_ready("another", setup.RUN_STAMP)
    assert not setup.is_ready("fingerprint", setup.DEV_STAMP)
    setup.UNFINISHED.touch()
    assert not setup.is_ready("fingerprint", setup.RUN_STAMP)


def test_environment_without_its_python_is_not_ready(setup: ModuleType) -> None:
    setup.VENV.mkdir()
    setup.RUN_STAMP.write_text("fingerprint")
    assert not setup.is_ready("fingerprint", setup.RUN_STAMP)


def test_what_pip_writes_counts_as_unfinished_from_its_first_file(setup: ModuleType) -> None:
    setup.VENV.mkdir()
    setup.follow("Collecting torch==2.13.0\n")
    assert not setup.UNFINISHED.exists()
    setup.follow("Installing collected packages: torch\n")
    assert setup.UNFINISHED.exists()


def test_what_is_installed_is_compiled_but_for_its_tests(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "PYTHON", Path(sys.executable))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    packages = setup.VENV / "lib" / "site-packages"
    for name in ("a/b.py", "a/tests/c.py", "a/test/d.py", "a/testing/e.py", "a/old.py"):
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text("print 'of Python 2'" if "old" in name else "x = 1\n")
    setup.compile_everything()
    compiled = {path.name.partition(".")[0] for path in packages.rglob("*.pyc")}
    assert compiled == {"b", "e"}


def test_unfinished_environment_is_emptied(setup: ModuleType) -> None:
    (setup.VENV / "lib").mkdir(parents=True)
    (setup.VENV / "pyvenv.cfg").touch()
    setup.UNFINISHED.touch()
    setup.clear()
    assert list(setup.VENV.iterdir()) == [setup.UNFINISHED]


def test_environment_of_someone_else_is_left_alone(setup: ModuleType) -> None:
    setup.VENV.mkdir()
    (setup.VENV / "theirs").touch()
    with pytest.raises(setup.SetupError, match="not made here"):
        setup.clear()
    assert (setup.VENV / "theirs").exists()


def test_fingerprint_follows_what_is_installed_and_where(setup: ModuleType, project: Path) -> None:
    first = setup.fingerprint(project)
    constraints = project / "constraints.txt"
    constraints.write_text(constraints.read_text().replace("torch==", "torch==9"))
    assert setup.fingerprint(project) != first
    shutil.copy(ROOT / "constraints.txt", project)
    assert setup.fingerprint(project) == first
    assert setup.fingerprint(ROOT) != first


def test_fingerprint_ignores_the_settings_of_tools(setup: ModuleType, project: Path) -> None:
    first = setup.fingerprint(project)
    with (project / "pyproject.toml").open("a") as file:
        file.write("\n[tool.another]\nline-length = 80\n")
    assert setup.fingerprint(project) == first


def test_wrong_python_is_told_what_is_needed_and_what_was_found(setup: ModuleType) -> None:
    line = setup.wrong_python((3, 9), "/usr/bin/python3")
    assert "needs Python 3.11, 3.12, 3.13; this is 3.9 (/usr/bin/python3)" in line


def test_only_supported_pythons_are_accepted(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert setup.is_supported([sys.executable])
    assert not setup.is_supported(["a-command-that-does-not-exist"])
    monkeypatch.setattr(setup, "SUPPORTED", ((2, 7),))
    assert not setup.is_supported([sys.executable])


def test_every_direct_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = {re.split(r"[^\w-]", requirement)[0] for requirement in wanted} - {project["name"]}
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert names <= set(re.findall(r"^([\w-]+)==\S+$", constraints, re.MULTILINE))


def test_every_pinned_version_has_its_hashes_and_no_other_has(setup: ModuleType) -> None:
    pins = re.findall(r"^[\w-]+==\S+$", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE)
    lock = setup.LOCK.read_text("utf-8")
    locked = re.findall(r"^([\w-]+)(?:\[\w,-]+\])?==([^\s;]+)", lock, re.MULTILINE)
    assert sorted(f"{name}=={version}" for name, version in locked) == sorted(pins)
    known = setup.known_hashes(setup.LOCK)
    assert known.keys() == {name for name, _ in locked}
    assert sum(map(len, known.values())) == lock.count("--hash=sha256:")


def installed(name: str, version: str, **info: Any) -> dict[str, Any]:
    """Return what pip reports of one package."""
    where = {"url": f"https://index/{name}.whl"} | info
    return {"install": [{"metadata": {"name": name, "version": version}, "download_info": where}]}


def of_digest(digest: str) -> dict[str, Any]:
    return {"archive_info": {"hashes": {"sha256": digest}}}


def test_a_package_of_another_hash_than_the_known_ones_is_refused(setup: ModuleType) -> None:
    known = {"a-package": {"1" * 64, "2" * 64}, "torch": {"3" * 64}}
    setup.check_hashes(installed("A_Package", "1.0", **of_digest("2" * 64)), known)
    setup.check_hashes(installed("torch", "2.13.0", **of_digest("3" * 64)), known)
    for name, digest in (("A_Package", "3" * 64), ("unknown", "1" * 64), ("torch", "4" * 64)):
        with pytest.raises(setup.SetupError, match=r"is not the file that requirements.lock knows"):
            setup.check_hashes(installed(name, "2.13.0", **of_digest(digest)), known)
    with pytest.raises(setup.SetupError, match="SHA-256 is None"):
        setup.check_hashes(installed("a-package", "1.0", archive_info={}), known)


def test_this_project_and_torchs_cpu_build_have_no_hash_to_be_held_against(
    setup: ModuleType,
) -> None:
    setup.check_hashes(installed("fittingroom", "0.1", dir_info={"editable": True}), {})
    setup.check_hashes(installed("torch", "2.13.0+cpu", **of_digest("5" * 64)), {"torch": set()})


@pytest.mark.skipif(os.name == "nt", reason="make is not expected there")
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_lists_its_targets_when_asked_for_nothing() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("run", "test", "check", "bench", "clean"):
        assert f"make {target} " in shown
