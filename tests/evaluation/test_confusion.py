from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from fittingroom.errors import DataError
from fittingroom.evaluation.confusion import ConfusionMatrix
from fittingroom.evaluation.significance import wilson_interval

COUNTS = np.array([[3, 1, 0], [0, 2, 0], [1, 1, 4]])


@pytest.fixture
def matrix() -> ConfusionMatrix:
    return ConfusionMatrix(COUNTS, ("cat", "dog", "fox"), "pets, test set")


def test_it_is_the_array_that_it_looks_like(matrix: ConfusionMatrix) -> None:
    assert type(np.asarray(matrix)) is np.ndarray
    assert matrix.dtype == np.int64
    np.testing.assert_array_equal(matrix, COUNTS)
    assert json.loads(json.dumps(matrix.tolist())) == COUNTS.tolist()
    assert int(matrix[2, 0]) == 1
    assert matrix.diagonal().tolist() == [3, 2, 4]


def test_what_is_computed_from_it_is_a_plain_array_or_number(matrix: ConfusionMatrix) -> None:
    for found in (matrix + 1, matrix / matrix.sum(axis=1, keepdims=True), matrix.sum(axis=0)):
        assert type(found) is np.ndarray
    assert type(np.sum([matrix, matrix], axis=0)) is np.ndarray
    assert matrix.sum() == COUNTS.sum()
    assert type(matrix.sum()) is np.int64


def test_the_score_is_that_of_its_diagonal(matrix: ConfusionMatrix) -> None:
    assert matrix.accuracy == 9 / 12
    assert matrix.interval == wilson_interval(9, 12)


def test_a_part_or_a_copy_does_not_pretend_to_know_its_classes(matrix: ConfusionMatrix) -> None:
    parts: list[Any] = [matrix[:2], matrix[0], matrix.copy(), copy.deepcopy(matrix)]
    for part in parts:
        assert part._repr_html_() is None
        with pytest.raises(DataError, match="a whole confusion matrix"):
            part.plot()
    assert copy.deepcopy(matrix).tolist() == matrix.tolist()


def test_an_evaluation_has_one_that_knows_what_it_was_measured_on(build: Any) -> None:
    evaluation = build(sketches=True)
    matrix = evaluation.confusion
    assert (matrix.classes, matrix.caption) == (evaluation.classes, evaluation.caption)
    assert matrix.sketches
    assert matrix.accuracy == evaluation.accuracy
    assert matrix.interval == evaluation.interval


def test_drawn_it_is_the_evaluations_heat_map(build: Any) -> None:
    evaluation = build()
    figures = [evaluation.plot(), evaluation.confusion.plot()]
    assert all(isinstance(figure, Figure) for figure in figures)
    first, second = (
        [text.get_text() for text in [*figure.texts, *figure.axes[0].texts]] for figure in figures
    )
    assert first == second
