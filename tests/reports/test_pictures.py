from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fittingroom.data.dataset import ImageDataset
from fittingroom.errors import DataError
from fittingroom.evaluation.evaluate import Evaluation
from fittingroom.reports.pictures import (
    RIGHT_IN_A_CELL,
    Album,
    build_album,
    in_turn,
    single,
)


def decoded(source: str) -> NDArray[np.uint8]:
    """Return a data URI's pixels: (H, W) or (H, W, 3)."""
    head, text = source.split(",", 1)
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


def pixels_at(album: Album, place: int) -> NDArray[np.uint8]:
    row, column = divmod(place, album.columns)
    top, left = row * album.height, column * album.width
    return decoded(album.source)[top : top + album.height, left : left + album.width]


def evaluated(dataset: ImageDataset, seed: int = 0, right: float = 0.7) -> Evaluation:
    """Predictions of which a share is right, each with another confidence."""
    rng = np.random.default_rng(seed)
    count, classes = len(dataset), len(dataset.classes)
    wrong = rng.random(count) > right
    predicted = np.where(wrong, rng.integers(0, classes, count), dataset.labels)
    logits = rng.random((count, classes))
    logits[np.arange(count), predicted] += rng.random(count) * 3 + 1
    return Evaluation.from_predictions(
        dataset.labels,
        logits,
        dataset.classes,
        data_name="noise",
        fingerprint="0" * 64,
        split="test",
        sketches=False,
    )


def dataset_of(count: int, shape: tuple[int, int, int], classes: int = 3) -> ImageDataset:
    rng = np.random.default_rng(7)
    images = rng.integers(0, 256, (count, *shape)).astype(np.uint8)
    labels = (np.arange(count) % classes).astype(np.int64)
    return ImageDataset(images, labels, tuple(f"class {k}" for k in range(classes)))


def test_an_album_holds_every_wrong_picture_and_a_sample_of_the_right_ones() -> None:
    dataset = dataset_of(400, (1, 5, 7))
    evaluation = evaluated(dataset)
    album = build_album([evaluation], dataset)
    wrong = evaluation.predicted != evaluation.labels
    shown = np.isin(np.arange(400), album.indices)
    assert shown[wrong].all()
    right_of_each = [int((shown & ~wrong & (dataset.labels == k)).sum()) for k in range(3)]
    assert right_of_each == [RIGHT_IN_A_CELL] * 3
    assert album.wanted == len(album.indices)


def test_the_sample_of_right_ones_goes_from_the_surest_to_the_least_sure() -> None:
    dataset = dataset_of(400, (1, 5, 7))
    evaluation = evaluated(dataset)
    right = np.flatnonzero((evaluation.predicted == 0) & (dataset.labels == 0))
    confidence = evaluation.confidence[right]
    shown = build_album([evaluation], dataset).indices
    assert {right[confidence.argmax()], right[confidence.argmin()]} <= set(shown)


def test_grey_pictures_are_ink_on_paper_pixel_by_pixel() -> None:
    dataset = dataset_of(50, (1, 5, 7))
    album = build_album([evaluated(dataset)], dataset)
    assert (album.height, album.width, album.shrunk) == (5, 7, False)
    for place, index in enumerate(album.indices):
        assert np.array_equal(pixels_at(album, place), 255 - dataset.images[index, 0])


def test_colours_stay_as_they_are() -> None:
    dataset = dataset_of(50, (3, 6, 4))
    album = build_album([evaluated(dataset)], dataset)
    for place, index in enumerate(album.indices):
        expected = dataset.images[index].transpose(1, 2, 0)
        assert np.array_equal(pixels_at(album, place), expected)
        assert np.array_equal(decoded(single(dataset.images[index])), expected)


def test_large_pictures_are_made_smaller_in_proportion() -> None:
    dataset = dataset_of(6, (3, 200, 100))
    album = build_album([evaluated(dataset)], dataset)
    assert (album.height, album.width, album.shrunk) == (64, 32, True)


def test_a_budget_takes_pictures_from_each_cell_in_turn() -> None:
    dataset = dataset_of(900, (1, 9, 9))
    evaluation = evaluated(dataset, right=0.4)
    whole = build_album([evaluation], dataset)
    small = build_album([evaluation], dataset, budget=len(whole.source) // 3)
    assert len(small.source) <= len(whole.source) // 3
    assert 0 < len(small.indices) < len(whole.indices) == small.wanted
    assert set(small.indices) <= set(whole.indices)
    cells = evaluation.labels * 3 + evaluation.predicted
    off_diagonal = [true * 3 + other for true in range(3) for other in range(3) if true != other]
    left = [int((cells[small.indices] == cell).sum()) for cell in off_diagonal]
    assert max(left) - min(left) <= 1
    for cell in off_diagonal:
        of_cell = np.flatnonzero(cells == cell)
        surest = of_cell[np.argsort(-evaluation.confidence[of_cell], kind="stable")]
        shown = small.indices[cells[small.indices] == cell]
        assert set(shown) == set(surest[: len(shown)])


def test_several_models_share_one_album() -> None:
    dataset = dataset_of(300, (1, 5, 7))
    models = [evaluated(dataset, seed) for seed in range(3)]
    shown = set(build_album(models, dataset).indices)
    for model in models:
        assert set(np.flatnonzero(model.predicted != model.labels)) <= shown
    assert len(in_turn(models)) == len(shown)


def test_one_picture_is_an_album() -> None:
    dataset = dataset_of(1, (1, 4, 4))
    assert build_album([evaluated(dataset)], dataset).indices.tolist() == [0]


def test_other_pictures_than_those_that_were_evaluated_are_refused() -> None:
    dataset = dataset_of(30, (1, 5, 7))
    evaluation = evaluated(dataset)
    other = replace(dataset, labels=np.roll(dataset.labels, 1))
    with pytest.raises(DataError, match="not those that were evaluated"):
        build_album([evaluation], other)
