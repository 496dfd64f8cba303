"""The examples do what they say, with the built-in sketches where Fashion-MNIST is not at hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import fittingroom as fr

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.slow


def run_example(name: str, *arguments: str, folder: Path) -> str:
    """Run an example in an empty folder, on the sketches, and return what it prints."""
    environment = {k: v for k, v in os.environ.items() if k != "FITTINGROOM_DATA"}
    environment["FITTINGROOM_CACHE"] = str(folder / "cache")
    environment["https_proxy"] = environment["http_proxy"] = "http://127.0.0.1:9"
    finished = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def quick_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that the example leaves."""
    folder = tmp_path_factory.mktemp("quick start")
    assert "Accuracy" in run_example("quick_start", folder=folder)
    (run,) = (folder / "runs").iterdir()
    return run


def test_quick_start_trains_and_its_model_can_be_read_without_fittingroom(
    quick_start: Path, tmp_path: Path
) -> None:
    run = str(quick_start)
    assert "a black picture is taken for:" in run_example("read_a_model", run, folder=tmp_path)


def test_an_exported_model_answers_with_onnxruntime_alone(
    quick_start: Path, tmp_path: Path
) -> None:
    fr.export(quick_start, tmp_path / "model.onnx", data="sketches")
    Image.new("L", (28, 28), 128).save(tmp_path / "grey.png")
    words = run_example("answer_anywhere", "model.onnx", "grey.png", folder=tmp_path)
    assert "%" in words
    assert "unlike everything" in words


def test_a_network_of_ones_own_is_trained(tmp_path: Path) -> None:
    words = run_example("own_network", folder=tmp_path)
    accuracy = float(words.split("%")[0])
    assert 50 < accuracy < 100
    assert "sketches" in words
