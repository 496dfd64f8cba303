"""One picture file, of any common format, as an upright grey or RGB picture."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fittingroom.data.files import DataFile
from fittingroom.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

EXTENSIONS = frozenset(
    {".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
    | {".heic", ".heif"}
)
# Only these decoders are given a stranger's file; Pillow's others (EPS runs Ghostscript) are not.
FORMATS = ("PNG", "JPEG", "MPO", "BMP", "GIF", "WEBP", "TIFF", "PPM", "HEIF")
# Bytes 4 to 12 of a HEIC file: ISO/IEC 23008-12, annex B.
_HEIC_BRANDS = tuple(b"ftyp" + brand for brand in (b"heic", b"heix", b"hevc", b"heim", b"mif1"))
_ORIENTATION_TAG = 0x0112
_LYING_ORIENTATIONS = range(5, 9)


class NotAPictureError(DataError):
    """A file that none of the decoders can read."""


class TooManyPixelsError(DataError):
    """A picture that is refused for its size."""


def has_picture_name(file: DataFile) -> bool:
    """Tell by its extension whether a file is likely a picture."""
    return file.path.suffix.lower() in EXTENSIONS


def picture_size(file: DataFile) -> tuple[int, int]:
    """Return (height, width) of the upright picture, reading only its header.

    Raises
    ------
    NotAPictureError
        If no decoder knows the file.
    DataError
        If it has more pixels than Pillow considers safe.
    """
    with _opened(file) as image:
        lying = image.getexif().get(_ORIENTATION_TAG) in _LYING_ORIENTATIONS
        return (image.width, image.height) if lying else (image.height, image.width)


def read_picture(file: DataFile, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Read a picture: upright (EXIF), its first frame, in `size`.

    Transparent parts become white; 16-bit grey keeps its upper 8 bits. Resizing is Pillow's
    antialiased bilinear to exactly `size`, as torchvision's `Resize((height, width))` does: the
    proportions change where those of the picture are others.

    Parameters
    ----------
    size
        (height, width).

    Returns
    -------
    uint8, shape (height, width) if every pixel is grey, else (height, width, 3).

    Raises
    ------
    NotAPictureError
        If no decoder can read the file.
    DataError
        If it has more pixels than Pillow considers safe.
    """
    from PIL import ImageOps

    with _opened(file) as image:
        return whole_picture(ImageOps.exif_transpose(image), size)


def whole_picture(image: Image, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return an upright image of any mode as `read_picture` does."""
    from PIL import Image

    height, width = size
    plain = on_white(_coloured(image))
    if plain.size != (width, height):
        plain = plain.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.array(plain, np.uint8)
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        return pixels[..., 0]
    return pixels


def read_image(file: DataFile, side: int | None = None, most_pixels: int | None = None) -> Image:
    """Read a picture upright (EXIF), its first frame, as L, RGB or, where it has alpha, RGBA.

    Parameters
    ----------
    side
        A picture with a longer side may be read smaller, by whole factors, but not below this;
        None for as it is.
    most_pixels
        More are refused before any is decoded; None for what Pillow considers safe.

    Raises
    ------
    NotAPictureError
        If no decoder can read the file.
    DataError
        If it has too many pixels.
    """
    from PIL import ImageOps

    with _opened(file, most_pixels) as image:
        longest = max(image.size)
        if side is not None and longest > 2 * side and image.format in {"JPEG", "MPO"}:
            width, height = (max(1, edge * side // longest) for edge in image.size)
            image.draft(None, (width, height))
        return _coloured(ImageOps.exif_transpose(image))


def on_white(image: Image) -> Image:
    """Put a picture that may be RGBA on white; others are returned as they are."""
    from PIL import Image

    if image.mode != "RGBA":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


@contextmanager
def _opened(file: DataFile, most_pixels: int | None = None) -> Iterator[Image]:
    from PIL import Image, UnidentifiedImageError

    Image.init()  # registers all formats; a build of Pillow may lack some
    with warnings.catch_warnings(), file.open() as stream:
        warnings.simplefilter("ignore")
        if stream.read(12)[4:] in _HEIC_BRANDS:
            _learn_heic(file)
        stream.seek(0)
        formats = [name for name in FORMATS if name in Image.OPEN]
        try:
            with Image.open(stream, formats=formats) as image:
                _check_size(image, most_pixels or Image.MAX_IMAGE_PIXELS or 0)
                yield image
        except (TooManyPixelsError, Image.DecompressionBombError) as error:
            raise TooManyPixelsError(
                f"{file.where}: refused, as the picture is far too large ({error}); make it smaller"
            ) from error
        except UnidentifiedImageError as error:
            message = f"{file.where}: no picture that can be read (none of {', '.join(formats)})"
            raise NotAPictureError(message) from error
        # a damaged picture makes Pillow's decoders raise nearly anything
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            message = f"{file.where}: no picture that can be read ({reason})"
            raise NotAPictureError(message) from error


def _check_size(image: Image, most: int) -> None:
    """Refuse a large picture here: Pillow only warns, and warnings are shared by all threads."""
    if most and image.width * image.height > most:
        raise TooManyPixelsError(
            f"{image.width} x {image.height} pixels, at most {most:,} are read"
        )


def _learn_heic(file: DataFile) -> None:
    """Let Pillow read HEIC, the format of iPhones, by a library that is an extra.

    Raises
    ------
    NotAPictureError
        If it is not installed.
    """
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise NotAPictureError(
            f"{file.where}: a HEIC picture, which needs a library of its own: "
            "pip install 'fittingroom[heic]', or save the picture as JPEG"
        ) from None
    register_heif_opener(thumbnails=False)


def _coloured(image: Image) -> Image:
    """Bring any mode (palette, 16-bit, CMYK) to L, RGB or, where it has transparency, RGBA."""
    from PIL import Image

    if image.mode.startswith("I"):
        upper_bits = np.asarray(image).astype(np.int64) >> 8
        return Image.fromarray(upper_bits.clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in {"L", "RGB"} else image.convert("RGB")
