from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

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
        (lambda whole: with_metadata(whole, format="\n\x1b[2J"), r"found \\n\\x1b"),
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


def changed(content: bytes, change: Callable[[onnx.ModelProto], None]) -> bytes:
    model = onnx.load_from_string(content)
    change(model)
    return bytes(model.SerializeToString())


def before_novelty(model: onnx.ModelProto, *nodes: onnx.NodeProto) -> None:
    """Let what the nodes call "x" be added to the novelty."""
    for node in model.graph.node:
        for place, name in enumerate(node.output):
            if name == "novelty":
                node.output[place] = "before"
    model.graph.node.extend([*nodes, helper.make_node("Add", ["before", "x"], ["novelty"])])


def ask_for_memory(model: onnx.ModelProto) -> None:
    """Let 128 GiB be filled and summed up."""
    shape = helper.make_tensor("many", onnx.TensorProto.INT64, [1], [2**35])
    model.graph.initializer.append(shape)
    before_novelty(
        model,
        helper.make_node("ConstantOfShape", ["many"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["x"], keepdims=0),
    )


def answer_with_another_shape(model: onnx.ModelProto) -> None:
    one = helper.make_tensor("x", onnx.TensorProto.FLOAT, [5, 1], [0.0] * 5)
    model.graph.initializer.append(one)
    before_novelty(model)


def test_a_file_that_asks_for_more_memory_than_is_allowed_is_refused(
    content: bytes, garments: DataSplits
) -> None:
    with pytest.raises(ExportError, match=r"model\.onnx: ") as error:
        OnnxPredictor(Path("model.onnx"), changed(content, ask_for_memory)).answer(
            garments.test.images[:1]
        )
    assert "\n" not in str(error.value)


def test_answers_of_another_shape_than_the_file_says_are_refused(
    content: bytes, garments: DataSplits
) -> None:
    with pytest.raises(ExportError, match=r"model\.onnx: "):
        OnnxPredictor(Path("model.onnx"), changed(content, answer_with_another_shape)).answer(
            garments.test.images[:1]
        )


@pytest.mark.parametrize("outside", [True, False])
def test_data_in_other_files_are_not_read(content: bytes, outside: bool, isolated: Path) -> None:
    folder = isolated / "models"
    folder.mkdir()
    (isolated / "secret").write_bytes(bytes(2**16))
    (folder / "beside").write_bytes(bytes(2**16))

    def point_elsewhere(model: onnx.ModelProto) -> None:
        weights = max(model.graph.initializer, key=lambda one: len(one.raw_data))
        size = len(weights.raw_data)
        weights.ClearField("raw_data")
        weights.data_location = onnx.TensorProto.EXTERNAL
        location = "../secret" if outside else "beside"
        for key, value in (("location", location), ("offset", "0"), ("length", str(size))):
            weights.external_data.add(key=key, value=value)

    path = folder / "model.onnx"
    path.write_bytes(changed(content, point_elsewhere))
    with pytest.raises(ExportError, match="no ONNX file that can be read"):
        OnnxPredictor(path)


def test_operators_that_are_not_onnxs_own_are_refused(content: bytes) -> None:
    def call_the_stranger(model: onnx.ModelProto) -> None:
        model.opset_import.append(helper.make_opsetid("strangers", 1))
        before_novelty(model, helper.make_node("Run", ["before"], ["x"], domain="strangers"))

    with pytest.raises(ExportError, match="no ONNX file that can be read"):
        OnnxPredictor(Path("model.onnx"), changed(content, call_the_stranger))


def test_a_description_that_is_no_text_is_damage(content: bytes) -> None:
    damaged = content.replace(b"fittingroom-onnx/1", b"\xff\xfe\xff" * 6)
    with pytest.raises(ExportError, match="is damaged"):
        OnnxPredictor(Path("model.onnx"), damaged)


def test_a_file_larger_than_protobuf_allows_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ExportError, match="refused: at most 2,147,483,648 bytes are read"):
        OnnxPredictor(path)
