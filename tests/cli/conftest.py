"""The command line, called in this process, and as the real command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from fittingroom.cli import main


class Result(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Cli = Callable[..., Result]


@pytest.fixture
def cli(isolated: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Call `fittingroom WORDS...` in this process, in an empty folder."""

    def call(*words: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["fittingroom", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main()
        return Result(int(exit_.value.code or 0), *capsys.readouterr())

    return call


@pytest.fixture
def command(isolated: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start the real command in an empty folder; its outputs can be read."""

    def start(*words: object, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "fittingroom", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | environment,
        )

    return start


@pytest.fixture
def trained(cli: Cli, shapes_folder: Path) -> Path:
    """The folder of a finished run."""
    words = ("--epochs", 2, "--batch-size", 32, "--lr", 0.01, "--no-figures", "--quiet")
    assert cli("train", "--data", shapes_folder, *words) == (0, "", "")
    return Path("runs") / "shapes-three-layer-seed0"
