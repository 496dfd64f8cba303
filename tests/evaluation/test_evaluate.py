from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fittingroom.data.dataset import ImageDataset
from fittingroom.errors import DataError, DivergenceError, ModelError
from fittingroom.evaluation import Evaluation, evaluate, predict_logits

# Two of the seven matrices that the founding notebook recorded, with the accuracy beside them.
NOTEBOOK = {
    86.52: [
        [820, 0, 27, 74, 1, 1, 72, 0, 5, 0],
        [1, 961, 1, 30, 4, 0, 3, 0, 0, 0],
        [14, 2, 831, 24, 94, 0, 35, 0, 0, 0],
        [13, 2, 11, 937, 23, 0, 13, 0, 1, 0],
        [0, 0, 134, 51, 778, 0, 37, 0, 0, 0],
        [0, 0, 0, 1, 0, 931, 0, 44, 2, 22],
        [137, 1, 143, 65, 83, 0, 563, 0, 8, 0],
        [0, 0, 0, 0, 0, 17, 0, 976, 0, 7],
        [7, 1, 8, 10, 4, 3, 7, 5, 955, 0],
        [0, 0, 0, 0, 0, 2, 1, 97, 0, 900],
    ],
    87.31: [
        [762, 3, 23, 81, 1, 1, 118, 0, 11, 0],
        [1, 970, 1, 23, 3, 0, 2, 0, 0, 0],
        [12, 0, 836, 15, 92, 0, 45, 0, 0, 0],
        [9, 4, 14, 924, 24, 0, 21, 0, 4, 0],
        [0, 1, 119, 39, 801, 0, 40, 0, 0, 0],
        [0, 0, 0, 1, 0, 954, 0, 29, 1, 15],
        [101, 0, 124, 60, 90, 0, 617, 0, 8, 0],
        [0, 0, 0, 0, 0, 13, 0, 920, 0, 67],
        [3, 0, 7, 4, 4, 4, 3, 4, 971, 0],
        [0, 0, 0, 0, 0, 7, 1, 16, 0, 976],
    ],
}
SAID: dict[str, Any] = {
    "data_name": "pets",
    "fingerprint": "f" * 64,
    "split": "test",
    "sketches": False,
}


