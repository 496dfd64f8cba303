from __future__ import annotations

import contextlib
import gzip
import json
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from fittingroom.data import download, fashion_mnist, sketches, sources
from fittingroom.data.sources import load
from fittingroom.errors import DataError, DownloadError

IMAGES = np.random.default_rng(0).integers(0, 256, (30, 3, 4), dtype=np.uint8)
LABELS = (np.arange(30) % 3).astype(np.uint8)


@pytest.fixture(autouse=True)
def empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, without the data variable and without network."""

    def no_network(**options: object) -> Path:
        raise DownloadError("no network in this test")

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(sources.DATA_VARIABLE, raising=False)
    monkeypatch.setattr(download, "fashion_mnist_files", no_network)
    return tmp_path


def packed(array: NDArray[np.uint8]) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def write_idx(folder: Path, prefix: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for part, rows in (("train", slice(0, 20)), ("t10k", slice(20, 30))):
        (folder / f"{prefix}{part}-images-idx3-ubyte").write_bytes(packed(IMAGES[rows]))
        (folder / f"{prefix}{part}-labels-idx1-ubyte").write_bytes(packed(LABELS[rows]))
    return folder


def write_zip(path: Path, *files: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
    return path


def test_folder_is_named_after_itself_and_has_validation(tmp_path: Path) -> None:
    splits = load(write_idx(tmp_path / "내 옷"))
    assert (splits.name, splits.source, splits.sketches) == (
        "내 옷",
        str(tmp_path / "내 옷"),
        False,
    )
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (18, 2, 10)
    assert splits.classes == ("0", "1", "2")


def test_every_way_to_pack_the_same_files_gives_the_same_content(tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "raw")
    archive = write_zip(tmp_path / "a.zip", *folder.iterdir())
    (tmp_path / "down").mkdir()
    shutil.copy(archive, tmp_path / "down" / "archive.zip")
    train, test = slice(0, 20), slice(20, 30)
    np.savez_compressed(
        tmp_path / "keras.npz",
        x_train=IMAGES[train],
        y_train=LABELS[train],
        x_test=IMAGES[test],
        y_test=LABELS[test],
    )
    write_zip(tmp_path / "b.zip", tmp_path / "keras.npz")
    (tmp_path / "gz").mkdir()
    for file in folder.iterdir():
        (tmp_path / "gz" / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    places = [
        *(folder, folder / "train-images-idx3-ubyte", archive, tmp_path / "down"),
        *(tmp_path / "keras.npz", tmp_path / "b.zip", tmp_path / "gz"),
    ]
    assert len({load(place).fingerprint for place in places}) == 1


def test_one_file_of_a_set_chooses_the_set(tmp_path: Path) -> None:
    write_idx(tmp_path / "gzip", "emnist-letters-")
    write_idx(tmp_path / "gzip", "emnist-digits-")
    with pytest.raises(DataError, match="2 data sets"):
        load(tmp_path / "gzip")
    splits = load(tmp_path / "gzip" / "emnist-digits-train-images-idx3-ubyte")
    assert len(splits.learning) == 20
    assert any("transposed" in note for note in splits.notes)


def test_one_file_of_a_csv_pair_stands_for_both(tmp_path: Path) -> None:
    for name, labels in (("a_train.csv", "0101"), ("a_test.csv", "01"), ("b.csv", "0101010101")):
        lines = [f"{label},1,2,3,4" for label in labels]
        (tmp_path / name).write_text("\n".join(lines))
    assert len(load(tmp_path / "a_train.csv").test) == 2
    single = load(tmp_path / "b.csv")
    assert (single.name, len(single.learning), len(single.test)) == ("b", 8, 2)


def test_size_is_for_folders_of_pictures(tmp_path: Path) -> None:
    for name in "abcde":
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(2):
            Image.new("L", (9, 9)).save(tmp_path / "pictures" / name / f"{number}.png")
    assert load(tmp_path / "pictures", size=12).image_shape == (1, 12, 12)
    assert load(tmp_path / "pictures", size=(5, 6)).image_shape == (1, 5, 6)
    with pytest.raises(DataError, match="only folders of pictures are resized"):
        load(write_idx(tmp_path / "idx"), size=28)
    for least_and_most in ((1, 1024), (1024, 1)):
        assert load(tmp_path / "pictures", size=least_and_most).image_shape[1:] == least_and_most
    for beyond in (0, (0, 5), (5, 0), (1025, 5), (5, 1025)):
        with pytest.raises(DataError, match="size: expected"):
            load(tmp_path / "pictures", size=beyond)


def test_class_names_by_argument_by_file_and_beside_the_data(tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "d")
    names = tmp_path / "names.txt"
    names.write_text("\ufeff셔츠\r\n바지\r\n\r\n코트\r\n", encoding="utf-8")
    assert load(folder, classes=["a", "b", "c"]).classes == ("a", "b", "c")
    assert load(folder, classes=names).classes == ("셔츠", "바지", "코트")
    (folder / "classes.txt").write_text("x\ny\nz\n")
    assert load(folder).classes == ("x", "y", "z")
    assert load(folder, classes=str(names)).classes == ("셔츠", "바지", "코트")
    archive = write_zip(tmp_path / "a.zip", *folder.iterdir())
    assert load(archive).classes == ("x", "y", "z")


@pytest.mark.parametrize("content", [b"", b"a\nb\n", "가\n나\n다".encode("cp949")])
def test_bad_files_of_class_names_are_refused(tmp_path: Path, content: bytes) -> None:
    folder = write_idx(tmp_path / "d")
    (folder / "classes.txt").write_bytes(content)
    with pytest.raises(DataError, match=r"class name|UTF-8"):
        load(folder)


@pytest.mark.parametrize("name", ["missing", "classes", "./fashion-mnist"])
def test_missing_paths_are_named(name: str) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        load(name)


def test_missing_file_of_class_names_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"names\.txt: cannot be read"):
        load(write_idx(tmp_path / "d"), classes="names.txt")


def test_empty_folder_says_what_is_understood(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected IDX files.*found nothing"):
        load(tmp_path)


def test_marked_folder_is_called_sketches(tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "d")
    (folder / "sketches.json").write_text(json.dumps({}))
    write_zip(tmp_path / "a.zip", *folder.iterdir())
    (tmp_path / "down").mkdir()
    shutil.copy(tmp_path / "a.zip", tmp_path / "down")
    for place in (
        folder,
        folder / "train-images-idx3-ubyte",
        tmp_path / "a.zip",
        tmp_path / "down",
    ):
        splits = load(place)
        assert splits.sketches
        assert splits.name == "sketches"


STARTS = [b"", b"PK\3\4", b"\x1f\x8b\x08", b"\x93NUMPY", b"1,2\n", b"\0\0\x08\x03"]


# the fixture that runs once for all examples sets nothing that they change
@settings(
    derandomize=True,
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    name=st.sampled_from(["a.csv", "a.zip", "a.npz", "train-images-idx3-ubyte", "t.png", "a"]),
    start=st.sampled_from(STARTS),
    rest=st.binary(max_size=60),
)
def test_any_file_gives_a_data_set_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, name: str, start: bytes, rest: bytes
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / name).write_bytes(start + rest)
    for place in (folder, folder / name):
        with contextlib.suppress(DataError):
            assert len(load(place).test) > 0


@pytest.mark.parametrize("name", ["fashion-mnist", "sketches", "auto"])
def test_other_content_never_gets_a_known_name(tmp_path: Path, name: str) -> None:
    write_idx(tmp_path / name)
    assert load(f"./{name}").name == f"other-{name}"


@pytest.mark.parametrize("source", ["auto", "fashion-mnist"])
@pytest.mark.parametrize("place", ["data", "data/fashion-mnist", "named", "named/fashion-mnist"])
def test_other_content_under_the_right_names_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, source: str
) -> None:
    write_idx(tmp_path / place)
    if place.startswith("named"):
        monkeypatch.setenv(sources.DATA_VARIABLE, "named")
    with pytest.raises(DataError, match=r"another content.*expected fingerprint.*found"):
        load(source)


def test_data_variable_must_name_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sources.DATA_VARIABLE, "nowhere")
    with pytest.raises(DataError, match="FITTINGROOM_DATA: names nowhere"):
        load("auto")


def test_other_data_in_the_data_folder_is_passed_over(tmp_path: Path) -> None:
    write_idx(tmp_path / "data", "emnist-letters-")
    write_idx(tmp_path / "data" / "mnist")
    (tmp_path / "data" / "x.csv").write_text("1,2\n")
    with pytest.raises(DownloadError):
        load("fashion-mnist")


def test_auto_falls_back_to_sketches_and_says_so() -> None:
    messages: list[str] = []
    splits = load("auto", announce=messages.append)
    assert splits.sketches
    assert splits.name == "sketches"
    assert "sketches, not Fashion-MNIST" in splits.notes[0]
    assert "FITTINGROOM_DATA" in splits.notes[0]
    assert messages == []  # so that the note is the first that a person reads


def test_written_sketches_are_sketches_again(tmp_path: Path) -> None:
    splits = load(sketches.write_idx(tmp_path / "fashion-mnist", train=40, test=20))
    assert (splits.name, splits.sketches) == ("sketches", True)
    assert splits.classes == fashion_mnist.CLASSES


def test_sketches_by_name_may_have_other_class_names() -> None:
    names = [f"옷 {number}" for number in range(10)]
    assert load("sketches", classes=names).classes == tuple(names)


@pytest.mark.parametrize("place", ["cache", "data", "data/fashion-mnist", "data/archive.zip"])
def test_fashion_mnist_is_found_by_name_and_verified_by_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    folder = write_idx(tmp_path / ("packed" if place.endswith(".zip") else place))
    if place.endswith(".zip"):
        (tmp_path / "data").mkdir()
        write_zip(tmp_path / place, *folder.iterdir())
    splits = load(folder)
    monkeypatch.setattr(download, "fashion_mnist_files", lambda **_: tmp_path / "cache")
    monkeypatch.setattr(fashion_mnist, "has_its_shape", bool)
    monkeypatch.setattr(fashion_mnist, "FINGERPRINT", splits.fingerprint)
    monkeypatch.setattr(fashion_mnist, "CLASSES", ("a", "b", "c"))
    found = load("fashion-mnist")
    assert (found.name, found.classes) == ("fashion-mnist", ("a", "b", "c"))
    assert found.fingerprint == splits.fingerprint
