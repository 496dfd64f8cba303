from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import encoded

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import PhotoError, RunError
from fittingroom.serving.photo import BLANK
from fittingroom.serving.predict import (
    UNLIKE,
    UNSURE,
    WARNINGS,
    Prediction,
    answers,
    cells,
    find_photos,
    percent,
)
from fittingroom.serving.predictor import RunPredictor

pytestmark = pytest.mark.usefixtures("isolated")


def noise() -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28)).astype(np.uint8)
    return encoded(Image.fromarray(pixels))


def test_photos_are_answered_for_in_their_order(
    predictor: RunPredictor, photos: Path, garments: DataSplits
) -> None:
    named = [photos / "부츠 1.png", photos / "👟.png", photos / "b.png"]
    found = fr.predict(predictor, named)
    assert [one.name for one in found] == [str(path) for path in named]
    alone = [fr.predict(predictor, path)[0].answer for path in named]
    assert [one.answer for one in found] == alone
    truth = [garments.classes[label] for label in garments.test.labels[[0, 2, 1]]]
    assert sum(a == b for a, b in zip(alone, truth, strict=True)) >= 2
    assert sorted(one.name for one in fr.predict(predictor, photos)) == sorted(map(str, named))


def test_a_run_is_named_by_folder_name_or_latest(garments_run: fr.Run, photos: Path) -> None:
    photo, runs = photos / "b.png", garments_run.folder.parent
    by_folder = fr.predict(garments_run.folder, photo)
    by_name = fr.predict(garments_run.name, photo, runs=runs)
    latest = fr.predict("latest", photo, runs=runs)
    assert by_folder.to_dict() == by_name.to_dict() == latest.to_dict()
    with pytest.raises(RunError, match="no such run"):
        fr.predict("other", photo, runs=runs)


def test_pictures_come_as_paths_bytes_open_files_and_by_standard_input(
    predictor: RunPredictor, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = photos / "b.png"
    content = path.read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    with path.open("rb") as stream:
        found = fr.predict(predictor, [path, str(path), content, stream, "-"])
    assert len({tuple(one.probabilities.round(4)) for one in found}) == 1
    assert [one.name for one in found] == [
        str(path),
        str(path),
        "picture 3",
        str(path),
        "standard input",
    ]


@pytest.mark.parametrize(
    ("photo", "reason"),
    [
        ("gone.png", "gone.png: cannot be read"),
        ("x" * 5000, "cannot be read"),
        ("a\0b.png", "cannot be read"),
        (b"", "picture 1: empty"),
        (b"text", "picture 1: no picture that can be read"),
    ],
)
def test_what_is_no_photo_is_one_line(
    predictor: RunPredictor, photo: str | bytes, reason: str
) -> None:
    with pytest.raises(PhotoError, match=reason) as error:
        fr.predict(predictor, photo)
    assert "\n" not in str(error.value)


def test_no_photos_and_a_folder_without_any_are_said(
    predictor: RunPredictor, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(PhotoError, match="no photos: name pictures"):
        fr.predict(predictor, [])
    with pytest.raises(PhotoError, match="no pictures in this folder"):
        fr.predict(predictor, tmp_path / "empty")


def test_one_photo_that_cannot_be_read_need_not_cost_the_others(
    predictor: RunPredictor, photos: Path
) -> None:
    (photos / "c.png").write_bytes(b"text")
    told: list[PhotoError] = []
    found = list(answers(predictor, find_photos([photos]), on_error=told.append))
    assert len(found) == 3
    assert [str(photos / "c.png") in str(error) for error in told] == [True]


def test_noise_is_unlike_everything_and_a_blank_photo_shows_nothing(
    predictor: RunPredictor,
) -> None:
    blank = Image.new("RGB", (300, 200), "#ddd")
    strange, empty = fr.predict(predictor, [noise(), encoded(blank)])
    assert strange.warnings == (UNLIKE,)
    assert empty.warnings == (BLANK,)
    assert not strange.believable
    assert not empty.believable


def test_a_doubtful_answer_is_called_so(predictor: RunPredictor, photos: Path) -> None:
    (found,) = fr.predict(predictor, photos / "b.png")
    even = np.full(10, 0.1, np.float32)
    assert UNSURE in replace(found, probabilities=even, novelty=0.0).warnings


def test_every_warning_has_words(predictor: RunPredictor, photos: Path) -> None:
    (found,) = fr.predict(predictor, photos / "b.png")
    for code in WARNINGS:
        shown = replace(found, photo=replace(found.photo, warnings=(code,)))
        assert WARNINGS[code] in cells(shown)[-1]


def test_it_tells_all_of_itself_as_json_text_and_html(
    predictor: RunPredictor, photos: Path
) -> None:
    found = fr.predict(predictor, photos)
    read = json.loads(json.dumps(found.to_dict()))
    assert [one["answer"] for one in read] == [one.answer for one in found]
    shares = [entry["probability"] for entry in read[0]["ranked"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=1e-5)
    assert found[0].answer in str(found)
    html = found._repr_html_()
    assert found[1].answer in html
    assert "sketches" in html
    assert len(found[:2]) == 2


@pytest.mark.parametrize(
    ("share", "text"), [(0.5, "50.0%"), (0.9994, "99.9%"), (0.99999, ">99.9%"), (1.0, "100.0%")]
)
def test_what_is_nearly_sure_is_not_called_sure(share: float, text: str) -> None:
    assert percent(share) == text


def test_two_classes_have_one_other_answer(shapes: DataSplits) -> None:
    both = replace(
        shapes,
        learning=shapes.learning.subset(np.flatnonzero(shapes.learning.labels < 2)),
        test=shapes.test.subset(np.flatnonzero(shapes.test.labels < 2)),
        validation_indices=np.empty(0, np.int64),
    ).but(classes=("a", "b", "c", "d"))
    run = fr.train("two-layer", both, epochs=1, figures=False)
    found = fr.predict(run, noise(), data=both)
    assert len(cells(found[0])) == 6


def test_prediction_is_documented_by_its_fields(predictor: RunPredictor, photos: Path) -> None:
    (found,) = fr.predict(predictor, photos / "b.png", explain=True)
    assert isinstance(found, Prediction)
    assert found.heat is not None
    assert found.heat.shape == (28, 28)
    assert found.photo.seen.shape == (1, 28, 28)
