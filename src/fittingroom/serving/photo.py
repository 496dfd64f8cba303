"""A person's photo -> a picture of the kind that a model was trained on.

For things alone on an even ground the steps are those by which Fashion-MNIST was made (Xiao, Rasul
and Vollgraf 2017, arXiv 1708.07747, section 2), in its order: trim the ground, scale the longest
edge by subsampling, sharpen, centre, negate, grey. Where a photo is not like the shop's, on white,
51 x 73 pixels, it is made so first: light that falls off is evened, a dark ground is not negated,
and a large photo is reduced to the size of the shop's before pixels are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fittingroom.data.dataset import Images
from fittingroom.data.files import DataFile
from fittingroom.data.pictures import on_white, read_image, whole_picture
from fittingroom.errors import DataError, PhotoError
from fittingroom.serving.ground import TOLERANCE, Ground, Pixels, border, find_ground
from fittingroom.serving.parts import find_parts
from fittingroom.serving.preparation import Preparation, sharpness

if TYPE_CHECKING:
    from PIL import Image

Box = tuple[int, int, int, int]  # left, top, right, bottom, in pixels

LONGEST_SIDE = 448  # pixels; what is measured in a photo needs no more
THUMBNAIL = 70  # longest edge of a thing in the shop's pictures, of 51 x 73 pixels
MOST_PIXELS = 120_000_000
MOST_ELONGATED = 40
SOLID = 128  # alpha, from which on a pixel belongs to the thing
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow's "L"
_EDGE = 0.02  # of its longer side: half a pixel of 28, within which an edge has its height
_DUST = 0.001  # of the largest part's area: what is smaller is no part of the thing

# What a photo may be warned of; their words are in predict.py.
BLANK, BUSY, CUT_OFF = "blank", "busy-ground", "cut-off"
_BUSY = 0.5  # of the border is ground, at least, where the ground is even
_CUT_OFF = 0.25  # of a side of the border that the thing covers


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo, and what becomes of it.

    Parameters
    ----------
    name
        What people call it: a path, or "standard input".
    seen
        uint8, shape (C, H, W): what the model sees.
    shown
        The photo upright, RGB, its longest side at most `LONGEST_SIDE`.
    box
        (left, top, right, bottom) of the thing in `shown`, pixels; None for all of it.
    negated
        Whether light and dark were exchanged.
    warnings
        Codes of what is wrong with it, see `predict.WARNINGS`.
    """

    name: str
    seen: Images
    shown: Image.Image = field(repr=False)
    box: Box | None = None
    negated: bool = False
    warnings: tuple[str, ...] = ()


def prepare(file: DataFile, preparation: Preparation, *, most_pixels: int = MOST_PIXELS) -> Photo:
    """Read a photo and make it what a model was trained on.

    Raises
    ------
    PhotoError
        If it is no picture that can be read, too large, or much longer than wide.
    """
    from PIL import Image

    try:
        image = read_image(file, LONGEST_SIDE if preparation.alone else None, most_pixels)
    except DataError as error:
        raise PhotoError(str(error)) from error
    long, short = max(image.size), min(image.size)
    if long > MOST_ELONGATED * short:
        raise PhotoError(
            f"{file.where}: expected a picture at most {MOST_ELONGATED} times as long as wide, "
            f"found one {long / short:,.0f} times; cut it to what it shows"
        )
    if not preparation.alone:
        return Photo(file.where, whole(image, preparation), reduced(on_white(image).convert("RGB")))
    if image.size == preparation.input_shape[:0:-1]:
        return as_it_is(file.where, on_white(image), preparation)
    pixels, solid = colours_of(reduced(image))
    shown = Image.fromarray(pixels.astype(np.uint8))
    ground = find_ground(pixels)
    thing = ground.outside if solid is None else solid
    box = find_box(thing)
    if box is None:
        blank = np.full(preparation.input_shape, preparation.ground, np.uint8)
        return Photo(file.where, blank, shown, None, False, (BLANK,))
    box = to_the_edge(box, ground.distance if solid is None else solid.astype(np.float32))
    left, top, right, bottom = box
    inside = np.s_[top:bottom, left:right]
    light, negated = brightness(pixels[inside], ground.surface[inside], thing[inside])
    seen = framed(light, preparation)
    warnings = (BLANK,) if light.max() <= TOLERANCE else judge(ground, thing, solid)
    return Photo(file.where, seen[None], shown, box, negated, warnings)


