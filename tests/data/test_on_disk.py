"""Pictures on disk answer as the same pictures in an array would."""

from __future__ import annotations

import copy
import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from fittingroom.data import on_disk
from fittingroom.data.on_disk import ImagesOnDisk, PictureFile
from fittingroom.errors import DataError

SHAPES = ((1, 2, 3), (3, 4, 2))


def write(
    folder: Path, counts: list[int], shape: tuple[int, int, int] = SHAPES[0], offset: int = 16
) -> tuple[ImagesOnDisk, NDArray[np.uint8]]:
    """Write random pictures to files of so many each; return them on disk and in memory."""
    images = np.random.default_rng(0).integers(0, 256, (sum(counts), *shape), np.uint8)
    files, first = [], 0
    for number, count in enumerate(counts):
        path = folder / str(number)
        path.write_bytes(b"h" * offset + images[first : first + count].tobytes())
        files.append(PictureFile(path, offset, count))
        first += count
    return ImagesOnDisk(tuple(files), shape), images


def keys(count: int) -> st.SearchStrategy[Any]:
    """Draw whatever NumPy takes as an index of the first axis."""
    numbers = st.integers(-count, count - 1)
    return st.one_of(
        numbers,
        numbers.map(np.int64),
        st.slices(count),
        st.lists(numbers, max_size=30).map(lambda found: np.array(found, np.int64)),
        hnp.arrays(np.bool_, count),
        hnp.arrays(np.int64, st.tuples(st.integers(1, 3), st.integers(1, 3)), elements=numbers),
        st.just(...),
    )


@settings(max_examples=40)
@given(st.data())
def test_indexing_is_numpys(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    counts = data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=5))
    shape = data.draw(st.sampled_from(SHAPES))
    stored, images = write(tmp_path_factory.mktemp("set"), counts, shape)
    block = data.draw(st.integers(1, 5)) * math.prod(shape)
    gap = data.draw(st.integers(0, 3)) * math.prod(shape)
    with pytest.MonkeyPatch.context() as patch:  # blocks and gaps of a few pictures
        patch.setattr(on_disk, "BLOCK_BYTES", block)
        patch.setattr(on_disk, "GAP_BYTES", gap)
        for _ in range(3):
            key = data.draw(keys(len(images)))
            np.testing.assert_array_equal(stored[key], images[key])
        chosen = data.draw(keys(len(images)).filter(lambda key: images[key].ndim == 4))
        view, expected = stored.view(chosen), images[chosen]
        assert view.shape == expected.shape
        np.testing.assert_array_equal(view[:], expected)
        if len(expected):
            key = data.draw(keys(len(expected)))
            np.testing.assert_array_equal(view[key], expected[key])


@pytest.mark.parametrize("key", [7, -8, [0, 7], np.array([True]), "a", 1.5, (0, 0)])
def test_what_numpy_refuses_is_refused(tmp_path: Path, key: Any) -> None:
    stored, images = write(tmp_path, [3, 4])
    with pytest.raises(IndexError):
        images[:, 0, 0, 0][key]
    with pytest.raises(IndexError):
        stored[key]


def test_it_looks_like_the_array(tmp_path: Path) -> None:
    stored, images = write(tmp_path, [3, 4])
    assert (len(stored), stored.shape, stored.ndim) == (len(images), images.shape, images.ndim)
    assert (stored.dtype, stored.size) == (images.dtype, images.size)
    np.testing.assert_array_equal(np.asarray(stored), images)
    np.testing.assert_array_equal(np.asarray(stored, np.float32), images.astype(np.float32))
    assert repr(stored) == "<ImagesOnDisk: 7 pictures (1, 2, 3) in 2 files>"
    with pytest.raises(ValueError, match="only by a copy"):
        np.asarray(stored, copy=False)


def test_what_was_read_can_be_changed_without_touching_the_files(tmp_path: Path) -> None:
    stored, images = write(tmp_path, [5])
    stored[:][...] = 0
    np.testing.assert_array_equal(stored[:], images)


def test_read_only_files_are_read(tmp_path: Path) -> None:
    stored, images = write(tmp_path, [3, 3])
    for file in stored.files:
        file.path.chmod(0o444)
    np.testing.assert_array_equal(stored[[5, 0]], images[[5, 0]])


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_however_many_threads_read_it_is_the_same(tmp_path: Path, threads: int) -> None:
    stored, images = write(tmp_path, [7, 1, 30, 12])
    wanted = np.random.default_rng(1).permutation(50)[:37].astype(np.int64)
    np.testing.assert_array_equal(stored.read(wanted, threads), images[wanted])
    (tmp_path / "2").unlink()
    with pytest.raises(DataError, match="cannot be read any more"):
        stored.read(wanted, threads)


def test_a_copy_reads_the_same_files(tmp_path: Path) -> None:
    stored, images = write(tmp_path, [3, 3])
    np.testing.assert_array_equal(copy.deepcopy(stored)[1:5], images[1:5])


def test_threads_read_at_the_same_time(tmp_path: Path) -> None:
    stored, images = write(tmp_path, [40] * 5)
    orders = [np.random.default_rng(seed).permutation(200) for seed in range(8)]
    found: dict[int, NDArray[np.uint8]] = {}

    def read(number: int) -> None:
        found[number] = stored[orders[number]]

    threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, order in enumerate(orders):
        np.testing.assert_array_equal(found[number], images[order])


@pytest.mark.parametrize("harm", ["gone", "shorter"])
def test_a_file_that_changes_meanwhile_is_named(tmp_path: Path, harm: str) -> None:
    stored, images = write(tmp_path, [3, 3])
    path = stored.files[1].path
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="1: cannot be read any more"):
        stored[5]
    np.testing.assert_array_equal(stored[:3], images[:3])
