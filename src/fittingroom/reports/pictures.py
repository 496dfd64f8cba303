"""The pictures that a page shows: one image that holds them all, and single ones.

A page shows every wrongly predicted picture and a sample of the right ones. Where that would
make the file too large, pictures are left out in turn from each cell of the confusion matrix,
the least sure first, so that no cell loses its pictures to another.

Grey pictures are turned into ink on paper, value 0 white, as the notebook draws them.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fittingroom.data.dataset import ImageDataset, Images, Labels
from fittingroom.evaluation.evaluate import Evaluation, check_same_pictures

if TYPE_CHECKING:
    from PIL import Image

BUDGET = 2_500_000  # bytes of the image as text in the page
RIGHT_IN_A_CELL = 24
RIGHT_AT_LEAST = 4
LONGEST_SIDE = 64  # pixels; larger pictures are made smaller
_FIRST_GUESS = 12_000  # pictures; more are never tried: 10,000 of 28x28 take about 4 MB


@dataclass(frozen=True, eq=False)
class Album:
    """Many pictures in one image, row by row.

    Parameters
    ----------
    source
        The image as a data URI.
    columns
        Pictures in a row.
    width, height
        Of one picture in it, pixels.
    indices
        int64, shape (P,): which test picture is at each place.
    wanted
        How many there should have been; more than P where the budget was too small.
    shrunk
        True if they are smaller than the pictures of the data set.
    """

    source: str
    columns: int
    width: int
    height: int
    indices: Labels
    wanted: int
    shrunk: bool


def build_album(
    evaluations: Sequence[Evaluation], dataset: ImageDataset, budget: int = BUDGET
) -> Album:
    """Put the pictures that the confusion matrices of one or several models show into one image.

    Parameters
    ----------
    evaluations
        Of the same pictures, at least one.
    dataset
        Those pictures.
    budget
        Bytes that the image may take as text.

    Raises
    ------
    DataError
        If `dataset` is not what was evaluated.
    """
    for evaluation in evaluations:
        check_same_pictures(evaluation, dataset)
    order = in_turn(evaluations)
    count = min(len(order), _FIRST_GUESS)
    while True:
        indices = np.sort(order[:count])
        sheet, columns, shown = lay_out(dataset.images[indices])
        source = data_uri(sheet)
        if len(source) <= budget or count <= 1:
            break
        count = max(1, min(count - 1, int(0.97 * count * budget / len(source))))
    height, width = shown
    return Album(
        source, columns, width, height, indices, len(order), shown != dataset.images.shape[2:]
    )


def in_turn(evaluations: Sequence[Evaluation]) -> Labels:
    """Return the indices of the pictures worth showing, the most important first.

    Of each cell of each matrix first the first picture, then of each the second, and so on;
    within a turn the surest first.
    """
    sample = max(RIGHT_AT_LEAST, RIGHT_IN_A_CELL // len(evaluations))
    turns = np.stack([turn_of_each(evaluation, sample) for evaluation in evaluations])
    turn = turns.min(axis=0)
    confidence = np.max([evaluation.confidence for evaluation in evaluations], axis=0)
    order = np.lexsort((-confidence, turn))
    found: Labels = order[np.isfinite(turn[order])].astype(np.int64)
    return found


def turn_of_each(evaluation: Evaluation, sample: int) -> NDArray[np.float64]:
    """Return for each picture its place in its cell of the matrix, float64 (N,), 0 the surest.

    Of the right ones only `sample` of a cell, spread evenly from the surest to the least sure,
    have a place; the others have infinity.
    """
    size = len(evaluation.classes)
    cells = evaluation.labels * size + evaluation.predicted
    order = np.lexsort((-evaluation.confidence, cells))
    starts = np.searchsorted(cells[order], cells[order], side="left")
    places = np.empty(evaluation.count)
    places[order] = np.arange(evaluation.count) - starts
    for label in range(size):
        right = order[cells[order] == label * size + label]
        chosen = np.linspace(0, max(len(right) - 1, 0), min(sample, len(right))).round()
        places[right] = np.inf
        places[right[chosen.astype(np.int64)]] = np.arange(len(chosen))
    return places


def lay_out(images: Images) -> tuple[Image.Image, int, tuple[int, int]]:
    """Lay pictures uint8 (P, C, H, W) into one image.

    Returns
    -------
    The image, the number of columns, and (height, width) of one picture in it.
    """
    images = shrink(images)
    count, channels, height, width = images.shape
    columns = min(count, ceil(sqrt(count * height / width)))
    rows = ceil(count / columns)
    paper = np.zeros((rows * columns, channels, height, width), np.uint8)
    paper[:count] = images
    sheet = paper.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    return (
        picture(sheet.reshape(rows * height, columns * width, channels)),
        columns,
        (height, width),
    )


def shrink(images: Images, longest: int = LONGEST_SIDE) -> Images:
    """Return pictures uint8 (P, C, H, W), made smaller if a side is longer than `longest`."""
    from PIL import Image

    height, width = images.shape[2:]
    scale = longest / max(height, width)
    if scale >= 1:
        return images
    size = max(1, round(width * scale)), max(1, round(height * scale))
    smaller = [
        [np.asarray(Image.fromarray(channel).resize(size, Image.Resampling.BOX)) for channel in one]
        for one in images
    ]
    return np.asarray(smaller, np.uint8)


def picture(pixels: Images) -> Image.Image:
    """Return an image of uint8 (H, W, C); grey as ink on paper."""
    from PIL import Image

    return Image.fromarray(255 - pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def single(image: Images) -> str:
    """Return one picture uint8 (C, H, W) as a data URI."""
    sheet, _, _ = lay_out(image[None])
    return data_uri(sheet)


def data_uri(image: Image.Image) -> str:
    """Return an image as a PNG in a data URI.

    Measured on 1,359 pictures of 28x28: 611 kB in 0.08 s; with zlib's longest search 606 kB in
    0.5 s, as lossless WebP 592 kB in 0.5 s.
    """
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
