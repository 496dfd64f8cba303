"""Picture files of every common format, and files that are none."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from tests.conftest import encoded, in_memory

from fittingroom.data.files import file_on_disk
from fittingroom.data.pictures import (
    EXTENSIONS,
    NotAPictureError,
    TooManyPixelsError,
    has_picture_name,
    on_white,
    picture_size,
    read_image,
    read_picture,
)
from fittingroom.errors import DataError, FittingroomError

ORIENTATION = 0x0112


def noise(mode: str = "RGB", size: tuple[int, int] = (12, 9)) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4)).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "WEBP"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_what_is_kept_without_loss_is_read_as_it_was(kind: str, mode: str) -> None:
    image = noise(mode)
    options = {"lossless": True} if kind == "WEBP" else {}
    file = in_memory(encoded(image, kind, **options))
    np.testing.assert_array_equal(read_picture(file, (9, 12)), np.asarray(image))
    read = read_image(file)
    assert read.convert(mode).tobytes() == image.tobytes()
    assert picture_size(file) == (9, 12)


@pytest.mark.parametrize("kind", ["JPEG", "HEIF"])
def test_what_is_kept_with_loss_is_read_nearly_as_it_was(kind: str) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    smooth = Image.linear_gradient("L").convert("RGB")
    file = in_memory(encoded(smooth, kind, quality=90))
    for pixels in (np.asarray(read_image(file).convert("L")), read_picture(file, (256, 256))):
        difference = pixels.astype(int) - np.asarray(smooth)[..., : pixels.ndim - 1].squeeze()
        assert np.abs(difference).mean() < 3


def test_only_the_first_frame_is_read() -> None:
    frames = [Image.new("L", (5, 4), level) for level in (10, 200)]
    for kind in ("GIF", "TIFF", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert (read_picture(in_memory(content), (4, 5)) == 10).all()


def palette() -> Image.Image:
    image = Image.new("P", (4, 3), 1)
    image.putpalette([0, 0, 0, 60, 70, 80])
    return image


@pytest.mark.parametrize(
    ("image", "kind", "options", "mode", "colour"),
    [
        (Image.fromarray(np.full((3, 4), 200 << 8, np.uint16)), "PNG", {}, "L", 200),
        (Image.fromarray(np.full((3, 4), 200 << 8, np.uint16)), "TIFF", {}, "L", 200),
        (palette(), "PNG", {}, "RGB", (60, 70, 80)),
        (palette(), "PNG", {"transparency": 1}, "RGBA", (60, 70, 80, 0)),
        (palette(), "GIF", {"transparency": 1}, "RGBA", (60, 70, 80, 0)),
        (Image.new("RGB", (4, 3), (1, 2, 3)), "PNG", {"transparency": (1, 2, 3)}, "RGBA", None),
        (Image.new("L", (4, 3), 9), "PNG", {"transparency": 9}, "RGBA", (9, 9, 9, 0)),
        (Image.new("CMYK", (4, 3), (0, 0, 0, 255)), "JPEG", {}, "RGB", (0, 0, 0)),
        (Image.new("CMYK", (4, 3), (0, 0, 0, 0)), "TIFF", {}, "RGB", (255, 255, 255)),
        (Image.new("1", (4, 3), 1), "PNG", {}, "RGB", (255, 255, 255)),
        (Image.new("LA", (4, 3), (80, 40)), "PNG", {}, "RGBA", (80, 80, 80, 40)),
        (Image.new("RGBA", (4, 3), (1, 2, 3, 255)), "PNG", {}, "RGBA", (1, 2, 3, 255)),
    ],
)
def test_every_mode_becomes_grey_or_colours_with_or_without_alpha(
    image: Image.Image, kind: str, options: dict[str, Any], mode: str, colour: object
) -> None:
    read = read_image(in_memory(encoded(image, kind, **options)))
    assert read.mode == mode
    assert colour is None or read.getpixel((2, 1)) == colour


def test_transparent_parts_become_white_by_their_share() -> None:
    image = Image.new("RGBA", (4, 3), (0, 100, 200, 51))
    expected = np.array([204, 224, 244])  # a fifth of the colour, four of white
    assert np.abs(np.asarray(on_white(image)) - expected.astype(int)).max() <= 1
    grey = Image.new("L", (4, 3), 7)
    assert on_white(grey) is grey


# How an upright picture is stored, by the orientation that undoes it: Exif 2.32, 4.6.4 A.
STORED: dict[int, Any] = {
    1: lambda upright: upright,
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: np.transpose,
    6: np.rot90,
    7: lambda upright: np.rot90(upright, 2).T,
    8: lambda upright: np.rot90(upright, -1),
}


def upright_picture() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (6, 9)).astype(np.uint8)


@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_is_turned_upright(orientation: int) -> None:
    upright = upright_picture()
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    file = in_memory(encoded(stored, exif=exif))
    assert picture_size(file) == (6, 9)
    np.testing.assert_array_equal(read_picture(file, (6, 9)), upright)
    np.testing.assert_array_equal(np.asarray(read_image(file)), upright)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_heic_is_turned_upright_once(orientation: int) -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()
    upright = np.zeros((32, 64), np.uint8)
    upright[:16, :32] = 255
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright))).convert("RGB")
    file = in_memory(encoded(stored, "HEIF", quality=95, exif=exif.tobytes()))
    read = np.asarray(read_image(file).convert("L"))
    assert read.shape == upright.shape
    assert np.abs(read.astype(int) - upright).mean() < 5


def test_heic_without_its_library_is_one_line_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    head = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    with pytest.raises(NotAPictureError, match=r"^shoe\.heic: .*fittingroom\[heic\]") as raised:
        read_image(in_memory(head, "shoe.heic"))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (1800, 900), (800, 800)])
def test_a_large_jpeg_is_read_smaller_but_not_below_the_side(size: tuple[int, int]) -> None:
    gradient = Image.linear_gradient("L").resize(size)
    read = read_image(in_memory(encoded(gradient, "JPEG")), 448)
    assert 448 <= max(read.size) <= max(2 * 448, max(size) // 2)
    assert read.width / read.height == pytest.approx(size[0] / size[1], rel=0.01)
    expected = np.asarray(gradient.resize(read.size, Image.Resampling.BOX)).astype(int)
    assert np.abs(np.asarray(read) - expected).mean() < 3
    assert read_image(in_memory(encoded(gradient, "JPEG"))).size == size


@pytest.mark.parametrize("name", ["검은 원피스.png", "👗👠.png", "a b'c.png"])
def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    noise().save(tmp_path / name)
    assert read_image(file_on_disk(tmp_path / name)).size == (12, 9)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(NotAPictureError) as raised:
        read_image(file_on_disk(tmp_path / name))
    assert name in str(raised.value)


def test_pictures_are_known_by_their_names() -> None:
    assert all(has_picture_name(in_memory(b"", f"X{end.upper()}")) for end in EXTENSIONS)
    assert not has_picture_name(in_memory(b"", "notes.txt"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        "사진이 아님".encode(),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        encoded(noise("RGB", (80, 80)))[:2000],
        encoded(noise("RGB", (80, 80)), "JPEG")[:1500],
        encoded(noise("RGB", (80, 80)), "TIFF")[:1500],
        encoded(noise())[:20],
    ],
)
def test_what_is_no_picture_is_refused_in_one_line_that_names_it(content: bytes) -> None:
    for read in (read_image, lambda file: read_picture(file, (9, 9))):
        with pytest.raises(NotAPictureError, match=r"^photo\.png: no picture that") as raised:
            read(in_memory(content))
        assert "\n" not in str(raised.value)
        assert "object at" not in str(raised.value)


def large_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0"))


@pytest.mark.parametrize(
    ("width", "most"), [(101, 10_000), (9_000, None), (11_000, None), (60_000, 10**7)]
)
def test_too_many_pixels_are_refused_before_they_are_decoded(width: int, most: int | None) -> None:
    height = 100 if width == 101 else 10_000
    with pytest.raises(TooManyPixelsError, match=r"^photo\.png: refused.*smaller$") as raised:
        read_image(in_memory(large_png(width, height)), most_pixels=most)
    assert "\n" not in str(raised.value)


def test_as_many_pixels_as_are_allowed_are_read() -> None:
    file = in_memory(encoded(Image.new("L", (100, 100))))
    assert read_image(file, most_pixels=10_000).size == (100, 100)


@given(st.binary(max_size=300))
@settings(max_examples=100)
def test_random_bytes_raise_nothing_else(content: bytes) -> None:
    with pytest.raises(DataError):
        read_image(in_memory(content))


KINDS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "HEIF")


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=60)
def test_damaged_pictures_raise_nothing_else(kind: str, data: st.DataObject) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    options = {"exif": exif.tobytes()} if kind in {"PNG", "JPEG", "WEBP", "HEIF"} else {}
    content = bytearray(encoded(noise("RGB", (20, 16)), kind, **options))
    places = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
    for place, value in data.draw(st.lists(places, min_size=1, max_size=6)):
        content[place] = value
    file = in_memory(bytes(content[: data.draw(st.integers(0, len(content)))] or content))
    try:
        image = read_image(file, 448, 100_000)
        assert image.mode in {"L", "RGB", "RGBA"}
        assert read_picture(file, (8, 8)).dtype == np.uint8
    except FittingroomError as error:
        assert str(error).startswith("photo.png: ")  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017
