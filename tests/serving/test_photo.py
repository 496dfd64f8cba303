"""Photos, drawn here or made from Fashion-MNIST's pictures, become pictures of its kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage
from tests.conftest import encoded, in_memory

import fittingroom as fr
from fittingroom.data.dataset import DataSplits, Images
from fittingroom.data.files import file_on_disk
from fittingroom.data.pictures import read_picture
from fittingroom.errors import FittingroomError, PhotoError
from fittingroom.serving.photo import (
    BLANK,
    BUSY,
    CUT_OFF,
    LONGEST_SIDE,
    Photo,
    prepare,
    sharpened,
)
from fittingroom.serving.preparation import Preparation, sharpness

FASHION = Preparation((1, 28, 28), True, 0, 28, 1.36)
NEVER_SHARPENED = replace(FASHION, sharpness=0.0)
ALWAYS_SHARPENED = replace(FASHION, sharpness=9.0)

Grey = NDArray[np.float64]
Point = tuple[float, float]

# Corners of things in a frame of 100 x 100.
SHIRT: list[Point] = [
    *((32, 16), (43, 14), (50, 18), (57, 14), (68, 16), (88, 36), (78, 46), (68, 38)),
    *((68, 86), (32, 86), (32, 38), (22, 46), (12, 36)),
]
TROUSERS: list[Point] = [(34, 10), (66, 10), (72, 90), (57, 90), (50, 36), (43, 90), (28, 90)]
BOOT: list[Point] = [(22, 20), (50, 20), (50, 55), (84, 68), (86, 80), (22, 80)]
WHITE, BLUE = (255, 255, 255), (50, 70, 140)


def prepared(image: Image.Image | Grey, preparation: Preparation = FASHION) -> Photo:
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image.round().clip(0, 255).astype(np.uint8))
    return prepare(in_memory(encoded(image, compress_level=0)), preparation)


def mask(corners: list[Point] = SHIRT, size: tuple[int, int] = (240, 300)) -> Image.Image:
    """Draw a thing in white on black, its edges smooth."""
    width, height = size
    large = Image.new("L", (4 * width, 4 * height), 0)
    at = [(x * width / 25, y * height / 25) for x, y in corners]
    ImageDraw.Draw(large).polygon(at, fill=255)
    return large.resize(size, Image.Resampling.BOX)


def photo_of(
    corners: list[Point] = SHIRT,
    ground: tuple[int, int, int] = WHITE,
    colour: tuple[int, int, int] = BLUE,
    size: tuple[int, int] = (240, 300),
) -> Image.Image:
    thing = Image.new("RGB", size, colour)
    return Image.composite(thing, Image.new("RGB", size, ground), mask(corners, size))


def apart(first: Images, second: Images) -> float:
    return float(np.abs(first.astype(int) - second).mean())


# The authors' steps


def shop_picture(seed: int, soft: float = 0) -> NDArray[np.uint8]:
    """Draw a grey thing on white, as large as the shop's pictures at most."""
    rng = np.random.default_rng(seed)
    width, height = (int(side) for side in rng.integers(46, 71, 2))
    image = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(image)
    draw.ellipse((width // 3, 8, 2 * width // 3, height - 9), fill=100)
    for _ in range(3):
        points = rng.integers((8, 8), (width - 8, height - 8), (4, 2))
        draw.polygon([tuple(point) for point in points.tolist()], fill=int(rng.integers(0, 200)))
    if soft:
        image = image.filter(ImageFilter.GaussianBlur(soft))
    return np.array(image)


def by_the_authors_steps(grey: NDArray[np.uint8], *, sharpen: bool) -> NDArray[np.uint8]:
    """Follow arXiv 1708.07747, section 2: trim, subsample, sharpen, centre, negate."""
    thing = 255 - grey.astype(np.float64) > 0.05 * 255
    (top, bottom), (left, right) = (np.flatnonzero(thing.any(axis))[[0, -1]] for axis in (1, 0))
    trimmed = grey[top : bottom + 1, left : right + 1].astype(np.float64)
    height, width = trimmed.shape
    rows, columns = (round(side * 28 / max(trimmed.shape)) for side in trimmed.shape)
    small = np.array(
        [
            [trimmed[int((y + 0.5) * height / rows), int((x + 0.5) * width / columns)]
             for x in range(columns)]
            for y in range(rows)
        ]
    )  # fmt: skip
    if sharpen:
        y, x = np.mgrid[-1:2, -1:2]
        kernel = -np.exp(-(x**2 + y**2) / 2)
        kernel[1, 1] = -2 * kernel.sum()
        small = ndimage.convolve(small, kernel / kernel.sum(), mode="nearest")
    canvas = np.full((28, 28), 255.0)
    down, across = (28 - rows + 1) // 2, (28 - columns + 1) // 2
    canvas[down : down + rows, across : across + columns] = small
    return (255 - canvas.round().clip(0, 255)).astype(np.uint8)


@pytest.mark.parametrize("soft", [0, 1.5])
@pytest.mark.parametrize("seed", range(12))
def test_the_steps_are_the_authors(seed: int, soft: float) -> None:
    grey = shop_picture(seed, soft)
    sharp, plain = (by_the_authors_steps(grey, sharpen=sharpen) for sharpen in (True, False))
    assert apart(sharp, plain) > 0.5
    for preparation, expected in ((ALWAYS_SHARPENED, sharp), (NEVER_SHARPENED, plain)):
        found = prepared(Image.fromarray(grey), preparation).seen
        assert found.shape == (1, 28, 28)
        assert np.abs(found[0].astype(int) - expected).max() <= 1


def test_only_what_is_softer_than_the_training_pictures_is_sharpened() -> None:
    for seed, soft in ((0, 0), (0, 2.5), (1, 0), (1, 2.5)):
        grey = Image.fromarray(shop_picture(seed, soft))
        plain = prepared(grey, NEVER_SHARPENED).seen
        for preparation, same in ((ALWAYS_SHARPENED, False), (FASHION, soft == 0)):
            assert np.array_equal(prepared(grey, preparation).seen, plain) == same


def test_the_kernel_leaves_even_grey_and_the_sum_as_they_are() -> None:
    assert sharpened(np.full((5, 6), 80, np.float32)) == pytest.approx(80)
    point = np.zeros((7, 7), np.float32)
    point[3, 3] = 1
    found = sharpened(point)
    assert found.sum() == pytest.approx(1, abs=1e-5)
    side = np.exp(-0.5)
    assert found[3, 3] / -found[3, 2] == pytest.approx(
        (2 + 8 * side + 8 * side**2) / side, rel=1e-5
    )


@pytest.mark.parametrize(
    ("left", "top", "width", "height", "expected"),
    [
        (7, 5, 28, 56, np.s_[:, 7:21]),
        (0, 9, 56, 28, np.s_[7:21, :]),
        (9, 2, 14, 56, np.s_[:, 11:18]),  # of 21 columns left the more on the left
        (20, 20, 14, 7, np.s_[7:21, :]),  # enlarged
    ],
)
def test_a_black_bar_becomes_a_white_one(
    left: int, top: int, width: int, height: int, expected: tuple[slice, slice]
) -> None:
    grey = np.full((66, 66), 255.0)
    grey[top : top + height, left : left + width] = 0
    photo = prepared(grey)
    wanted = np.zeros((28, 28), np.uint8)
    wanted[expected] = 255
    np.testing.assert_array_equal(photo.seen[0], wanted)
    assert photo.box == (left, top, left + width, top + height)
    assert photo.negated


def test_a_model_of_other_pictures_gets_its_own_kind() -> None:
    photo = photo_of(TROUSERS)
    usual = prepared(photo).seen
    np.testing.assert_array_equal(prepared(photo, replace(FASHION, ground=255)).seen, 255 - usual)
    digits = prepared(photo, replace(FASHION, longest=20)).seen[0]
    rows = np.flatnonzero(digits.any(axis=1))
    assert (rows[0], rows[-1]) == (4, 23)
    wide = prepared(photo, Preparation((1, 20, 40), True, 0, 40, 1.36)).seen[0]
    rows, columns = (np.flatnonzero(wide.any(axis=axis)) for axis in (1, 0))
    assert len(rows) == 20
    assert columns[-1] - columns[0] + 1 == round(20 * 44 / 80 * 240 / 300)


# Round trip


def trained(data: DataSplits, folder: Path) -> Any:
    return fr.train(fr.recipe("fast"), data, out=folder, figures=False).classifier


def enlarged(image: Images, resample: Image.Resampling, rng: np.random.Generator) -> Image.Image:
    """Enlarge a picture ten times and put it, un-negated, on a larger white sheet."""
    large = Image.fromarray(255 - image[0]).resize((280, 280), resample)
    left, top, right, bottom = (int(margin) for margin in rng.integers(10, 80, 4))
    sheet = Image.new("L", (280 + left + right, 280 + top + bottom), 255)
    sheet.paste(large, (left, top))
    return sheet


@pytest.mark.real_data
@pytest.mark.slow
def test_enlarged_pictures_are_predicted_as_before(
    fashion_mnist: DataSplits, tmp_path: Path
) -> None:
    import torch

    data = fashion_mnist.with_validation(5000)
    classifier = trained(data, tmp_path)
    images = data.validation.images[:800]
    preparation = Preparation.measured(data.train.images)

    def answers(pictures: Images) -> NDArray[np.int64]:
        with torch.no_grad():
            scores = classifier(torch.from_numpy(np.ascontiguousarray(pictures)))
        return np.asarray(scores.argmax(dim=1))

    rng = np.random.default_rng(0)
    ways = [Image.Resampling.NEAREST, Image.Resampling.BICUBIC] * (len(images) // 2)
    photos = [
        prepared(enlarged(one, way, rng), preparation)
        for one, way in zip(images, ways, strict=True)
    ]
    assert {photo.warnings for photo in photos} == {()}
    same = answers(np.stack([photo.seen for photo in photos])) == answers(images)
    assert same.mean() >= 0.97
    assert min(same[::2].mean(), same[1::2].mean()) >= 0.96


@pytest.mark.real_data
def test_pictures_of_the_models_own_size_are_taken_as_they_are(fashion_mnist: DataSplits) -> None:
    for image in fashion_mnist.learning.images[:2000]:
        for pixels, negated in ((image[0], False), (255 - image[0], True)):
            photo = prepared(Image.fromarray(pixels))
            np.testing.assert_array_equal(photo.seen, image)
            assert photo.negated == negated


def test_own_size_on_the_other_ground() -> None:
    thing = np.zeros((28, 28), np.uint8)
    thing[3:25, 1:27] = 250  # more of it than of its ground
    white = replace(FASHION, ground=255)
    for preparation, pixels, negated in (
        (FASHION, thing, False),
        (FASHION, 255 - thing, True),
        (white, 255 - thing, False),
        (white, thing, True),
    ):
        photo = prepared(Image.fromarray(pixels), preparation)
        assert photo.negated == negated
        np.testing.assert_array_equal(photo.seen[0] != preparation.ground, thing > 0)
        assert photo.warnings == ()
    assert prepared(Image.new("L", (28, 28), 255)).warnings == (BLANK,)


# Formats


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"quality": 85}),
        ("WEBP", {"quality": 85}),
        ("BMP", {}),
        ("TIFF", {}),
        ("GIF", {}),
        ("PPM", {}),
        ("HEIF", {"quality": 85}),
    ],
)
@pytest.mark.parametrize("corners", [SHIRT, BOOT])
def test_every_format_gives_the_same(
    kind: str, options: dict[str, Any], corners: list[Point]
) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    image = photo_of(corners)
    found = prepare(in_memory(encoded(image, kind, **options)), FASHION)
    assert found.warnings == ()
    assert apart(found.seen, prepared(image).seen) < 3


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1", "CMYK", "I;16"])
def test_every_mode_gives_the_same(mode: str) -> None:
    image = photo_of(colour=(0, 0, 0)).convert("L")
    kind = "TIFF" if mode == "CMYK" else "PNG"
    if mode == "I;16":
        other = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    elif mode == "1":
        other = image.convert("1", dither=Image.Dither.NONE)
    else:
        other = image.convert("RGB").convert(mode) if mode == "CMYK" else image.convert(mode)
    found = prepare(in_memory(encoded(other, kind)), FASHION)
    assert apart(found.seen, prepared(image).seen) < (4 if mode == "1" else 0.5)


