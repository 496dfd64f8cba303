from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.conftest import Result
from tests.conftest import shape_pictures

from fittingroom.serving.keeping import NAME

Cli = Callable[..., Result]


@pytest.fixture
def photos(isolated: Path) -> Path:
    """Three pictures of the shapes, of their own size."""
    folder = isolated / "내 사진"
    folder.mkdir()
    for number, picture in enumerate(shape_pictures(3, seed=5).images):
        Image.fromarray(picture[0]).save(folder / f"모양 {number}.png")
    return folder


def test_train_leaves_behind_what_photos_are_answered_with(trained: Path) -> None:
    assert (trained / NAME).is_file()


def test_photos_get_a_table_of_answers(cli: Cli, trained: Path, photos: Path) -> None:
    found = cli("predict", trained, photos)
    assert (found.code, found.err) == (0, "")
    lines = found.out.splitlines()
    assert lines[1].split()[:3] == ["file", "answer", "confidence"]
    assert [line.split("  ")[0].strip() for line in lines[3:6]] == [
        f"{photos}/모양 {number}.png" for number in range(3)
    ]


def test_answers_as_json_and_csv_are_for_programs(cli: Cli, trained: Path, photos: Path) -> None:
    as_json = json.loads(cli("predict", "latest", photos, "--json").out)
    as_csv = list(csv.DictReader(io.StringIO(cli("predict", trained, photos, "--csv").out)))
    for one, other in zip(as_json, as_csv, strict=True):
        assert one["file"] == other["file"]
        assert one["answer"] == other["answer"]
        assert float(other["confidence"]) == pytest.approx(one["confidence"], abs=1e-5)
        assert float(other[one["answer"]]) == pytest.approx(one["confidence"], abs=1e-5)
    assert cli("predict", trained, photos, "--csv", "--json").code == 2


@pytest.mark.parametrize("name", ["answers.png", "answers.svg", "answers.pdf"])
def test_show_draws_what_was_seen(cli: Cli, trained: Path, photos: Path, name: str) -> None:
    found = cli("predict", trained, photos, "--show", name)
    assert (found.code, found.err) == (0, "")
    assert f"drawn: {name}" in found.out
    assert Path(name).stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("predict", "gone", "a.png"), "a.png: cannot be read (No such file"),
        (("predict", "gone", "PHOTOS"), "gone: no such run"),
        (("predict", "latest"), "no photos: name pictures"),
        (("predict", "PHOTO"), "name the run before the photo: `fittingroom predict latest"),
        (("predict", "latest", "PHOTO", "--show", "a.txt"), "ends in .png, .svg or .pdf"),
        (("predict", "latest", "PHOTO", "--show", "x/a.png"), "there is no folder x"),
        (("predict", "gone.onnx", "PHOTO"), "gone.onnx: cannot be read"),
        (("export", "gone", "a.onnx"), "gone: no such run"),
        (("export", "latest", "a.pt"), "expected a name that ends in .onnx"),
    ],
)
def test_bad_input_is_one_line(
    cli: Cli, trained: Path, photos: Path, words: tuple[str, ...], reason: str
) -> None:
    del trained
    places = {"PHOTOS": photos, "PHOTO": photos / "모양 0.png"}
    found = cli(*(places.get(word, word) for word in words))
    assert found.code == 2
    assert found.err.count("\n") == 1
    assert reason in found.err


def test_a_photo_that_cannot_be_read_costs_no_other_answer(
    cli: Cli, trained: Path, photos: Path
) -> None:
    (photos / "broken.png").write_bytes(b"text")
    found = cli("predict", trained, photos, "--json")
    assert found.code == 2
    assert len(json.loads(found.out)) == 3
    assert found.err.count("\n") == 1
    assert "broken.png: no picture that can be read" in found.err


def test_an_exported_file_gives_the_same_answers(cli: Cli, trained: Path, photos: Path) -> None:
    found = cli("export", trained, "모델.onnx")
    assert (found.code, found.err) == (0, "")
    assert "exported: 모델.onnx" in found.out
    ours = json.loads(cli("predict", trained, photos, "--json").out)
    theirs = json.loads(cli("predict", "모델.onnx", photos, "--json").out)
    for one, other in zip(ours, theirs, strict=True):
        assert one["answer"] == other["answer"]
        assert one["confidence"] == pytest.approx(other["confidence"], abs=1e-4)


def test_a_photo_comes_by_standard_input(trained: Path, photos: Path) -> None:
    words = [sys.executable, "-m", "fittingroom", "predict", str(trained), "-", "--json"]
    content = (photos / "모양 0.png").read_bytes()
    found = subprocess.run(words, input=content, capture_output=True, check=True)
    (answer,) = json.loads(found.stdout)
    assert answer["file"] == "standard input"


def test_a_large_folder_is_answered_for_in_their_order(
    cli: Cli, trained: Path, isolated: Path
) -> None:
    folder = isolated / "many"
    folder.mkdir()
    for number, picture in enumerate(shape_pictures(2500, seed=6).images):
        Image.fromarray(picture[0]).save(folder / f"{number:05}.png", compress_level=1)
    found = list(csv.DictReader(io.StringIO(cli("predict", trained, folder, "--csv").out)))
    assert [Path(row["file"]).name for row in found] == [f"{n:05}.png" for n in range(2500)]
    right = [row["answer"] for row in found]
    truth = shape_pictures(2500, seed=6)
    expected = [truth.classes[label] for label in truth.labels]
    assert np.mean([a == b for a, b in zip(right, expected, strict=True)]) > 0.5
