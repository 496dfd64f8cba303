from __future__ import annotations

import contextlib
import io
import struct
import unicodedata
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fittingroom.data import folders
from fittingroom.data.files import list_folder
from fittingroom.data.reading import Reading
from fittingroom.errors import DataError


def save(path: Path, value: int | tuple[int, ...] = 0, size: tuple[int, int] = (4, 3)) -> None:
    """Write a picture of one value; size is (width, height), as in Pillow."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L" if isinstance(value, int) else "RGB", size, value).save(path)


def read(folder: Path, size: tuple[int, int] | None = None) -> Reading:
    reading = folders.read(list_folder(folder), size)
    assert reading is not None
    return reading


def save_classes(folder: Path, *names: str) -> None:
    for number, name in enumerate(names):
        save(folder / name / "a.png", 10 * number)


def test_one_folder_per_class(tmp_path: Path) -> None:
    save_classes(tmp_path, "셔츠", "👗 dress", "bag")
    reading = read(tmp_path)
    assert reading.classes == ("bag", "셔츠", "👗 dress")
    assert reading.learning.labels.tolist() == [0, 1, 2]
    assert reading.learning.images[:, 0, 0, 0].tolist() == [20, 0, 10]
    assert reading.learning.images.shape == (3, 1, 3, 4)
    assert reading.test is None


@pytest.mark.parametrize("top", ["", "dataset/clothes"])
@pytest.mark.parametrize("names", [("train", "test"), ("Training", "Testing")])
def test_train_and_test_folders_match_classes_by_name(
    tmp_path: Path, top: str, names: tuple[str, str]
) -> None:
    save_classes(tmp_path / top / names[0], "a", "b")
    save_classes(tmp_path / top / names[1], "b", "a")
    reading = read(tmp_path)
    assert reading.test is not None
    assert reading.classes == ("a", "b")
    assert reading.learning.images[:, 0, 0, 0].tolist() == [0, 10]
    assert reading.test.images[:, 0, 0, 0].tolist() == [10, 0]


def test_validation_folder_is_learned_from(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        save_classes(tmp_path / part, "a", "b")
    reading = read(tmp_path)
    assert reading.learning.labels.tolist() == [0, 1, 0, 1]
    assert any("validation" in note for note in reading.notes)


def test_numbered_classes_are_in_numerical_order(tmp_path: Path) -> None:
    save_classes(tmp_path, "10", "9", "1")
    assert read(tmp_path).classes == ("1", "9", "10")


def test_names_composed_and_decomposed_are_one_class(tmp_path: Path) -> None:
    save_classes(tmp_path / "train", "가", "b")
    save_classes(tmp_path / "test", unicodedata.normalize("NFD", "가"), "b")
    assert read(tmp_path).classes == ("b", "가")


@pytest.mark.parametrize(("side", "other"), [("train", "test"), ("test", "train")])
def test_class_missing_on_one_side_is_named(tmp_path: Path, side: str, other: str) -> None:
    save_classes(tmp_path / side, "a", "b")
    save_classes(tmp_path / other, "a", "b", "치마")
    with pytest.raises(DataError, match=f"no pictures of 치마 in the {side} folder"):
        read(tmp_path)


def test_class_without_pictures_is_named(tmp_path: Path) -> None:
    save_classes(tmp_path, "a", "b")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no pictures of empty"):
        read(tmp_path)


def test_class_of_damaged_pictures_is_named(tmp_path: Path) -> None:
    save_classes(tmp_path, "a", "b")
    (tmp_path / "b" / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="no file of class 'b'"):
        read(tmp_path)


def test_test_folder_alone_is_refused(tmp_path: Path) -> None:
    save_classes(tmp_path / "test", "a", "b")
    with pytest.raises(DataError, match="no train folder"):
        read(tmp_path)


def test_one_class_is_refused(tmp_path: Path) -> None:
    save_classes(tmp_path, "a")
    with pytest.raises(DataError, match="one sub-folder of pictures per class"):
        read(tmp_path)


def test_folder_without_pictures_is_not_for_this_reader(tmp_path: Path) -> None:
    assert folders.read(list_folder(tmp_path)) is None


def test_files_that_are_no_pictures_are_left_out_and_named(tmp_path: Path) -> None:
    save_classes(tmp_path, "a", "b")
    (tmp_path / "a" / "broken.png").write_bytes((tmp_path / "a" / "a.png").read_bytes()[:40])
    (tmp_path / "a" / "읽어.txt").write_text("x")
    (tmp_path / "a" / "Thumbs.db").write_text("x")
    reading = read(tmp_path)
    assert len(reading.learning.labels) == 2
    (note,) = (note for note in reading.notes if "Left out" in note)
    assert "a/broken.png" in note
    assert "a/읽어.txt" in note
    assert "Thumbs" not in note


def test_one_coloured_picture_makes_all_rgb(tmp_path: Path) -> None:
    save_classes(tmp_path, "a", "b")
    save(tmp_path / "b" / "red.png", (200, 0, 0))
    images = read(tmp_path).learning.images
    assert images.shape == (3, 3, 3, 4)
    assert images[:, :, 0, 0].tolist() == [[0] * 3, [10] * 3, [200, 0, 0]]


def test_rgb_files_of_grey_pictures_are_grey(tmp_path: Path) -> None:
    save(tmp_path / "a" / "x.png", (7, 7, 7))
    save(tmp_path / "b" / "x.png", (9, 9, 9))
    assert read(tmp_path).learning.images[:, :, 0, 0].tolist() == [[7], [9]]


@pytest.mark.parametrize("sizes", [[(5, 5), (6, 6)], [(65, 65), (65, 65)]])
def test_pictures_of_other_sizes_become_28x28(tmp_path: Path, sizes: list[tuple[int, int]]) -> None:
    for name, size in zip("ab", sizes, strict=True):
        save(tmp_path / name / "x.png", 50, size)
    reading = read(tmp_path)
    assert reading.learning.images.shape == (2, 1, 28, 28)
    assert any("28x28" in note for note in reading.notes)
    assert read(tmp_path, (8, 16)).learning.images.shape == (2, 1, 8, 16)


def test_pictures_of_one_size_up_to_64_pixels_stay_as_they_are(tmp_path: Path) -> None:
    for name in "ab":
        save(tmp_path / name / "x.png", 50, (64, 64))
    reading = read(tmp_path)
    assert reading.learning.images.shape == (2, 1, 64, 64)
    assert not any("28x28" in note for note in reading.notes)


def test_exif_orientation_turns_the_picture_upright(tmp_path: Path) -> None:
    pixels = np.zeros((8, 16), np.uint8)
    pixels[:, :8] = 255
    turned = Image.fromarray(np.rot90(pixels))
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in "ab":
        (tmp_path / name).mkdir()
        turned.save(tmp_path / name / "x.png", exif=exif)
    np.testing.assert_array_equal(read(tmp_path).learning.images[0, 0], pixels)


def png16(value: int) -> Image.Image:
    return Image.fromarray(np.full((3, 4), value, np.uint16))


def palette() -> Image.Image:
    image = Image.new("P", (4, 3), 1)
    image.putpalette([0, 0, 0, 60, 60, 60])
    return image


def transparent() -> Image.Image:
    return Image.new("RGBA", (4, 3), (0, 0, 0, 0))


@pytest.mark.parametrize(
    ("image", "name", "value"),
    [
        (png16(200 << 8), "x.png", 200),
        (palette(), "x.png", 60),
        (palette(), "x.gif", 60),
        (transparent(), "x.png", 255),
        (Image.new("LA", (4, 3), (80, 255)), "x.png", 80),
        (Image.new("1", (4, 3), 1), "x.png", 255),
        (Image.new("CMYK", (4, 3), (0, 0, 0, 0)), "x.jpg", 255),
    ],
)
def test_every_kind_of_picture_becomes_bytes(
    tmp_path: Path, image: Image.Image, name: str, value: int
) -> None:
    save(tmp_path / "other" / "x.png")
    (tmp_path / "class").mkdir()
    image.save(tmp_path / "class" / name)
    reading = read(tmp_path)
    assert reading.learning.images.shape == (2, 1, 3, 4)
    assert (reading.learning.images[0] == value).all()


def bomb() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0"))


def test_picture_bomb_is_refused(tmp_path: Path) -> None:
    save_classes(tmp_path, "a", "b")
    (tmp_path / "b" / "bomb.png").write_bytes(bomb())
    with pytest.raises(DataError, match=r"bomb\.png: refused"):
        read(tmp_path)


def test_damaged_pictures_never_raise_anything_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    save_classes(tmp_path, "a", "b")
    for extension in ("png", "jpeg", "gif", "bmp", "tiff", "webp", "ppm"):
        stream = io.BytesIO()
        Image.effect_noise((9, 9), 50).save(stream, extension)
        for number in range(20):
            data = bytearray(stream.getvalue())
            for place in rng.integers(0, min(len(data), 80), 3):
                data[place] = rng.integers(256)
            (tmp_path / "a" / f"{number}.{extension}").write_bytes(data)
    with contextlib.suppress(DataError):  # a damaged size may look like a bomb
        assert read(tmp_path).classes == ("a", "b")
