"""Pictures: a single one, samples of each class, the most confident mistakes."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.data.dataset import ImageDataset, Images, Labels
from fittingroom.evaluation.columns import shorten
from fittingroom.evaluation.evaluate import Evaluation, check_same_pictures
from fittingroom.evaluation.figures.fonts import lettering
from fittingroom.evaluation.figures.style import (
    ACCENT,
    FAINT,
    MARGIN,
    MIN_WIDTH,
    MUTED,
    SMALL_SIZE,
    Header,
    figure_style,
    fitted,
    sketches_note,
    text_width,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY_MAP = "binary"  # as in the notebook: 0 is white paper, 255 black ink
NAME_COLUMNS = 26
CLASSES_IN_A_BLOCK, MOST_BLOCKS = 16, 3
MISTAKES_IN_A_ROW = 6

# Inches.
SAMPLE = 0.5  # longer side of a picture in the sheet of samples
GAP = 0.05
MISTAKE = 0.9  # longer side of a picture in the sheet of mistakes
MISTAKE_CELL = (1.5, 1.42)


def single_image(
    image: Images, label_name: str, *, caption: str = "", sketches: bool = False
) -> Figure:
    """Draw one picture large, with the notebook's colour bar of pixel values.

    Parameters
    ----------
    image
        uint8, shape (C, H, W). A colour picture has no colour bar: its colours are its values.
    label_name
        Its class.
    caption
        Where it comes from.
    sketches
        True if it is one of the program's own drawings.
    """
    channels, height, width = image.shape
    letters = lettering([label_name, caption])
    size = f"{height} x {width} pixels, values 0 to 255"
    said = f"{letters.text(caption)}; {size}" if caption else size
    heading = shorten(letters.text(label_name), 48)
    header = Header.fit(heading, said, sketches_note(sketches), MIN_WIDTH)
    with figure_style(letters.families):
        figure = header.new_figure(4.9)
        with header.arranged(figure):
            axes = figure.add_subplot()
            axes.grid(False)
            shown = axes.imshow(_for_matplotlib(image), cmap=GREY_MAP, vmin=0, vmax=255)
            axes.spines[:].set_color(FAINT)
            if channels == 1:
                bar = figure.colorbar(shown, ax=axes, ticks=[0, 50, 100, 150, 200, 255])
                bar.outline.set_edgecolor(FAINT)
    return figure


def samples_sheet(
    dataset: ImageDataset,
    *,
    data_name: str,
    sketches: bool = False,
    per_class: int = 12,
    seed: int | None = None,
) -> Figure:
    """Draw a row of pictures for each class.

    Parameters
    ----------
    dataset
        The pictures, at least one.
    data_name, sketches
        Said in the caption.
    per_class
        How many of each class, if there are as many.
    seed
        Which: None for the first ones, a number for ones drawn at random with that seed.
    """
    letters = lettering([*dataset.classes, data_name])
    names = [shorten(name, NAME_COLUMNS) for name in letters.class_names(dataset.classes)]
    blocks = min(MOST_BLOCKS, ceil(len(names) / CLASSES_IN_A_BLOCK))
    rows = ceil(len(names) / blocks)
    per_class = max(4, per_class // blocks)
    name_width = text_width(names, SMALL_SIZE, letters)
    picture_width, picture_height = _fitted(dataset.images, SAMPLE)
    block_width = name_width + GAP + per_class * (picture_width + GAP) + MARGIN
    which = "the first ones" if seed is None else f"drawn with seed {seed}"
    header = Header.fit(
        "Samples of each class",
        f"{letters.text(data_name)}, {len(dataset):,} pictures; {which}",
        sketches_note(sketches),
        max(MIN_WIDTH, MARGIN + blocks * block_width),
    )
    with figure_style(letters.families):
        figure = header.new_figure(rows * (picture_height + GAP) + MARGIN)
        axes = _canvas(figure, header)
        for label, name in enumerate(names):
            block, row = divmod(label, rows)
            right = MARGIN + block * block_width + name_width
            top = row * (picture_height + GAP)
            middle = top + picture_height / 2
            axes.text(right, middle, name, size=SMALL_SIZE, ha="right", va="center")
            samples = _samples(dataset.labels, label, per_class, seed)
            if len(samples):
                strip = _strip(dataset.images[samples])
                _paste(axes, strip, right + 2 * GAP, top, picture_height)
    return figure


def mistakes_sheet(evaluation: Evaluation, dataset: ImageDataset, *, count: int = 24) -> Figure:
    """Draw the wrongly predicted pictures that the model was surest of, the surest first.

    Under each picture: the predicted class with its probability, and the true class.

    Parameters
    ----------
    evaluation
        The predictions.
    dataset
        The pictures that they were made for.
    count
        How many at most.

    Raises
    ------
    DataError
        If `dataset` is not what was evaluated.
    """
    check_same_pictures(evaluation, dataset)
    letters = lettering([*evaluation.classes, evaluation.caption])
    names = letters.class_names(evaluation.classes)
    mistakes = evaluation.mistakes()
    shown = mistakes[:count]
    said = "None: every picture is predicted correctly"
    if len(shown):
        said = (
            f"{len(shown)} of {len(mistakes):,} mistakes: "
            "predicted class with its probability, then the true class"
        )
    cell_width, cell_height = MISTAKE_CELL
    room = cell_width - text_width(["99.9% "], SMALL_SIZE, letters) - 2 * GAP
    used = {*evaluation.predicted[shown].tolist(), *evaluation.labels[shown].tolist()}
    short = {label: fitted(names[label], SMALL_SIZE, room, letters) for label in used}
    header = Header.fit(
        "Most confident mistakes",
        f"{said}; {letters.text(evaluation.caption)}",
        sketches_note(evaluation.sketches),
        MISTAKES_IN_A_ROW * cell_width + 2 * MARGIN,
    )
    with figure_style(letters.families):
        figure = header.new_figure(ceil(len(shown) / MISTAKES_IN_A_ROW) * cell_height + GAP)
        axes = _canvas(figure, header)
        for place, index in enumerate(shown):
            row, column = divmod(place, MISTAKES_IN_A_ROW)
            image = dataset.images[index]
            width, height = _fitted(image, MISTAKE)
            centre, top = MARGIN + (column + 0.5) * cell_width, row * cell_height
            _paste(axes, image, centre - width / 2, top + MISTAKE - height, height)
            confidence = min(float(evaluation.confidence[index]), 0.999)
            predicted = f"{short[evaluation.predicted[index]]} {confidence:.1%}"
            true = f"true: {short[evaluation.labels[index]]}"
            below = top + MISTAKE
            _write(axes, centre, below + 0.14, predicted, ACCENT)
            _write(axes, centre, below + 0.29, true, MUTED)
    return figure


def _samples(labels: Labels, label: int, count: int, seed: int | None) -> Labels:
    of_class = np.flatnonzero(labels == label).astype(np.int64)
    if seed is None or len(of_class) <= count:
        return of_class[:count]
    drawn = np.random.default_rng((seed, label)).choice(of_class, count, replace=False)
    return np.sort(drawn)


def _write(axes: Axes, x: float, y: float, text: str, colour: str) -> None:
    axes.text(x, y, text, size=SMALL_SIZE, color=colour, ha="center", va="center")


def _canvas(figure: Figure, header: Header) -> Axes:
    """Return axes that fill the figure below its header, measured in inches from their top left."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0, 0, 1, 1 - header.height / height))
    axes.set_axis_off()
    axes.set_autoscale_on(False)
    axes.set_xlim(0, width)
    axes.set_ylim(height - header.height, 0)
    return axes


