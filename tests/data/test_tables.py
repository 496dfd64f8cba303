from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fittingroom.data import fashion_mnist, tables
from fittingroom.data.archives import open_archive
from fittingroom.data.files import file_on_disk, list_folder
from fittingroom.data.reading import Reading
from fittingroom.errors import DataError


def write(path: Path, rows: NDArray[np.int64], header: str = "") -> None:
    lines = [header] * bool(header) + [",".join(map(str, row)) for row in rows]
    path.write_text("\n".join(lines) + "\n")


def rows(count: int, side: int = 2, seed: int = 0) -> NDArray[np.int64]:
    table = np.random.default_rng(seed).integers(0, 256, (count, 1 + side * side))
    table[:, 0] = np.arange(count) % 10
    return table


def read(folder: Path) -> Reading:
    reading = tables.read(list_folder(folder))
    assert reading is not None
    return reading


HEADER = "label,pixel1,pixel2,pixel3,pixel4"


@pytest.mark.parametrize("header", [HEADER, ""], ids=["Kaggle", "MNIST in CSV, no header"])
def test_pair_is_read_row_by_row(tmp_path: Path, header: str) -> None:
    write(tmp_path / "mnist_train.csv", rows(20), header)
    write(tmp_path / "mnist_test.csv", rows(10, seed=1), header)
    reading = read(tmp_path)
    assert reading.test is not None
    for part, table in ((reading.learning, rows(20)), (reading.test, rows(10, seed=1))):
        np.testing.assert_array_equal(part.images, table[:, 1:].reshape(-1, 1, 2, 2))
        np.testing.assert_array_equal(part.labels, table[:, 0])
        assert part.images.flags.writeable
        assert part.images.flags.c_contiguous
    assert reading.classes is None


def test_gzip_in_an_archive_is_read_all_the_same(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", rows(20), HEADER)
    packed = gzip.compress((tmp_path / "train.csv").read_bytes())
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("top/train.csv.gz", packed)
    with open_archive(file_on_disk(tmp_path / "a.zip")) as tree:
        reading = tables.read(tree)
    assert reading is not None
    np.testing.assert_array_equal(reading.learning.labels, rows(20)[:, 0])


def test_label_column_is_found_by_its_name(tmp_path: Path) -> None:
    table = rows(20)
    write(tmp_path / "a.csv", np.roll(table, -1, axis=1), "a,b,c,d,Class")
    learning = read(tmp_path).learning
    np.testing.assert_array_equal(learning.labels, table[:, 0])
    np.testing.assert_array_equal(learning.images.reshape(20, 4), table[:, 1:])


def test_kaggles_file_name_gives_the_class_names(tmp_path: Path) -> None:
    write(tmp_path / "fashion-mnist_train.csv", rows(20), HEADER)
    write(tmp_path / "fashion-mnist_test.csv", rows(10), HEADER)
    assert read(tmp_path).classes == fashion_mnist.CLASSES


def test_test_file_without_labels_is_left_aside(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", rows(20), HEADER)
    write(tmp_path / "test.csv", rows(10)[:, 1:], HEADER.removeprefix("label,"))
    write(tmp_path / "sample_submission.csv", rows(10)[:, :2], "ImageId,Label")
    reading = read(tmp_path)
    assert reading.test is None
    assert reading.notes == ("test.csv has no labels and is left aside.",)


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 785 * 3])
def test_columns_of_no_square_picture_are_refused(tmp_path: Path, columns: int) -> None:
    write(tmp_path / "a.csv", np.ones((2, columns), np.int64))
    path = tmp_path / "a.csv"
    if columns == 2:
        table = tables.read_table(file_on_disk(path))
        assert table is not None
        assert table.images.shape == (2, 1, 1, 1)
    else:
        with pytest.raises(DataError, match=f"square picture.*found {columns:,} columns"):
            tables.read_table(file_on_disk(path))


def test_two_pairs_are_named(tmp_path: Path) -> None:
    for name in ("a_train.csv", "b_train.csv"):
        write(tmp_path / name, rows(3))
    with pytest.raises(DataError, match=r"a_train\.csv.*b_train\.csv"):
        tables.read(list_folder(tmp_path))


def test_pictures_beside_a_lone_table_are_not_for_this_reader(tmp_path: Path) -> None:
    write(tmp_path / "labels.csv", rows(3))
    (tmp_path / "a.png").write_bytes(b"x")
    assert tables.read(list_folder(tmp_path)) is None
