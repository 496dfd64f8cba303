"""A matrix unit whose description a virtual machine hides is shown to the ways that want it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tiles
import turns
from fittingroom.training import bf16, device
from row import TILES, Row, Size
from turns import Shelf, take_turns

ONE = Size(1)
ROW = Row("a-row", "a row", {"A": lambda _: {}, TILES: lambda _: {}}, ONE, ONE, ONE, "A")


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    tiles.environment.cache_clear()
    yield
    tiles.environment.cache_clear()


@pytest.mark.parametrize("flags", [(), ("amx_tile",)])
def test_nothing_is_shown_where_it_is_not_needed(
    flags: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "cpu_features", lambda: frozenset(flags))
    monkeypatch.setattr(bf16, "try_in_a_process", lambda: bf16.Bf16(sound=True, fast=True))
    assert tiles.environment() is None


@pytest.mark.parametrize("shown", [None, {"LD_PRELOAD": "tiles.so"}])
def test_the_way_is_taken_only_where_the_tiles_can_be_shown(
    shown: dict[str, str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, Any]] = []

    def run(arguments: list[str], log: Path, environment: Any) -> dict[str, Any]:
        told.append((arguments[2], environment))
        return {"seconds": 1.0}

    monkeypatch.setattr(turns, "run_program", run)
    monkeypatch.setattr(turns, "busy_cores", lambda: 0.0)
    monkeypatch.setattr(tiles, "environment", lambda: shown)
    take_turns(ROW, ONE, Shelf(tmp_path, "a-row", {}), None, lambda _: None)
    assert told == ([("A", None)] if shown is None else [("A", None), (TILES, shown)])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("cc"), reason="no C compiler")
@pytest.mark.skipif("amx_tile" not in device.cpu_features(), reason="a CPU without AMX")
def test_with_the_description_loaded_python_still_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "tiles.so"
    monkeypatch.setattr(tiles, "LIBRARY", library)
    shown = tiles.environment()
    if shown is None:
        pytest.skip("its tiles are described, or cannot be")
    program = "import torch; x = torch.ones(64, 64).bfloat16(); print(float((x @ x).sum()))"
    done = subprocess.run(
        [sys.executable, "-c", program], env=shown, capture_output=True, check=True, text=True
    )
    assert float(done.stdout) == 64.0**3
