from __future__ import annotations

import json

import numpy as np
import pytest
from tests.reports.conftest import noisy_pictures

from fittingroom.evaluation.evaluate import Evaluation
from fittingroom.reports.explorer import Explorer, Model, cells, short
from fittingroom.reports.pictures import build_album


def evaluation_of(labels: list[int], predicted: list[int], classes: int) -> Evaluation:
    logits = np.zeros((len(labels), classes))
    logits[np.arange(len(labels)), predicted] = np.linspace(3, 1, len(labels))
    return Evaluation.from_predictions(
        labels,
        logits,
        [f"class {number}" for number in range(classes)],
        data_name="planted",
        fingerprint="0" * 64,
        split="test",
        sketches=False,
    )


def explorer_of(labels: list[int], predicted: list[int], classes: int = 3) -> Explorer:
    return Explorer("x", [Model("one", evaluation_of(labels, predicted, classes))], None)


def test_cells_hold_count_share_and_kind() -> None:
    table = cells(np.array([[3, 1, 0], [0, 0, 0], [0, 2, 2]]))
    assert [[cell.count for cell in row] for row in table] == [[3, 1, 0], [0, 0, 0], [0, 2, 2]]
    assert [cell.share for cell in table[0]] == ["75.0%", "25.0%", "0.0%"]
    assert [cell.kind for cell in table[0]] == ["right", "wrong", "none"]
    assert {cell.kind for cell in table[1]} == {"none"}  # a class without pictures
    assert table[2][1].depth == table[2][2].depth == "0.707"


@pytest.mark.parametrize(
    ("labels", "predicted", "opened"),
    [
        ([0, 0, 1, 2, 2, 2], [0, 1, 1, 0, 0, 2], (2, 0)),  # the most frequent mistake
        ([1, 1, 2], [1, 1, 2], (1, 1)),  # none: the class with the most pictures
        ([2], [0], (2, 0)),
    ],
)
def test_the_cell_that_is_open_at_first_is_worth_a_look(
    labels: list[int], predicted: list[int], opened: tuple[int, int]
) -> None:
    assert explorer_of(labels, predicted).opened == opened


def test_the_more_classes_the_smaller_the_cells() -> None:
    sizes = [explorer_of([0], [0], classes).size for classes in (2, 12, 13, 30, 31, 100)]
    assert sizes == ["roomy", "roomy", "tight", "tight", "dense", "dense"]
    assert explorer_of([0], [0], 13).upright
    assert not explorer_of([0], [0], 3).upright


def test_long_names_are_shortened_and_stay_on_one_line() -> None:
    assert short("a\nb") == "a b"
    assert len(short("x" * 100)) == 24


def test_the_script_s_data_are_those_of_the_predictions() -> None:
    dataset = noisy_pictures(40, ("class 0", "class 1", "class 2"))
    rng = np.random.default_rng(0)
    models = [
        Model(name, evaluation_of(dataset.labels.tolist(), rng.integers(0, 3, 40).tolist(), 3))
        for name in ("one", "two")
    ]
    album = build_album([model.evaluation for model in models], dataset)
    data = json.loads(json.dumps(Explorer("x", models, album).data()))
    indices = np.array(data["album"]["indices"])
    assert data["album"]["labels"] == dataset.labels[indices].tolist()
    for model, entry in zip(models, data["models"], strict=True):
        evaluation = model.evaluation
        assert entry["confusion"] == evaluation.confusion.tolist()
        assert entry["predicted"] == evaluation.predicted[indices].tolist()
        thousandths = 1000 * evaluation.confidence[indices]
        assert np.allclose(entry["confidence"], thousandths, atol=0.501)