@pytest.mark.parametrize("colour", [BLUE, (0, 0, 0), (200, 210, 190)])
@pytest.mark.parametrize("behind", [WHITE, (0, 0, 0), (10, 200, 90)])
def test_a_transparent_ground_counts_as_white_whatever_colour_it_has(
    colour: tuple[int, int, int], behind: tuple[int, int, int]
) -> None:
    image = Image.new("RGBA", (240, 300), (*behind, 0))
    image.paste(
        Image.new("RGBA", image.size, (*colour, 255)), mask=mask().point(lambda v: 255 * (v > 127))
    )
    found = prepared(image)
    assert found.negated
    assert found.warnings == ()
    assert apart(found.seen, prepared(photo_of(colour=colour)).seen) < 4


def test_a_white_thing_on_a_transparent_ground_is_seen() -> None:
    image = Image.new("RGBA", (240, 300), (255, 255, 255, 0))
    image.putalpha(mask())
    found = prepared(image)
    assert not found.negated
    assert apart(found.seen, prepared(photo_of(ground=(0, 0, 0), colour=WHITE)).seen) < 4


def test_a_palette_with_transparency_is_trimmed_by_it() -> None:
    image = mask().point(lambda value: value > 127).convert("P")
    image.putpalette([200, 30, 30, 50, 70, 140])
    found = prepare(in_memory(encoded(image, transparency=0)), FASHION)
    assert apart(found.seen, prepared(photo_of()).seen) < 4


