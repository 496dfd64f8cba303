from __future__ import annotations

import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import ExportError, RunError
from fittingroom.serving.predictor import RunPredictor, open_predictor


def test_what_answers_already_is_taken_as_it_is(predictor: RunPredictor) -> None:
    assert open_predictor(predictor) is predictor


def test_a_run_answers_by_itself_and_by_its_folder(
    garments_run: fr.Run, garments: DataSplits
) -> None:
    images = garments.test.images[:3]
    found = [open_predictor(what).answer(images) for what in (garments_run, garments_run.folder)]
    assert found[0].probabilities.tolist() == found[1].probabilities.tolist()


def test_what_is_not_there_is_said_by_its_kind() -> None:
    with pytest.raises(RunError, match="no such run"):
        open_predictor("gone")
    with pytest.raises(ExportError, match="cannot be read"):
        open_predictor("gone.onnx")
