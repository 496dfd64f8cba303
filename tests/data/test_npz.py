from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fittingroom.data import npz
from fittingroom.data.archives import open_archive
from fittingroom.data.files import file_on_disk
from fittingroom.data.reading import Reading
from fittingroom.errors import DataError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 4, 4), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def read(tmp_path: Path, **arrays: Any) -> Reading:
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    with open_archive(file_on_disk(tmp_path / "a.npz")) as tree:
        reading = npz.read(tree)
    assert reading is not None
    return reading


@pytest.mark.parametrize(
    ("images", "labels"), [("x_{}", "y_{}"), ("{}_images", "{}_labels"), ("{}X", "{}Y")]
)
def test_pairs_by_the_usual_names(tmp_path: Path, images: str, labels: str) -> None:
    arrays = {
        images.format("train"): IMAGES,
        labels.format("train"): LABELS,
        images.format("test"): IMAGES[:3],
        labels.format("test"): LABELS[:3],
    }
    reading = read(tmp_path, **arrays)
    assert reading.test is not None
    np.testing.assert_array_equal(reading.learning.images, IMAGES[:, None])
    np.testing.assert_array_equal(reading.test.labels, LABELS[:3])
    assert reading.learning.images.flags.writeable


@pytest.mark.parametrize(("images", "labels"), [("x", "y"), ("images", "labels")])
def test_undivided_set_has_no_test_part(tmp_path: Path, images: str, labels: str) -> None:
    assert read(tmp_path, **{images: IMAGES, labels: LABELS}).test is None


def test_medmnist_validation_is_learned_from_and_label_columns_are_flat(tmp_path: Path) -> None:
    colour = np.stack([IMAGES] * 3, axis=-1)
    reading = read(
        tmp_path,
        train_images=colour,
        train_labels=LABELS[:, None].astype(np.uint8),
        val_images=colour[:2],
        val_labels=LABELS[:2, None],
        test_images=colour,
        test_labels=LABELS[:, None],
    )
    assert reading.learning.images.shape == (8, 3, 4, 4)
    assert reading.learning.labels.tolist() == [*LABELS, 0, 1]
    assert "validation" in reading.notes[0]


@pytest.mark.parametrize(
    "images",
    [
        IMAGES[..., None],
        IMAGES[:, None],
        IMAGES.reshape(6, 16),
        IMAGES.astype(np.int64),
        IMAGES.astype(np.float32),
        IMAGES / 255,
        np.asfortranarray(IMAGES),
        IMAGES.astype(">i4"),
    ],
    ids=["NHWC", "NCHW", "flat", "int64", "float", "0 to 1", "fortran", "big-endian"],
)
def test_the_same_pictures_in_other_shapes_and_types(tmp_path: Path, images: Any) -> None:
    np.testing.assert_array_equal(read(tmp_path, x=images, y=LABELS).learning.images[:, 0], IMAGES)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES.astype(int) - 1, LABELS, "pixels from 0 to 255"),
        (IMAGES + 0.5, LABELS, "pixels from 0 to 255"),
        (np.full((6, 4, 4), np.nan), LABELS, "pixels from 0 to 255"),
        (IMAGES[0], LABELS, "image|shape"),
        (np.zeros((6, 4, 4, 2), np.uint8), LABELS, "expected pictures of shape"),
        (np.zeros((0, 4, 4), np.uint8), LABELS[:0], "no pictures"),
        (np.zeros((0, 0)), LABELS[:0], "no pictures"),
        (np.zeros((6, 0)), LABELS, "no pictures"),
        (IMAGES, LABELS[:5], "6 images but 5 labels"),
        (IMAGES, LABELS / 2, "whole-number labels"),
        (IMAGES, np.eye(6), "whole-number labels"),
        (IMAGES, np.full(6, 2**64 - 1, np.uint64), "64 bits"),
    ],
)
def test_arrays_that_are_no_pictures_or_labels(
    tmp_path: Path, images: Any, labels: Any, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, x=images, y=labels)


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="array of numbers"):
        read(tmp_path, x=np.array([{}, []], dtype=object), y=LABELS)


def test_unknown_names_are_listed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found bar, foo"):
        read(tmp_path, foo=IMAGES, bar=LABELS)


def saved(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def test_header_that_promises_more_than_the_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(saved(IMAGES).replace(b"(6, 4, 4)", b"(9**9, 4)"))
    with pytest.raises(DataError, match="damaged"):
        npz.read_array(file_on_disk(path))
    path.write_bytes(saved(IMAGES).replace(b"(6, 4, 4), }", b"(6000000, 4)}"))
    with pytest.raises(DataError, match="promises 24,000,000 bytes"):
        npz.read_array(file_on_disk(path))


@settings(derandomize=True, max_examples=400)
@given(data=st.data())
def test_damaged_arrays_give_an_array_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.npy"
    damaged = bytearray(saved(LABELS))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, 127))] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged[: data.draw(st.integers(1, len(damaged)))])
    try:
        array = npz.read_array(file_on_disk(path))
    except DataError:
        return
    assert array.dtype.kind in "buif"


@pytest.mark.parametrize("shape", [f"(0, {2**62}, {2**62})", f"({'1, ' * 100})"])
def test_dimensions_too_large_or_too_many_are_a_data_error(tmp_path: Path, shape: str) -> None:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': %s}\n" % shape.encode()
    path = tmp_path / "x.npy"
    path.write_bytes(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + b"x")
    with pytest.raises(DataError) as error:
        npz.read_array(file_on_disk(path))
    assert "\n" not in str(error.value)
