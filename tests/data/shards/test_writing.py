"""What is written is whole or not there, and ordinary IDX."""

from __future__ import annotations

import json
import re
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from fittingroom.data.dataset import DataSplits
from fittingroom.data.shards import writing
from fittingroom.data.shards.writing import Contents, Piece, save, write
from fittingroom.data.sources import load
from fittingroom.errors import DataError

Noise = Callable[..., DataSplits]


def read_idx(path: Path) -> NDArray[Any]:
    """Read an IDX file by its description (http://yann.lecun.com/exdb/mnist/)."""
    content = path.read_bytes()
    zero, kind, dimensions = struct.unpack(">HBB", content[:4])
    assert zero == 0
    shape = struct.unpack(f">{dimensions}I", content[4 : 4 + 4 * dimensions])
    dtype = {0x08: ">u1", 0x0C: ">i4"}[kind]
    return np.frombuffer(content, dtype, offset=4 + 4 * dimensions).reshape(shape)


def test_shards_are_idx_files_that_numpy_maps_from_byte_16(
    folder: Path, splits: DataSplits
) -> None:
    names = sorted(path.name for path in folder.glob("train-*-images-*"))
    assert names == [f"train-{number:05}-images-idx3-ubyte" for number in range(3)]
    images = np.concatenate([read_idx(folder / name) for name in names])
    np.testing.assert_array_equal(images, splits.learning.images[:, 0])
    mapped = np.memmap(folder / names[1], np.uint8, "r", 16, (20, 4, 3))
    np.testing.assert_array_equal(mapped, splits.learning.images[20:40, 0])
    labels = [read_idx(path) for path in sorted(folder.glob("train-*-labels-idx1-ubyte"))]
    np.testing.assert_array_equal(np.concatenate(labels), splits.learning.labels)


@pytest.mark.parametrize(("channels", "num_classes"), [(1, 3), (3, 3), (1, 300)])
@pytest.mark.parametrize("shard_size", [1, 7, 1000])
def test_what_is_written_is_read_again(
    tmp_path: Path, noise: Noise, channels: int, num_classes: int, shard_size: int
) -> None:
    expected = noise(channels, num_classes)
    save(expected, tmp_path / "set", shard_size)
    found = load(tmp_path / "set")
    for part, other in ((found.learning, expected.learning), (found.test, expected.test)):
        np.testing.assert_array_equal(np.asarray(part.images), other.images)
        np.testing.assert_array_equal(part.labels, other.labels)
    assert (found.classes, found.notes) == (expected.classes, expected.notes)
    assert found.fingerprint == expected.fingerprint
    vars(found).pop("fingerprint")
    assert found.fingerprint == expected.fingerprint  # computed from the files this time


def test_colour_pictures_have_four_dimensions(tmp_path: Path, noise: Noise) -> None:
    expected = noise(channels=3)
    save(expected, tmp_path / "set", 100)
    stored = read_idx(tmp_path / "set" / "train-00000-images-idx4-ubyte")
    np.testing.assert_array_equal(stored, expected.learning.images)


def test_a_set_in_shards_can_be_divided_anew(folder: Path, tmp_path: Path) -> None:
    save(load(folder), tmp_path / "again", 33)
    assert load(tmp_path / "again").fingerprint == load(folder).fingerprint
    assert len(list((tmp_path / "again").glob("*-images-*"))) == 3


def test_pictures_may_come_in_any_order(tmp_path: Path, splits: DataSplits) -> None:
    labels = {"train": splits.learning.labels, "test": splits.test.labels}
    contents = Contents(splits.image_shape, splits.classes, labels, "here")  # type: ignore[arg-type]

    def pieces() -> Iterator[Piece]:
        yield "test", np.arange(20), splits.test.images
        for start in (2, 0, 1):
            indices = np.arange(start, 50, 3)
            yield "train", indices, splits.learning.images[indices]

    done: list[tuple[int, int]] = []
    write(tmp_path / "set", contents, pieces(), 8, lambda *numbers: done.append(numbers))
    assert load(tmp_path / "set").fingerprint == splits.fingerprint
    assert done == [(0, 70), (20, 70), (36, 70), (53, 70), (70, 70)]


def test_an_empty_folder_takes_the_set(tmp_path: Path, splits: DataSplits) -> None:
    (tmp_path / "set").mkdir()
    save(splits, tmp_path / "set")
    assert load(tmp_path / "set").fingerprint == splits.fingerprint


@pytest.mark.parametrize("kind", ["file", "folder with something", "the set itself"])
def test_what_is_there_is_left_alone(tmp_path: Path, splits: DataSplits, kind: str) -> None:
    target = tmp_path / "set"
    if kind == "file":
        target.write_text("mine")
    elif kind == "the set itself":
        save(splits, target)
    else:
        target.mkdir()
        (target / "mine").touch()
    before = sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("*"))
    with pytest.raises(DataError, match="set: expected a new or empty folder"):
        save(splits, target)
    assert sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("*")) == before


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_disk_without_room_is_told_before_anything_is_written(
    tmp_path: Path, splits: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(100, 99, 1))
    with pytest.raises(DataError, match=r"takes [\d,]+ bytes, the disk has 1 free"):
        save(splits, tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("after", range(4))
def test_an_interrupted_writing_leaves_nothing(
    tmp_path: Path,
    splits: DataSplits,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    after: int,
) -> None:
    put, calls = writing._put, []

    def fail(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) > after:
            raise error
        put(*arguments)

    monkeypatch.setattr(writing, "_put", fail)
    monkeypatch.setattr("fittingroom.data.passes.PIECE_BYTES", 20 * 12)
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else DataError
    with pytest.raises(expected) as caught:
        save(splits, tmp_path / "set", 10)
    assert list(tmp_path.iterdir()) == []
    if expected is DataError:
        assert re.search(r"the set, [\d,]+ bytes, cannot be written: No space", str(caught.value))


def test_a_killed_writing_is_told_and_its_remains_are_no_set(
    tmp_path: Path, splits: DataSplits
) -> None:
    (tmp_path / "set.part").mkdir()
    with pytest.raises(DataError, match=r"set\.part: there already.*remove the folder"):
        save(splits, tmp_path / "set")
    with pytest.raises(DataError):
        load(tmp_path / "set.part")
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("shard_size", "words"),
    [
        (0, "shard_size must be 1 to 4,294,967,295 pictures, found 0"),
        (-3, "found -3"),
        (2**32, "found 4,294,967,296"),
    ],
)
def test_nonsense_sizes_are_refused(
    tmp_path: Path, splits: DataSplits, shard_size: int, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        save(splits, tmp_path / "set", shard_size)


def test_too_many_shards_are_refused_with_a_size_that_works(
    tmp_path: Path, splits: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fittingroom.data.shards.layout.MOST_SHARDS", 7)
    with pytest.raises(DataError, match=r"50 pictures by 2 are 25 shards.*of at least 8"):
        save(splits, tmp_path / "set", 2)
    save(splits, tmp_path / "set", 8)


def test_the_index_is_for_people_too(folder: Path) -> None:
    text = (folder / "shards.json").read_text("utf-8")
    assert "🧦 sock" in text
    assert json.loads(text)["shards"] == {"train": [20, 20, 10], "test": [20]}