def test_of_an_animation_the_first_frame_counts() -> None:
    frames = [photo_of(SHIRT), photo_of(BOOT)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert apart(prepare(in_memory(content), FASHION).seen, prepared(frames[0]).seen) < 3


def test_a_phone_that_was_held_sideways_makes_no_difference() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = photo_of(BOOT).transpose(Image.Transpose.ROTATE_90)
    found = prepare(in_memory(encoded(lying, exif=exif)), FASHION)
    np.testing.assert_array_equal(found.seen, prepared(photo_of(BOOT)).seen)


def test_a_large_photo_gives_the_same() -> None:
    large = photo_of(BOOT, size=(2400, 3000))
    for kind in ("JPEG", "PNG"):
        found = prepare(in_memory(encoded(large, kind)), FASHION)
        assert max(found.shown.size) == LONGEST_SIDE
        assert apart(found.seen, prepared(photo_of(BOOT)).seen) < 5


@pytest.mark.parametrize("name", ["검은 원피스.png", "👗.png"])
def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    photo_of().save(tmp_path / name)
    photo = prepare(file_on_disk(tmp_path / name), FASHION)
    assert photo.name.endswith(name)
    np.testing.assert_array_equal(photo.seen, prepared(photo_of()).seen)


# Light and ground


@pytest.mark.parametrize("corners", [SHIRT, TROUSERS, BOOT])
def test_a_dark_ground_is_not_negated_twice(corners: list[Point]) -> None:
    light = prepared(photo_of(corners, colour=(55, 55, 55)))
    dark = prepared(photo_of(corners, ground=(0, 0, 0), colour=(200, 200, 200)))
    assert (light.negated, dark.negated) == (True, False)
    np.testing.assert_array_equal(light.seen, dark.seen)


def test_a_white_thing_on_grey_is_light_on_black() -> None:
    photo = prepared(photo_of(ground=(140, 140, 140), colour=(250, 250, 250)))
    assert not photo.negated
    assert photo.warnings == ()
    assert photo.seen[0, 14, 14] > 230
    assert photo.seen[0, :, 0].min() == 0


def lit(image: Image.Image, direction: str, share: float = 0.4) -> Grey:
    pixels = np.asarray(image, np.float64)
    height, width = pixels.shape[:2]
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    along = {"right": x, "left": 1 - x, "down": y, "corner": (x + y) / 2}[direction]
    light: Grey = (1 - share * along).reshape(height, width, *[1] * (pixels.ndim - 2))
    return pixels * light


@pytest.mark.parametrize("direction", ["right", "left", "down", "corner"])
@pytest.mark.parametrize("corners", [SHIRT, TROUSERS, BOOT])
def test_uneven_light_makes_little_difference(direction: str, corners: list[Point]) -> None:
    image = photo_of(corners, ground=(240, 238, 235))
    even, uneven = prepared(image), prepared(lit(image, direction))
    assert uneven.warnings == ()
    assert apart(uneven.seen, even.seen) < 4
    assert even.box is not None
    assert uneven.box == pytest.approx(even.box, abs=2)


def test_dust_and_noise_do_not_widen_the_box() -> None:
    image = photo_of(ground=(235, 233, 230))
    box = prepared(image).box
    assert box is not None
    dusty = image.copy()
    draw = ImageDraw.Draw(dusty)
    for x, y in ((3, 5), (230, 8), (8, 290), (225, 280), (120, 4)):
        draw.ellipse((x, y, x + 2, y + 2), fill=(40, 40, 40))
    noisy = np.asarray(image) + np.random.default_rng(0).normal(0, 4, (300, 240, 3))
    small = prepare(in_memory(encoded(image, "JPEG", quality=85)), FASHION)
    for photo in (prepared(dusty), prepared(noisy), small):
        assert photo.warnings == ()
        assert photo.box == pytest.approx(box, abs=1)
        assert apart(photo.seen, prepared(image).seen) < 5


def test_an_unsharp_edge_is_cut_where_it_is_half_up() -> None:
    sharp = prepared(photo_of()).box
    assert sharp is not None
    assert prepared(photo_of().filter(ImageFilter.GaussianBlur(2))).box == pytest.approx(
        sharp, abs=2
    )


def test_one_of_two_shoes_is_no_dust() -> None:
    pair = photo_of([(5, 60), (40, 60), (40, 80), (5, 80)])
    pair.paste(BLUE, (150, 180, 156, 186))
    box = prepared(pair).box
    assert box is not None
    assert box[2] == 156


# Warnings and errors


def test_a_thing_that_goes_on_beyond_the_photo_is_warned_of() -> None:
    assert prepared(photo_of()).warnings == ()
    assert prepared(photo_of().crop((0, 0, 240, 180))).warnings == (CUT_OFF,)


@pytest.mark.parametrize("size", [(200, 200), (1, 1), (2, 30), (29, 28)])
@pytest.mark.parametrize("colour", [WHITE, (0, 0, 0), (120, 90, 60)])
def test_of_a_blank_photo_nothing_is_seen(
    size: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    for ground in (0, 255):
        photo = prepared(Image.new("RGB", size, colour), replace(FASHION, ground=ground))
        assert photo.warnings == (BLANK,)
        assert photo.box is None
        assert (photo.seen == ground).all()
    assert prepared(Image.new("RGBA", size, (*colour, 0))).warnings == (BLANK,)


def test_a_thing_as_light_as_its_ground_is_warned_of() -> None:
    same_grey = photo_of(ground=(150, 110, 80), colour=(80, 129, 167))
    assert prepared(same_grey).warnings == (BLANK,)


def test_a_ground_of_many_colours_is_warned_of() -> None:
    rng = np.random.default_rng(0)
    patches = Image.fromarray(rng.integers(0, 256, (15, 12, 3)).astype(np.uint8))
    busy = patches.resize((240, 300), Image.Resampling.NEAREST)
    busy.paste(Image.new("RGB", busy.size, BLUE), mask=mask())
    assert prepared(busy).warnings == (BUSY,)


def one_line(content: bytes, **options: Any) -> str:
    with pytest.raises(PhotoError) as raised:
        prepare(in_memory(content), FASHION, **options)
    message = str(raised.value)
    assert message.startswith("photo.png: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("size", [(1, 100_000), (100_000, 1), (41, 1), (2000, 40)])
def test_a_photo_much_longer_than_wide_is_refused(size: tuple[int, int]) -> None:
    assert "40 times as long as wide" in one_line(encoded(Image.new("L", size, 255)))


def test_a_long_jpeg_is_refused_too() -> None:
    content = encoded(Image.new("L", (20_000, 100), 255), "JPEG")
    assert "40 times as long as wide" in one_line(content)


def test_what_cannot_be_read_is_refused() -> None:
    image = photo_of()
    assert "too large" in one_line(encoded(image), most_pixels=240 * 300 - 1)
    prepare(in_memory(encoded(image)), FASHION, most_pixels=240 * 300)
    for content in (b"", b"a shirt", encoded(image)[:900], encoded(image, "JPEG")[:900]):
        assert "no picture that can be read" in one_line(content)


@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["L", "RGB", "RGBA"]),
)
@settings(max_examples=100)
def test_any_picture_becomes_one_of_the_models(
    width: int, height: int, seed: int, mode: str
) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.choice([0, 20, 128, 250, 255], (height, width, 4)).astype(np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    for preparation in (FASHION, replace(FASHION, ground=255, longest=20)):
        try:
            photo = prepared(image, preparation)
        except PhotoError:
            assert max(image.size) > 40 * min(image.size)
            continue
        assert photo.seen.shape == (1, 28, 28)
        assert photo.seen.dtype == np.uint8
        assert photo.shown.mode == "RGB"


@given(st.binary(max_size=200))
@settings(max_examples=60)
def test_random_bytes_raise_nothing_else(content: bytes) -> None:
    one_line(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@given(data=st.data())
@settings(max_examples=80)
def test_damaged_photos_raise_nothing_else(kind: str, data: st.DataObject) -> None:
    content = bytearray(encoded(photo_of(size=(40, 50)), kind))
    places = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
    for place, value in data.draw(st.lists(places, min_size=1, max_size=5)):
        content[place] = value
    try:
        photo = prepare(in_memory(bytes(content)), FASHION, most_pixels=100_000)
        assert photo.seen.shape == (1, 28, 28)
    except FittingroomError as error:
        assert str(error).startswith("photo.png: ")  # noqa: PT017


@pytest.mark.parametrize("mode", ["LAB", "F", "YCbCr"])
def test_strange_colours_raise_nothing_else(mode: str) -> None:
    image = photo_of().convert("L").convert("F") if mode == "F" else None
    if image is None:
        image = Image.frombytes(mode, (240, 300), photo_of().tobytes())
    content = encoded(image, "TIFF")
    for preparation in (FASHION, Preparation((3, 28, 28))):
        try:
            assert prepare(in_memory(content), preparation).seen.dtype == np.uint8
        except FittingroomError as error:
            assert "no picture that can be read" in str(error)  # noqa: PT017


# Whole pictures


@pytest.mark.parametrize("size", [(240, 300), (1800, 1400), (28, 28)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_whole_pictures_are_read_as_those_of_folders(size: tuple[int, int], kind: str) -> None:
    colours = Image.fromarray(lit(photo_of(size=size), "corner").astype(np.uint8))
    for image in (colours, colours.convert("L")):
        file = in_memory(encoded(image, kind))
        expected = read_picture(file, (32, 24))
        photo = prepare(file, Preparation((3, 32, 24)))
        if expected.ndim == 2:
            grey = prepare(file, Preparation((1, 32, 24)))
            np.testing.assert_array_equal(grey.seen[0], expected)
            expected = np.stack([expected] * 3, axis=2)
        np.testing.assert_array_equal(photo.seen.transpose(1, 2, 0), expected)
        assert photo.shown.mode == "RGB"
        assert max(photo.shown.size) <= LONGEST_SIDE
        assert (photo.box, photo.negated, photo.warnings) == (None, False, ())


def test_a_model_of_grey_pictures_sees_colours_as_grey() -> None:
    photo = prepare(
        in_memory(encoded(Image.new("RGB", (50, 40), (255, 0, 0)))), Preparation((1, 8, 8))
    )
    assert (photo.seen == 76).all()  # 0.299 of 255


def test_photos_are_about_as_sharp_as_training_pictures() -> None:
    for corners in (SHIRT, TROUSERS, BOOT):
        soft = photo_of(corners).filter(ImageFilter.GaussianBlur(8))
        plain, found = (prepared(soft, one).seen[0] for one in (NEVER_SHARPENED, FASHION))
        assert sharpness(plain) < sharpness(found)