def whole(image: Image.Image, preparation: Preparation) -> Images:
    """Scale a picture as `fittingroom.load` does, uint8 (C, H, W)."""
    channels, height, width = preparation.input_shape
    if channels == 1:
        image = on_white(image).convert("L")
    pixels = whole_picture(image, (height, width))
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], channels, axis=2)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def as_it_is(name: str, image: Image.Image, preparation: Preparation) -> Photo:
    """Take a picture that has the model's own size, negated only where its ground is not theirs.

    Its ground is dark or light as most of its border's darkest and lightest pixels: of the 70,000
    pictures of Fashion-MNIST none is mistaken.
    """
    grey = np.array(image.convert("L"), np.uint8)
    edge = grey[border(*grey.shape)]
    dark, light = int((edge < 16).sum()), int((edge > 239).sum())
    negated = light > dark if preparation.ground == 0 else dark > light
    if negated:
        grey = 255 - grey
    blank = (BLANK,) if int(grey.max()) - int(grey.min()) < 2 else ()
    return Photo(name, grey[None], image.convert("RGB"), None, negated, blank)


def framed(light: Pixels, preparation: Preparation) -> NDArray[np.uint8]:
    """Scale, sharpen and centre a thing, and turn it to the greys of the model's pictures.

    Parameters
    ----------
    light
        float32, shape (h, w), 0 to 255: 0 for the ground, the more the less alike.

    Returns
    -------
    uint8, shape (H, W).
    """
    _, height, width = preparation.input_shape
    small = subsampled(light, (height, width), preparation.longest)
    # Theirs are sharpened already: what is enlarged from one of them is not sharpened twice.
    if sharpness(small) < preparation.sharpness:
        small = sharpened(small)
    frame = np.zeros((height, width), np.uint8)
    # Where it cannot stand in the middle, the wider margin is above or to the left: so it is in
    # 98% of Fashion-MNIST's pictures.
    top, left = (height - small.shape[0] + 1) // 2, (width - small.shape[1] + 1) // 2
    frame[top : top + small.shape[0], left : left + small.shape[1]] = small.round().clip(0, 255)
    return frame if preparation.ground == 0 else 255 - frame


def subsampled(light: Pixels, frame: tuple[int, int], longest: int) -> Pixels:
    """Scale so that the longest edge has `longest` pixels, by leaving rows and columns out."""
    from PIL import Image

    if max(light.shape) > THUMBNAIL:
        size = scaled(light.shape, THUMBNAIL / max(light.shape))
        light = np.asarray(Image.fromarray(light).resize(size[::-1], Image.Resampling.BOX))
    height, width = light.shape
    scale = min(longest / max(height, width), frame[0] / height, frame[1] / width)
    rows, columns = scaled((height, width), scale)
    if scale > 1:
        return np.asarray(Image.fromarray(light).resize((columns, rows), Image.Resampling.BICUBIC))
    y = ((np.arange(rows) + 0.5) * height / rows).astype(np.intp)
    x = ((np.arange(columns) + 0.5) * width / columns).astype(np.intp)
    return light[np.ix_(y, x)]


def scaled(size: tuple[int, ...], scale: float) -> tuple[int, int]:
    """Return two lengths times a scale, at least 1 pixel each."""
    first, second = (max(1, round(length * scale)) for length in size)
    return first, second


