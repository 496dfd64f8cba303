from __future__ import annotations

import gzip
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
