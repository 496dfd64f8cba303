from __future__ import annotations

import gzip
import hashlib
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fittingroom.data import fashion_mnist, inspection
from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.data.sources import load
from fittingroom.errors import DataError

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        "FITTINGROOM_DATA" not in os.environ,
        reason="FITTINGROOM_DATA names no folder with Fashion-MNIST",
    ),
]


@pytest.fixture(scope="module")
def splits() -> DataSplits:
    return load("fashion-mnist")


@pytest.fixture
def files(splits: DataSplits) -> list[Path]:
    return sorted(Path(splits.source).glob("*ubyte*"))


def test_published_numbers(splits: DataSplits) -> None:
    # https://github.com/zalandoresearch/fashion-mnist and the data's own README
    description = inspection.describe(splits)
    assert (len(splits.learning), len(splits.test), splits.image_shape) == (
        60_000,
        10_000,
        (1, 28, 28),
    )
    assert description.pixel_mean == pytest.approx(72.9404, abs=5e-5)
    assert description.pixel_std == pytest.approx(90.0212, abs=5e-5)
    assert splits.learning.class_counts.tolist() == [6_000] * 10
    assert splits.test.class_counts.tolist() == [1_000] * 10
    assert [splits.classes[label] for label in splits.test.labels[:4]] == [
        *("Ankle boot", "Pullover", "Trouser", "Trouser")
    ]


# The four files of the data's own page, https://github.com/zalandoresearch/fashion-mnist.
MD5 = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}


def test_numpy_reads_the_same_from_the_files_bytes_which_are_the_published_ones(
    splits: DataSplits, files: list[Path]
) -> None:
    packed = {file.name: file.read_bytes() for file in files if file.name in MD5}
    if len(packed) < len(MD5):
        pytest.skip("the files are there unpacked, or otherwise than they were published")
    found = {name: hashlib.md5(content).hexdigest() for name, content in packed.items()}  # noqa: S324
    assert found == MD5
    for part, dataset in (("train", splits.learning), ("t10k", splits.test)):
        images, labels = (
            np.frombuffer(gzip.decompress(packed[f"{part}-{rest}-ubyte.gz"]), np.uint8)
            for rest in ("images-idx3", "labels-idx1")
        )
        np.testing.assert_array_equal(dataset.images, images[16:].reshape(-1, 1, 28, 28))
        np.testing.assert_array_equal(dataset.labels, labels[8:])


def test_mean_and_deviation_of_the_training_pixels_are_the_ones_in_everybodys_code(
    splits: DataSplits,
) -> None:
    # Normalize((0.2860,), (0.3530,)), as torchvision's users write it.
    pixels = splits.learning.images / np.float32(255)
    assert pixels.mean(dtype=np.float64) == pytest.approx(0.2860, abs=5e-5)
    assert pixels.std(dtype=np.float64) == pytest.approx(0.3530, abs=5e-5)


def test_no_picture_is_there_twice_as_in_the_first_release(splits: DataSplits) -> None:
    # Until 31 August 2017, 43 training pictures and one test picture were copies of others, and
    # 10 were in both parts (https://github.com/zalandoresearch/fashion-mnist/issues/44).
    learning, test = (
        [image.tobytes() for image in part.images] for part in (splits.learning, splits.test)
    )
    assert len(set(learning)) == 60_000
    assert len(set(test)) == 10_000
    assert not set(learning) & set(test)


def test_known_by_content_under_any_path(
    splits: DataSplits, files: list[Path], tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "download.zip", "w") as archive:
        for file in files:
            archive.write(file, f"{file.stem}/{file.stem}")
    again = load(tmp_path / "download.zip")
    assert (again.name, again.classes) == ("fashion-mnist", fashion_mnist.CLASSES)
    assert again.fingerprint == splits.fingerprint == fashion_mnist.FINGERPRINT


def test_one_changed_pixel_is_another_data_set(splits: DataSplits) -> None:
    images = splits.test.images.copy()
    images[-1, 0, -1, -1] ^= 1
    test = ImageDataset(images, splits.test.labels, splits.classes)
    other = DataSplits(splits.name, splits.source, splits.learning, test)
    assert not fashion_mnist.is_original(other)
    assert not fashion_mnist.is_reordered(other)


def test_kaggles_order_is_known_by_content_too(splits: DataSplits) -> None:
    learning = splits.learning.subset(np.random.default_rng(0).permutation(60_000))
    other = DataSplits(splits.name, splits.source, learning, splits.test)
    assert not fashion_mnist.is_original(other)
    assert fashion_mnist.is_reordered(other)


def test_truncated_original_is_refused_by_name(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FITTINGROOM_DATA", str(tmp_path))
    for file in files:
        data = file.read_bytes()
        (tmp_path / file.name).write_bytes(data[: len(data) // 2] if "t10k" in file.name else data)
    with pytest.raises(DataError, match=r"t10k-images.*ends too early"):
        load("auto")


@pytest.mark.parametrize("how", ["as published", "unpacked"])
def test_the_one_of_the_four_files_that_is_damaged_is_named(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    folder = tmp_path / "data" / "fashion-mnist"
    folder.mkdir(parents=True)
    for file in files:
        content = file.read_bytes()
        whole = gzip.decompress(content) if file.suffix == ".gz" else content
        name = file.name.removesuffix(".gz")
        if how == "unpacked":
            (folder / name).write_bytes(whole)
        else:
            (folder / f"{name}.gz").write_bytes(gzip.compress(whole, 1))
    assert fashion_mnist.changed_files(folder) == []
    (path,) = folder.glob("t10k-labels*")
    whole = path.read_bytes()
    changed = bytearray(gzip.decompress(whole) if path.suffix == ".gz" else whole)
    changed[1234] ^= 1  # another class, still one of the ten
    path.write_bytes(gzip.compress(changed) if path.suffix == ".gz" else changed)
    assert fashion_mnist.changed_files(folder) == [path]
    monkeypatch.setenv("FITTINGROOM_DATA", str(folder))
    with pytest.raises(DataError, match=rf"^{re.escape(str(path))}: damaged, or another content"):
        load("fashion-mnist")