def sharpened(light: Pixels) -> Pixels:
    """Sharpen as ImageMagick's `-sharpen 1x1` does, the authors' tool.

    The kernel is 3 x 3: the negative of a Gaussian of standard deviation 1, with twice the sum of
    all in its middle, divided by what the whole then sums up to.
    """
    side = np.exp(-0.5 * np.arange(-1, 2) ** 2)
    kernel = -np.outer(side, side)
    kernel[1, 1] = -2 * kernel.sum()
    kernel /= kernel.sum()
    padded = np.pad(light, 1, mode="edge")
    height, width = light.shape
    moved = (
        weight * padded[y : y + height, x : x + width] for (y, x), weight in np.ndenumerate(kernel)
    )
    return sum(moved, np.zeros_like(light))


def brightness(pixels: Pixels, surface: Pixels, thing: NDArray[np.bool_]) -> tuple[Pixels, bool]:
    """Return how much a photo differs from its ground, float32 (H, W), 0 to 255, as one sign.

    A thing darker than its ground is negated, one lighter is not: 0 is the ground, 255 the
    farthest from it that its colour allows. On white this is 255 minus the grey, on black the grey.
    """
    grey, level = pixels @ _LUMA, surface @ _LUMA
    darker = bool(np.median((level - grey)[thing]) >= 0)
    room = level if darker else 255 - level
    difference = (level - grey) if darker else (grey - level)
    return (255 * difference / room.clip(1)).clip(0, 255).astype(np.float32), darker


def find_box(thing: NDArray[np.bool_]) -> Box | None:
    """Return (left, top, right, bottom) of a thing, bool (H, W), without dust; None for nothing."""
    areas, boxes = find_parts(thing)
    if not len(areas):
        return None
    left, top, right, bottom = boxes[areas >= _DUST * areas.max()].T
    return int(left.min()), int(top.min()), int(right.max()), int(bottom.max())


def to_the_edge(box: Box, distance: Pixels) -> Box:
    """Move the sides of a box inwards, from where an unsharp edge begins to where it is half up.

    Parameters
    ----------
    distance
        shape (H, W): how far each place is from ground.
    """
    left, top, right, bottom = box
    inside = distance[top:bottom, left:right]
    reach = max(1, round(_EDGE * max(inside.shape)))

    def steps(profile: Pixels) -> int:
        return int(np.argmax(profile >= profile[:reach].max() / 2))

    across, down = inside.max(axis=0), inside.max(axis=1)
    return (
        left + steps(across),
        top + steps(down),
        right - steps(across[::-1]),
        bottom - steps(down[::-1]),
    )


def judge(
    ground: Ground, thing: NDArray[np.bool_], solid: NDArray[np.bool_] | None
) -> tuple[str, ...]:
    """Return what has to be said about a photo whose thing was found."""
    if solid is None and ground.share < _BUSY:
        return (BUSY,)
    sides = (thing[0], thing[-1], thing[:, 0], thing[:, -1])
    return (CUT_OFF,) if max(float(side.mean()) for side in sides) > _CUT_OFF else ()


def colours_of(image: Image.Image) -> tuple[Pixels, NDArray[np.bool_] | None]:
    """Return a picture without transparency, float32 (H, W, 3), and where it had none, if anywhere.

    Transparent parts become white, or black behind a thing too light to be seen on white. Of a
    picture that is opaque all over, nothing can be told.
    """
    if image.mode != "RGBA":
        return np.asarray(image.convert("RGB"), np.float32), None
    colours: Pixels = np.asarray(image, np.float32)
    pixels, alpha = colours[..., :3], colours[..., 3:]
    solid = alpha[..., 0] >= SOLID
    light = solid.any() and np.median((pixels @ _LUMA)[solid]) > 255 - TOLERANCE
    paper = 0 if light else 255
    flat: Pixels = ((pixels * alpha + paper * (255 - alpha)) / 255).astype(np.float32)
    return flat, None if solid.all() else solid


def reduced(image: Image.Image) -> Image.Image:
    """Return a picture with a longest side of at most `LONGEST_SIDE`."""
    from PIL import Image

    if max(image.size) <= LONGEST_SIDE:
        return image
    size = scaled(image.size, LONGEST_SIDE / max(image.size))
    return image.resize(size, Image.Resampling.BOX, reducing_gap=2.0)
