from __future__ import annotations

import gzip
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fittingroom.data import idx
from fittingroom.data.archives import open_archive
from fittingroom.data.files import file_on_disk, list_folder
from fittingroom.data.reading import Reading
from fittingroom.errors import DataError

NAMES = {
    "MNIST": ("train-{}-idx{}-ubyte", "t10k-{}-idx{}-ubyte"),
    "dots": ("train-{}.idx{}-ubyte", "t10k-{}.idx{}-ubyte"),
    "EMNIST": ("emnist-letters-train-{}-idx{}-ubyte", "emnist-letters-test-{}-idx{}-ubyte"),
}


def packed(array: NDArray[np.uint8]) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def pictures(count: int, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 3, 4), dtype=np.uint8)
    return images, (np.arange(count) % 5).astype(np.uint8)


def write_set(folder: Path, names: tuple[str, str] = NAMES["MNIST"], gz: bool = False) -> None:
    for count, name in zip((20, 10), names, strict=True):
        images, labels = pictures(count)
        for kind, array in (("images", images), ("labels", labels)):
            path = folder / name.format(kind, array.ndim)
            path.parent.mkdir(parents=True, exist_ok=True)
            if gz:
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(packed(array)))
            else:
                path.write_bytes(packed(array))


def assert_is_the_set(reading: Reading | None) -> None:
    assert reading is not None
    assert reading.test is not None
    for part, count in ((reading.learning, 20), (reading.test, 10)):
        images, labels = pictures(count)
        np.testing.assert_array_equal(part.images, images[:, None])
        np.testing.assert_array_equal(part.labels, labels)
        assert part.images.flags.writeable
        assert part.images.flags.c_contiguous


@pytest.mark.parametrize("gz", [False, True], ids=["raw", "gzip"])
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_names_of_all_relatives_are_known(tmp_path: Path, names: tuple[str, str], gz: bool) -> None:
    write_set(tmp_path, names, gz)
    assert_is_the_set(idx.read(list_folder(tmp_path)))


def test_kaggle_archive_with_files_in_folders_of_their_own_name(tmp_path: Path) -> None:
    write_set(tmp_path / "in")
    with zipfile.ZipFile(tmp_path / "archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in (tmp_path / "in").iterdir():
            archive.write(path, f"{path.name}/{path.name}")
    with open_archive(file_on_disk(tmp_path / "archive.zip")) as tree:
        assert_is_the_set(idx.read(tree))


def test_raw_and_gzip_side_by_side_are_one_set(tmp_path: Path) -> None:
    write_set(tmp_path)
    write_set(tmp_path, gz=True)
    assert_is_the_set(idx.read(list_folder(tmp_path)))


def test_folder_without_idx_files_is_not_for_this_reader(tmp_path: Path) -> None:
    (tmp_path / "train-images.png").write_bytes(b"x")
    assert idx.read(list_folder(tmp_path)) is None


def test_two_sets_are_named(tmp_path: Path) -> None:
    write_set(tmp_path / "mnist")
    write_set(tmp_path / "kmnist")
    with pytest.raises(DataError, match=r"holds 2 data sets.*kmnist.*mnist"):
        idx.read(list_folder(tmp_path))


def test_missing_labels_are_named(tmp_path: Path) -> None:
    write_set(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte: the file of labels"):
        idx.read(list_folder(tmp_path))


def test_images_and_labels_that_differ_in_number_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(packed(pictures(19)[1]))
    with pytest.raises(DataError, match="20 images but 19 labels"):
        idx.read(list_folder(tmp_path))


def test_validation_pictures_are_learned_from(tmp_path: Path) -> None:
    write_set(tmp_path)
    write_set(tmp_path, ("val-{}-idx{}-ubyte", "t10k-{}-idx{}-ubyte"))
    reading = idx.read(list_folder(tmp_path))
    assert reading is not None
    assert len(reading.learning.labels) == 40
    assert "validation" in reading.notes[0]


def header(*shape: int, magic: bytes = b"\0\0\x08\x03") -> bytes:
    return magic + struct.pack(f">{len(shape)}I", *shape)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "found nothing"),
        (b"\0\0\x08", "00 00 08 03, found 00 00 08;"),
        (header(2, magic=b"\0\0\x08\x01"), "starts with the bytes 00 00 08 03"),
        (header(2, 1, 1, magic=b"\0\0\x0d\x03"), "starts with the bytes 00 00 08 03"),
        (header(2, 1), "ends inside its header"),
        (header(2, 2, 2) + bytes(7), "promises 8 values"),
        (header(2, 2, 2) + bytes(9), "holds more"),
        (header(2**32 - 1, 2**32 - 1, 2**32 - 1) + bytes(9), "more than the 25 bytes"),
        (gzip.compress(header(2**32 - 1, 28, 28), mtime=0), "can hold"),
        (gzip.compress(header(20_000, 1, 1) + bytes(9), mtime=0), "the file holds 9"),
    ],
)
def test_headers_that_lie_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "images"
    path.write_bytes(data)
    with pytest.raises(DataError, match=message):
        idx.read_array(file_on_disk(path), dimensions=3)


@settings(derandomize=True, max_examples=400)
@given(
    start=st.sampled_from([b"", b"\0\0\x08\x03", header(2, 2, 2), header(0, 3, 3)]),
    rest=st.binary(max_size=40),
    gz=st.booleans(),
    cut=st.integers(0, 30),
)
@example(start=header(2, 2, 2), rest=bytes(8), gz=True, cut=0)
def test_any_bytes_give_an_array_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, start: bytes, rest: bytes, gz: bool, cut: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz-idx"
    data = gzip.compress(start + rest) if gz else start + rest
    kept = data[: max(0, len(data) - cut)]
    path.write_bytes(kept)
    try:
        array = idx.read_array(file_on_disk(path), dimensions=3)
    except DataError:
        return
    assert packed(array) == (start + rest if gz else kept)


def test_no_values_in_huge_dimensions_are_a_data_error(tmp_path: Path) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(b"\0\0\x08\x03" + struct.pack(">3I", 0, 2**32 - 1, 2**32 - 1))
    with pytest.raises(DataError, match="damaged or cannot be read"):
        idx.read_array(file_on_disk(path), 3)
