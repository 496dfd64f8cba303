from __future__ import annotations

import builtins
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import ExportError
from fittingroom.models import MODELS
from fittingroom.serving import export as module
from fittingroom.serving.onnx_file import OnnxPredictor
from fittingroom.serving.predictor import RunPredictor

pytestmark = pytest.mark.usefixtures("isolated")


@pytest.fixture(scope="session")
def exported(
    garments_run: fr.Run, garments: DataSplits, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The run of garments as a file."""
    path = tmp_path_factory.mktemp("exported") / "모델 1.onnx"
    return fr.export(garments_run, path, data=garments)


def test_the_file_answers_as_the_model_for_any_number_of_pictures(
    exported: Path, predictor: RunPredictor, garments: DataSplits
) -> None:
    file = OnnxPredictor(exported)
    for count in (1, 2, 7, 300):
        images = garments.test.images[:count]
        ours, theirs = predictor.answer(images), file.answer(images)
        assert np.abs(ours.probabilities - theirs.probabilities).max() < 1e-4
        assert np.array_equal(ours.probabilities.argmax(1), theirs.probabilities.argmax(1))
        assert np.median(np.abs(ours.novelty - theirs.novelty)) < 1e-3


def test_onnxruntime_alone_is_enough(exported: Path, garments: DataSplits) -> None:
    session = onnxruntime.InferenceSession(exported.read_bytes())
    images = garments.test.images[:5]
    probabilities, novelty = session.run(None, {"images": images})
    assert probabilities.shape == (5, 10)
    assert novelty.shape == (5,)
    described = session.get_modelmeta().custom_metadata_map
    assert json.loads(described["classes"]) == list(garments.classes)
    assert json.loads(described["provenance"])["data"]["fingerprint"] == garments.fingerprint


def test_a_photo_gets_the_same_answer_without_torch(
    exported: Path, predictor: RunPredictor, photos: Path
) -> None:
    expected = fr.predict(predictor, photos).to_dict()
    program = (
        "import sys, json, fittingroom as fr\n"
        "found = fr.predict(sys.argv[1], sys.argv[2])\n"
        "assert 'torch' not in sys.modules\n"
        "print(json.dumps(found.to_dict()))"
    )
    words = [sys.executable, "-c", program, str(exported), str(photos)]
    answer = subprocess.run(words, capture_output=True, check=True, text=True).stdout
    for ours, theirs in zip(expected, json.loads(answer), strict=True):
        assert ours["answer"] == theirs["answer"]
        assert ours["warnings"] == theirs["warnings"]
        assert ours["confidence"] == pytest.approx(theirs["confidence"], abs=1e-4)


SMALL: dict[str, dict[str, Any]] = {
    "resnet": {"model_options": {"blocks": [1, 1, 1, 1]}},
    "whitened": {"views": "shifts"},
}


# wide-resnet has no operation that the others have not.
@pytest.mark.slow
@pytest.mark.parametrize("model", [name for name in MODELS if name != "wide-resnet"])
def test_every_network_can_be_exported(model: str, shapes: DataSplits, tmp_path: Path) -> None:
    options = SMALL.get(model, {})
    run = fr.train(model, shapes, epochs=1, batch_size=32, figures=False, **options)
    path = fr.export(run, tmp_path / "model.onnx", data=shapes)
    assert OnnxPredictor(path).classes == shapes.classes


class Own(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)  # type: ignore[no-any-return]


class Stubborn(Own):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if float(x.detach().sum()) > 1e9:
            return self.layers(x) * 2  # type: ignore[no-any-return]
        return self.layers(x)  # type: ignore[no-any-return]


def test_a_network_of_ones_own_can_be_exported(shapes: DataSplits, tmp_path: Path) -> None:
    run = fr.train(Own, shapes, epochs=1, figures=False)
    path = fr.export(run.folder, tmp_path / "own.onnx", data=shapes, network=Own())
    assert OnnxPredictor(path).classes == shapes.classes


def test_a_network_that_cannot_be_exported_is_one_line_and_nothing_is_written(
    shapes: DataSplits, tmp_path: Path
) -> None:
    run = fr.train(Stubborn, shapes, epochs=1, figures=False)
    with pytest.raises(ExportError, match="the network cannot be exported") as error:
        fr.export(run, tmp_path / "own.onnx", data=shapes)
    assert "\n" not in str(error.value)
    assert list(tmp_path.glob("*.onnx*")) == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [("model.pt", "ends in .onnx"), ("gone/model.onnx", "there is no folder gone")],
)
def test_a_place_that_cannot_be_is_refused_first(
    garments_run: fr.Run, path: str, reason: str
) -> None:
    with pytest.raises(ExportError, match=reason):
        fr.export(garments_run, path)


def test_a_missing_extra_is_named(
    garments_run: fr.Run, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = builtins.__import__

    def without(name: str, *others: Any) -> Any:
        if name.startswith("onnx"):
            raise ImportError(f"No module named {name!r}", name=name)
        return original(name, *others)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ExportError, match=r"onnx is needed: pip install 'fittingroom\[export\]'"):
        fr.export(garments_run, "model.onnx")
    with pytest.raises(ExportError, match=r"onnxruntime is needed: pip install"):
        OnnxPredictor(exported)


def test_without_the_runs_own_pictures_nothing_is_exported(
    garments_run: fr.Run, shapes: DataSplits
) -> None:
    with pytest.raises(ExportError, match="checked on the run's own pictures"):
        fr.export(garments_run, "model.onnx", data=shapes)


def test_a_file_that_answers_otherwise_is_not_written(
    garments_run: fr.Run, garments: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = module.to_onnx

    def colder(predictor: RunPredictor, pictures: Any) -> bytes:
        predictor.answering.temperature *= 1.1
        content = original(predictor, pictures)
        predictor.answering.temperature /= 1.1
        return content

    monkeypatch.setattr(module, "to_onnx", colder)
    with pytest.raises(ExportError, match="does not answer as the model"):
        fr.export(garments_run, "model.onnx", data=garments)
    assert not Path("model.onnx").exists()


def test_an_export_is_not_exported_again(exported: Path) -> None:
    with pytest.raises(ExportError, match="expected a run"):
        fr.export(exported, "model.onnx")


def test_provenance_names_recipe_data_and_score(
    predictor: RunPredictor, garments_run: fr.Run
) -> None:
    told = module.provenance(predictor)
    assert told["recipe"]["model"] == garments_run.recipe.model
    assert told["data"]["fingerprint"] == garments_run.record["data"]["fingerprint"]
    assert told["test"]["accuracy"] == garments_run.evaluation.accuracy
