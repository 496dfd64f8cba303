"""Files of tensors that hold their own SHA-256."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, load_file, save

from fittingroom.errors import ModelError
from fittingroom.models.tensor_file import pack, unpack

TENSORS = {
    "weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "halves": torch.tensor([0.5, -1.5], dtype=torch.bfloat16),
    "count": torch.tensor(7),
    "none": torch.zeros(0, 3),
    "bytes": torch.tensor([1, 255], dtype=torch.uint8),
}
DESCRIPTION = {"format": "new", "classes": '["앵클 부츠"]', "z": "", "a": "1"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "모델.safetensors"
    path.write_bytes(pack(TENSORS, DESCRIPTION))
    return path


def test_what_was_packed_is_unpacked(path: Path) -> None:
    description, tensors = unpack(path, "model", ("new",))
    assert description == DESCRIPTION
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)


def test_the_library_itself_reads_the_file(path: Path) -> None:
    for tensors in (load_file(path), load(path.read_bytes())):
        assert {name: t.tolist() for name, t in tensors.items()} == {
            name: t.tolist() for name, t in TENSORS.items()
        }


def test_equal_tensors_make_equal_files_in_whatever_order(path: Path) -> None:
    backwards = dict(reversed(TENSORS.items())), dict(reversed(DESCRIPTION.items()))
    assert {pack(TENSORS, DESCRIPTION) for _ in range(20)} == {path.read_bytes()}
    assert pack(*backwards) == path.read_bytes()


def test_tensors_may_share_memory_and_lie_anyhow(path: Path) -> None:
    shared = torch.arange(6.0).reshape(2, 3)
    path.write_bytes(pack({"a": shared, "b": shared.T, "c": shared[:, 1]}, {"format": "new"}))
    tensors = unpack(path, "model")[1]
    assert tensors["b"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert tensors["c"].tolist() == [1, 4]


def test_a_change_of_any_byte_and_any_cut_is_noticed(path: Path) -> None:
    """But for the spaces that pad the header, which mean nothing."""
    whole = path.read_bytes()
    expected = unpack(path, "model")[0]
    for place, bit in itertools.product(range(len(whole)), (1, 16, 128)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        if whole[place : place + 1] == b" ":
            continue
        with pytest.raises(ModelError, match=r"모델\.safetensors"):
            assert unpack(path, "model", ("new", "old"))[0] != expected
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError):
            unpack(path, "model", ("new",))


def test_a_file_of_before_needs_no_sha_256_one_of_now_does(path: Path) -> None:
    path.write_bytes(save(TENSORS, {"format": "old"}))
    assert unpack(path, "model", ("new", "old"))[1].keys() == TENSORS.keys()
    path.write_bytes(save(TENSORS, {"format": "new"}))
    with pytest.raises(ModelError, match="its SHA-256 is not the one that it holds"):
        unpack(path, "model", ("new", "old"))


def test_another_format_is_refused(path: Path) -> None:
    with pytest.raises(ModelError, match="expected a model of format newer, found new"):
        unpack(path, "model", ("newer",))
    with pytest.raises(ModelError, match="no such model file"):
        unpack(path.with_name("gone"), "model")
