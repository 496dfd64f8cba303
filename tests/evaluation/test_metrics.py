from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from fittingroom.evaluation import metrics

Labels = NDArray[np.int64]


def random_predictions(num_classes: int = 5, count: int = 200) -> tuple[Labels, Labels]:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, num_classes, count)
    noise = rng.integers(0, num_classes, count)
    return labels, np.where(rng.random(count) < 0.6, labels, noise)


def test_matrix_has_true_classes_in_rows_and_predicted_ones_in_columns() -> None:
    matrix = metrics.confusion_matrix(np.array([0, 0, 2]), np.array([0, 1, 1]), 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 0, 0], [0, 1, 0]]
    assert matrix.dtype == np.int64


def test_matrix_keeps_the_place_of_a_class_that_never_occurs() -> None:
    matrix = metrics.confusion_matrix(np.array([3]), np.array([3]), 5)
    assert matrix.shape == (5, 5)
    assert matrix[3, 3] == matrix.sum() == 1


def test_matrix_is_scikit_learns() -> None:
    labels, predicted = random_predictions(num_classes=7)
    found = metrics.confusion_matrix(labels, predicted, 9)
    assert np.array_equal(found, confusion_matrix(labels, predicted, labels=range(9)))


def test_class_scores_match_scikit_learn() -> None:
    labels, predicted = random_predictions()
    matrix = metrics.confusion_matrix(labels, predicted, 5)
    scores = metrics.per_class_scores(matrix, "abcde")
    expected = precision_recall_fscore_support(labels, predicted)
    found = np.array([(s.precision, s.recall, s.f1, s.support) for s in scores]).T
    np.testing.assert_allclose(found, np.array(expected), rtol=1e-12)
    assert [s.name for s in scores] == list("abcde")


def test_a_class_that_is_never_predicted_scores_zero_and_is_flagged() -> None:
    never, always, absent = metrics.per_class_scores(
        np.array([[0, 2, 0], [0, 3, 0], [0, 0, 0]]), ("never", "always", "absent")
    )
    assert (never.precision, never.recall, never.f1, never.support) == (0, 0, 0, 2)
    assert never.never_predicted
    assert (always.precision, always.recall) == (0.6, 1)
    assert not always.never_predicted
    assert (absent.precision, absent.recall, absent.support) == (0, 0, 0)
    assert not absent.never_predicted


def test_most_confused_pairs_are_ordered_by_count_and_ties_by_place() -> None:
    matrix = np.array([[5, 3, 1], [3, 6, 0], [7, 0, 3]])
    pairs = metrics.most_confused_pairs(matrix, "abc")
    assert [(p.true, p.predicted, p.count) for p in pairs] == [
        ("c", "a", 7),
        ("a", "b", 3),
        ("b", "a", 3),
        ("a", "c", 1),
    ]
    assert [p.share for p in pairs] == [0.7, 3 / 9, 3 / 9, 1 / 9]
    assert metrics.most_confused_pairs(matrix, "abc", limit=2) == pairs[:2]


def test_calibration_error_of_a_worked_example() -> None:
    # Two bins of 15 are filled: (12/15, 13/15] holds four, (7/15, 8/15] holds one.
    confidence = np.array([0.82, 0.84, 0.82, 0.84, 0.5], np.float32)
    correct = np.array([True, True, False, False, True])
    bins = metrics.calibration(confidence, correct)
    assert bins.count[12] == 4
    assert bins.count[7] == 1
    assert bins.confidence[12] == pytest.approx(0.83)
    assert bins.accuracy[12] == 0.5
    assert bins.error == pytest.approx(4 / 5 * 0.33 + 1 / 5 * 0.5)
    assert metrics.expected_calibration_error(confidence, correct) == bins.error


@given(st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=60))
def test_calibration_error_matches_its_definition(answers: list[tuple[float, bool]]) -> None:
    confidence = np.array([c for c, _ in answers])
    correct = np.array([right for _, right in answers])
    expected = 0.0
    for m in range(15):
        inside = (confidence > m / 15) & (confidence <= (m + 1) / 15)
        inside |= (confidence == 0) & (m == 0)
        if inside.any():
            gap = abs(correct[inside].mean() - confidence[inside].mean())
            expected += inside.mean() * gap
    found = metrics.expected_calibration_error(confidence.astype(np.float32), correct)
    assert found == pytest.approx(expected, abs=1e-9)


def test_probabilities_and_loss_match_torch_also_for_huge_logits() -> None:
    import torch

    rng = np.random.default_rng(0)
    logits = rng.normal(scale=200, size=(50, 7)).astype(np.float32)
    labels = rng.integers(0, 7, 50)
    doubles = torch.tensor(logits, dtype=torch.float64)
    expected = torch.nn.functional.cross_entropy(doubles, torch.tensor(labels))
    assert metrics.cross_entropy(logits, labels) == pytest.approx(expected.item(), rel=1e-12)
    found = metrics.softmax(logits)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, doubles.softmax(1).float().numpy(), atol=1e-7)