def _fitted(images: Images, side: float) -> tuple[float, float]:
    """Return width and height of pictures (..., H, W) whose longer side is `side`."""
    height, width = images.shape[-2:]
    scale = side / max(height, width)
    return width * scale, height * scale


def _strip(images: Images) -> Images:
    """Lay pictures uint8 (N, C, H, W) side by side, a gap between: (C, H, wider)."""
    count, channels, height, width = images.shape
    gap = max(1, round(GAP / SAMPLE * max(height, width)))
    paper = 0 if channels == 1 else 255
    framed = np.pad(images, ((0, 0), (0, 0), (0, 0), (0, gap)), constant_values=paper)
    strip = framed.transpose(1, 2, 0, 3).reshape(channels, height, count * (width + gap))
    return strip[..., :-gap]


def _paste(axes: Axes, image: Images, left: float, top: float, height: float) -> None:
    """Show a picture uint8 (C, H, W), `height` inches high, on a canvas."""
    width = height * image.shape[2] / image.shape[1]
    axes.imshow(
        _for_matplotlib(image),
        cmap=GREY_MAP,
        vmin=0,
        vmax=255,
        extent=(left, left + width, top + height, top),
        aspect="auto",
    )


def _for_matplotlib(image: Images) -> Images:
    """Turn (C, H, W) into (H, W) for grey and (H, W, 3) for colour."""
    return image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)
