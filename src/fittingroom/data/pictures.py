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
)
# Only these decoders are given a stranger's file; Pillow's others (EPS runs Ghostscript) are not.
FORMATS = ("PNG", "JPEG", "MPO", "BMP", "GIF", "WEBP", "TIFF", "PPM")
_ORIENTATION_TAG = 0x0112
_LYING_ORIENTATIONS = range(5, 9)


class NotAPictureError(DataError):
    """A file that none of the decoders can read."""


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
    from PIL import Image, ImageOps

    height, width = size
    with _opened(file) as image:
        plain = _plain(ImageOps.exif_transpose(image))
        if plain.size != (width, height):
            plain = plain.resize((width, height), Image.Resampling.BILINEAR)
        pixels = np.array(plain, np.uint8)
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        return pixels[..., 0]
    return pixels


@contextmanager
def _opened(file: DataFile) -> Iterator[Image]:
    from PIL import Image

    Image.init()  # registers all formats; a build of Pillow may lack some
    formats = [name for name in FORMATS if name in Image.OPEN]
    with warnings.catch_warnings(), file.open() as stream:
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(stream, formats=formats) as image:
                yield image
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise DataError(
                f"{file.where}: refused, as the picture is far too large ({error}); make it smaller"
            ) from error
        # a damaged picture makes Pillow's decoders raise nearly anything
        except Exception as error:
            message = f"{file.where}: no picture that can be read ({error})"
            raise NotAPictureError(message) from error


def _plain(image: Image) -> Image:
    """Bring any mode (palette, 16-bit, alpha, CMYK) to L or RGB."""
    from PIL import Image

    if image.mode in {"L", "RGB"} and "transparency" not in image.info:
        return image
    if image.mode.startswith("I"):
        upper_bits = np.asarray(image).astype(np.int64) >> 8
        return Image.fromarray(upper_bits.clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")
