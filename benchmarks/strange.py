"""Pictures of kinds that a model of garments has never seen, and photos of those that it has."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]

PHOTOS = 2000
BORDER = 60  # pixels at most, on each side of a photo
TIMES = 10  # as large as the picture


def strange(real: Pictures, seed: int = 1) -> dict[str, Pictures]:
    """Draw pictures, uint8 (N, 1, 28, 28), by kind; `real` ones (N, 1, 28, 28) are inverted."""
    from scipy.ndimage import gaussian_filter

    rng, count = np.random.default_rng(seed), 1000
    smooth = np.stack([gaussian_filter(rng.normal(size=(28, 28)), 2) for _ in range(count)])
    smooth -= smooth.min(axis=(1, 2), keepdims=True)
    smooth /= smooth.max(axis=(1, 2), keepdims=True)
    kinds: dict[str, NDArray[np.generic]] = {
        "noise": rng.integers(0, 256, (count, 28, 28)),
        "smooth noise": 255 * smooth,
        "specks": 255 * (rng.random((count, 28, 28)) < rng.uniform(0.02, 0.5, (count, 1, 1))),
        "blank": np.repeat(np.arange(256), 784).reshape(-1, 28, 28),
        "digits, 28 high": digits(28),
        "digits, 20 high": digits(20),
        "inverted": 255 - real[:, 0],
    }
    return {name: pictures.astype(np.uint8)[:, None] for name, pictures in kinds.items()}


def digits(side: int) -> Pictures:
    """Return scikit-learn's handwritten digits (8x8), `side` pixels high on black of 28x28."""
    from PIL import Image
    from sklearn.datasets import load_digits

    made = []
    for digit in load_digits().images:
        small = Image.fromarray((digit / 16 * 255).astype(np.uint8))
        frame = Image.new("L", (28, 28))
        larger = small.resize((side, side), Image.Resampling.BICUBIC)
        frame.paste(larger, ((28 - side) // 2,) * 2)
        made.append(np.asarray(frame))
    return np.stack(made)


def photographed(pictures: Pictures, how: str, *, see: Callable[[bytes], Pictures]) -> Pictures:
    """Turn pictures, uint8 (N, 1, 28, 28), into photos, and photos back by `see`.

    Parameters
    ----------
    how
        Of the enlargement: "nearest" or "bicubic"; the photo is dark on white, with a border of
        random width on each side.
    """
    rng = np.random.default_rng(0)
    return np.stack([see(photo(picture[0], how, rng)) for picture in pictures])


def photo(grey: Pictures, how: str, rng: np.random.Generator) -> bytes:
    """Return a picture, uint8 (28, 28), as the content of a PNG file of a photo."""
    import io

    from PIL import Image

    method = Image.Resampling.NEAREST if how == "nearest" else Image.Resampling.BICUBIC
    size = (TIMES * grey.shape[1], TIMES * grey.shape[0])
    large = np.asarray(Image.fromarray(255 - grey).resize(size, method))
    top, bottom, left, right = rng.integers(0, BORDER, 4)
    content = io.BytesIO()
    wide = np.pad(large, ((top, bottom), (left, right)), constant_values=255)
    Image.fromarray(wide).save(content, "png", compress_level=1)
    return content.getvalue()