class BrightnessNet(nn.Module):
    """Logits from the mean brightness: dark is the first class, light the second."""

    def __init__(self, classes: tuple[str, ...] = ("dark", "light")) -> None:
        super().__init__()
        self.classes = classes
        self.linear = nn.Linear(1, len(classes), bias=False)
        self.dropout = nn.Dropout(0.5)
        self.batches: list[int] = []
        with torch.no_grad():
            self.linear.weight[:, 0] = torch.linspace(-9, 9, len(classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(images))
        brightness = images.float().mean((1, 2, 3), keepdim=True).flatten(1) / 255 - 0.5
        logits: torch.Tensor = self.dropout(self.linear(brightness))
        return logits


def shades(*values: int, classes: tuple[str, ...] = ("dark", "light")) -> ImageDataset:
    images = np.empty((len(values), 1, 2, 2), np.uint8)
    images[:] = np.array(values, np.uint8)[:, None, None, None]
    images.setflags(write=False)
    return ImageDataset(images, np.array([v > 127 for v in values], np.int64), classes)


@pytest.mark.parametrize("percent", NOTEBOOK)
def test_scores_reproduce_the_notebook(percent: float, build: Any) -> None:
    matrix = np.array(NOTEBOOK[percent])
    rows, columns = np.indices(matrix.shape)
    labels, predicted = rows.repeat(matrix.ravel()), columns.repeat(matrix.ravel())
    evaluation = build(labels, predicted)
    assert 100 * evaluation.accuracy == pytest.approx(percent, abs=1e-9)
    assert evaluation.correct == np.trace(matrix)
    np.testing.assert_array_equal(evaluation.confusion, matrix)
    low, high = evaluation.interval
    assert low < evaluation.accuracy < high
    assert f"{percent:.2f}%" in str(evaluation)


def test_arrays_have_their_documented_shapes_and_types(build: Any) -> None:
    evaluation = build()
    count = evaluation.count
    assert evaluation.probabilities.shape == (count, 10)
    assert evaluation.probabilities.dtype == evaluation.confidence.dtype == np.float32
    assert evaluation.predicted.dtype == evaluation.labels.dtype == np.int64
    np.testing.assert_allclose(evaluation.probabilities.sum(axis=1), 1, atol=1e-6)
    chosen = evaluation.probabilities[np.arange(count), evaluation.predicted]
    np.testing.assert_array_equal(evaluation.confidence, chosen)


def test_mistakes_come_with_the_surest_first(build: Any) -> None:
    evaluation = build()
    mistakes = evaluation.mistakes()
    assert len(mistakes) == evaluation.count - evaluation.correct > 0
    assert (evaluation.predicted[mistakes] != evaluation.labels[mistakes]).all()
    assert (np.diff(evaluation.confidence[mistakes]) <= 0).all()


def test_pictures_without_a_usable_score_are_counted() -> None:
    logits = np.zeros((5, 2), np.float32)
    logits[1], logits[3, 0], logits[4, 1] = np.nan, np.inf, -np.inf
    known: dict[str, Any] = {"data_name": "pets", "fingerprint": "", "split": "test"}
    with pytest.raises(DivergenceError, match="NaN or infinite scores for 3 of 5 pictures"):
        Evaluation.from_predictions(
            np.zeros(5, np.int64), logits, ("cat", "dog"), sketches=False, **known
        )


def test_mistakes_that_are_equally_sure_stay_in_order(build: Any) -> None:
    labels = np.zeros(100, np.int64)
    logits = np.tile(np.array([0, 1], np.float32), (100, 1))
    logits[50] = 0, 2
    known: dict[str, Any] = {
        "data_name": "pets",
        "fingerprint": "",
        "split": "test",
        "sketches": False,
    }
    evaluation = Evaluation.from_predictions(labels, logits, ("cat", "dog"), **known)
    assert evaluation.mistakes().tolist() == [50, *range(50), *range(51, 100)]


def test_dictionary_survives_json(build: Any) -> None:
    evaluation = build(classes=("a", "바지"), protocol="notebook")
    found = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert found == evaluation.to_dict()
    assert found["classes"] == ["a", "바지"]
    assert found["confusion"] == evaluation.confusion.tolist()
    assert found["accuracy"] == evaluation.accuracy
    assert found["protocol"] == "notebook"


def test_a_model_is_judged_by_what_it_predicts() -> None:
    evaluation = evaluate(BrightnessNet(), shades(0, 60, 200, 255, 130), **SAID)
    assert evaluation.predicted.tolist() == [0, 0, 1, 1, 1]
    assert evaluation.accuracy == 1
    assert evaluation.classes == ("dark", "light")


def test_batches_change_nothing_but_the_number_of_calls() -> None:
    images = shades(*range(0, 250, 25)).images
    whole, parts = BrightnessNet(), BrightnessNet()
    expected = predict_logits(whole, images)
    np.testing.assert_array_equal(predict_logits(parts, images, batch_size=4), expected)
    assert whole.batches == [10]
    assert parts.batches == [4, 4, 2]


def test_every_part_gets_its_training_mode_back() -> None:
    model = BrightnessNet().train()
    model.linear.eval()
    evaluate(model, shades(0, 255), **SAID)
    assert [part.training for part in model.modules()] == [True, False, True]


def test_training_mode_comes_back_after_an_error() -> None:
    model = BrightnessNet().train()
    model.linear = nn.Linear(3, 2)
    with pytest.raises(RuntimeError):
        evaluate(model, shades(0, 255), **SAID)
    assert model.training


def test_reduced_precision_is_used_and_returns_float32() -> None:
    images = shades(0, 100, 255).images
    exact = predict_logits(BrightnessNet(), images)
    reduced = predict_logits(BrightnessNet(), images, autocast_dtype=torch.bfloat16)
    assert reduced.dtype == np.float32
    assert not np.array_equal(reduced, exact)
    np.testing.assert_allclose(reduced, exact, rtol=0.02)


def test_classes_are_matched_by_name_not_by_order() -> None:
    swapped = shades(0, 0, 255, classes=("light", "dark"))
    evaluation = evaluate(BrightnessNet(), swapped, **SAID)
    assert evaluation.labels.tolist() == [1, 1, 0]
    assert evaluation.accuracy == 0


def test_a_data_set_may_hold_some_of_the_classes() -> None:
    images = shades(0, 0).images
    dataset = ImageDataset(images, np.zeros(2, np.int64), ("light",))
    assert evaluate(BrightnessNet(), dataset, **SAID).confusion.tolist() == [[0, 0], [2, 0]]


def test_numbers_for_names_are_matched_by_position() -> None:
    unnamed = shades(0, 255, classes=("0", "1"))
    assert evaluate(BrightnessNet(), unnamed, **SAID).classes == ("dark", "light")
    model = BrightnessNet(("0", "1"))
    assert evaluate(model, shades(0, 255), **SAID).classes == ("dark", "light")


def test_an_unknown_class_is_named() -> None:
    dataset = shades(0, 255, classes=("dark", "striped"))
    with pytest.raises(DataError, match=r"does not know the classes \['striped'\]"):
        evaluate(BrightnessNet(), dataset, **SAID)


def test_an_empty_data_set_is_refused() -> None:
    with pytest.raises(DataError, match="pets: no pictures to evaluate on in the test set"):
        evaluate(BrightnessNet(), shades(), **SAID)


def test_predictions_of_no_picture_are_no_evaluation(build: Any) -> None:
    with pytest.raises(DataError, match="pets: no pictures to evaluate on in the validation set"):
        build(np.zeros(0, np.int64), classes=("a", "b"), split="validation")


def test_in_a_debugger_it_says_its_score_and_what_it_was_measured_on(build: Any) -> None:
    found = repr(build([0, 0, 1], [0, 1, 1], ("cat", "dog")))
    assert found == "<Evaluation: accuracy 0.6667 on pets, test set, 3 pictures>"


def test_a_network_with_other_outputs_than_classes_is_refused() -> None:
    model = BrightnessNet(("a", "b", "c"))
    model.classes = ("dark", "light")
    with pytest.raises(ModelError, match=r"expected logits of shape \(2, 2\).*found \(2, 3\)"):
        evaluate(model, shades(0, 255), **SAID)


@pytest.mark.parametrize("network", [nn.Flatten(0), nn.Identity()])
def test_a_network_without_a_row_for_each_picture_is_refused(network: nn.Module) -> None:
    with pytest.raises(ModelError, match="must return scores of shape"):
        evaluate(network, shades(0, 255), **SAID)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_that_are_no_numbers_are_refused(value: float) -> None:
    logits = np.zeros((3, 2), np.float32)
    logits[1, 0] = value
    with pytest.raises(DivergenceError, match="for 1 of 3 pictures"):
        Evaluation.from_predictions([0, 1, 1], logits, ("a", "b"), **SAID)


def test_labels_that_are_no_classes_are_refused() -> None:
    with pytest.raises(DataError, match=r"labels must lie in 0..1 .* found 0..2"):
        Evaluation.from_predictions([0, 2], np.zeros((2, 2)), ("a", "b"), **SAID)
