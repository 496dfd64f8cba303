from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import ExportError
from fittingroom.serving.onnx_file import OnnxPredictor

UNTESTED = '{"data": {"name": "a", "sketches": false}, "test": {"accuracy": 0.9}}'


@pytest.fixture(scope="module")
def content(
    garments_run: fr.Run, garments: DataSplits, tmp_path_factory: pytest.TempPathFactory
) -> bytes:
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    return fr.export(garments_run, path, data=garments).read_bytes()


def with_metadata(content: bytes, **changes: str | None) -> bytes:
    model = onnx.load_from_string(content)
    known = {entry.key: entry.value for entry in model.metadata_props} | changes
    del model.metadata_props[:]
    for key, value in known.items():
        if value is not None:
            model.metadata_props.add(key=key, value=value)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _: b"", "no ONNX file that can be read"),
        (lambda whole: whole[: len(whole) // 2], "no ONNX file that can be read"),
        (lambda whole: with_metadata(whole, format=None), "of format fittingroom-onnx/1, found no"),
        (lambda whole: with_metadata(whole, format="x/2"), "found x/2"),
        (lambda whole: with_metadata(whole, classes='["a"]'), "is damaged"),
        (lambda whole: with_metadata(whole, classes="{"), "is damaged"),
        (lambda whole: with_metadata(whole, fitted="[]"), "is damaged"),
        (lambda whole: with_metadata(whole, provenance="{}"), "is damaged"),
        (lambda whole: with_metadata(whole, fitted='{"preparation": {}}'), "is damaged"),
        (lambda whole: with_metadata(whole, provenance=UNTESTED), "is damaged"),
    ],
)
def test_a_file_that_is_not_whole_or_not_ours_is_one_line(
    content: bytes, change: Callable[[bytes], bytes], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(change(content))
    with pytest.raises(ExportError, match=reason) as error:
        OnnxPredictor(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot be read: No such file"):
        OnnxPredictor(tmp_path / "gone.onnx")


def test_many_pictures_are_answered_for_piece_by_piece(
    content: bytes, garments: DataSplits
) -> None:
    predictor = OnnxPredictor(Path("model.onnx"), content)
    images = garments.test.images[:600]
    together = predictor.answer(images)
    assert together.probabilities.shape == (600, 10)
    last = predictor.answer(images[-3:])
    assert np.allclose(together.probabilities[-3:], last.probabilities, atol=1e-5)
