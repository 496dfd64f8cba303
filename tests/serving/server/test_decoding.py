"""Small pictures do not wait for large ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from tests.serving.conftest import Photograph, enlarged, png

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import PhotoError
from fittingroom.serving.predictor import RunPredictor
from fittingroom.serving.server.decoding import (
    MOST_SCANS,
    Decoding,
    is_of_the_models_size,
)
from fittingroom.serving.server.uploads import Upload


def with_decoding(work: Callable[[Decoding], Awaitable[Any]]) -> Any:
    """Run something with the two threads."""

    async def run() -> Any:
        decoding = Decoding()
        try:
            return await work(decoding)
        finally:
            decoding.close()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def large() -> bytes:
    """A picture of 36 megapixels, which takes a good part of a second."""
    return png(np.tile(np.arange(6000, dtype=np.uint16).astype(np.uint8), (6000, 1)))


def test_small_pictures_overtake_large_ones(
    predictor: RunPredictor, photograph: Photograph, large: bytes
) -> None:
    done: list[str] = []

    async def decode(decoding: Decoding) -> None:
        async def one(name: str, content: bytes) -> None:
            await decoding.photo(Upload(name, content), predictor.preparation)
            done.append(name)

        await asyncio.gather(
            *(one("large", large) for _ in range(4)),
            *(one("small", photograph(number)) for number in range(4)),
        )

    with_decoding(decode)
    assert sorted(done) == ["large"] * 4 + ["small"] * 4
    assert done.index("small") == 0
    assert done[-1] == "large"


def test_either_thread_sees_what_the_other_would(
    predictor: RunPredictor, photograph: Photograph
) -> None:
    small = photograph(7)
    padded = small.ljust(3 * 2**20, b"\0")  # too many bytes for the small ones' thread

    async def decode(decoding: Decoding) -> list[Any]:
        kind = predictor.preparation
        return [await decoding.photo(Upload("a", one), kind) for one in (small, padded)]

    first, second = with_decoding(decode)
    assert np.array_equal(first.seen, second.seen)
    assert first.box == second.box


@pytest.mark.parametrize(("scans", "refused"), [(MOST_SCANS, False), (MOST_SCANS + 1, True)])
def test_a_jpeg_of_endless_scans_is_refused_before_it_is_decoded(
    predictor: RunPredictor, photograph: Photograph, scans: int, refused: bool
) -> None:
    upload = Upload("a.jpg", b"\xff\xd8\xff" + b"\xff\xda" * scans)

    async def decode(decoding: Decoding) -> None:
        await decoding.photo(upload, predictor.preparation)

    with pytest.raises(PhotoError, match="scans" if refused else "no picture"):
        with_decoding(decode)


def test_ordinary_progressive_jpegs_are_read(
    predictor: RunPredictor, photograph: Photograph
) -> None:
    import io

    from PIL import Image

    content = io.BytesIO()
    Image.open(io.BytesIO(photograph(0))).convert("RGB").save(content, "jpeg", progressive=True)

    async def decode(decoding: Decoding) -> Any:
        return await decoding.photo(Upload("a.jpg", content.getvalue()), predictor.preparation)

    assert with_decoding(decode).seen.shape == (1, 28, 28)


def test_a_picture_at_the_border_between_small_and_large_is_read(predictor: RunPredictor) -> None:
    grey = np.zeros((28, 28), np.uint8)
    grey[5:20, 8:20] = 150
    content = png(enlarged(grey, times=36, border=0))  # 1008 x 1008

    async def decode(decoding: Decoding) -> Any:
        return await decoding.photo(Upload("a.png", content), predictor.preparation)

    assert with_decoding(decode).seen.max() > 100


def test_a_tiny_picture_of_the_models_size_is_read_as_any_other(
    predictor: RunPredictor, garments: DataSplits
) -> None:
    grey = garments.test.images[0, 0]
    tiny = Upload("a.png", png(grey))
    padded = Upload("b.png", png(grey).ljust(9000, b"\0"))
    assert is_of_the_models_size(tiny, predictor.preparation)
    assert not is_of_the_models_size(padded, predictor.preparation)
    assert not is_of_the_models_size(Upload("c", png(grey[:27])), predictor.preparation)

    async def decode(decoding: Decoding) -> list[Any]:
        return [await decoding.photo(one, predictor.preparation) for one in (tiny, padded)]

    for photo in with_decoding(decode):
        assert np.array_equal(photo.seen[0], grey)
