"""The confusion matrix as a heat map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fittingroom.evaluation.columns import longest_word, shorten, wrap
from fittingroom.evaluation.confusion import ConfusionMatrix
from fittingroom.evaluation.evaluate import Evaluation
from fittingroom.evaluation.figures.fonts import lettering
from fittingroom.evaluation.figures.style import (
    FAINT,
    INK,
    MIN_WIDTH,
    Header,
    figure_style,
    sketches_note,
    text_width,
)
from fittingroom.evaluation.metrics import Confusion
from fittingroom.evaluation.summary import percent_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME_COLUMNS = 26
BAR_WIDTH = 0.17  # inches
DARK = 0.65  # from this share on, white letters have the better contrast on Blues


@dataclass(frozen=True)
class CellStyle:
    """What fits into a cell, by the number of classes.

    `width` and `height` in inches; text sizes in points, None for no such text.
    """

    width: float
    height: float
    name_size: float
    count_size: float | None = None
    share_size: float | None = None

    @classmethod
    def for_classes(cls, num_classes: int) -> CellStyle:
        """Count and share up to 12 classes, the count up to 30, colour alone beyond."""
        if num_classes <= 12:
            return cls(max(0.74, 3.4 / num_classes), max(0.53, 2.2 / num_classes), 8.5, 9.0, 6.5)
        if num_classes <= 30:
            return cls(0.40, 0.30, 8.0, 6.5)
        side = max(0.13, min(0.2, 9 / num_classes))
        return cls(side, side, min(7.0, 0.72 * side * 72))


def confusion_heatmap(evaluation: Evaluation | ConfusionMatrix) -> Figure:
    """Draw the confusion matrix: rows are true classes, columns predicted classes.

    The colour of a cell is its share of the row. Up to 12 classes it also shows the count and
    the share, up to 30 classes the count.
    """
    matrix = evaluation.confusion if isinstance(evaluation, Evaluation) else evaluation
    letters = lettering([*matrix.classes, matrix.caption])
    names = [shorten(name, NAME_COLUMNS) for name in letters.class_names(matrix.classes)]
    cell = CellStyle.for_classes(len(names))
    name_width = text_width(names, cell.name_size, letters)
    below = _broken(names, cell)
    below_height = 0.45 if below else 0.75 * name_width + 0.2
    header = Header.fit(
        "Confusion matrix",
        f"Accuracy {matrix.accuracy:.2%}, 95% interval "
        f"{percent_interval(matrix.interval)}; {letters.text(matrix.caption)}",
        sketches_note(matrix.sketches),
        max(MIN_WIDTH, name_width + len(names) * cell.width + 1.55),
    )
    with figure_style(letters.families):
        figure = header.new_figure(len(names) * cell.height + below_height + 0.45)
        with header.arranged(figure):
            axes = figure.add_subplot()
            shares = _row_shares(matrix)
            image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
            _label_axes(axes, names, below, cell)
            _annotate(axes, matrix, shares, cell)
            slim = len(names) * cell.height / BAR_WIDTH
            bar = figure.colorbar(image, ax=axes, format="{x:.0%}", aspect=slim, pad=0.015)
            bar.set_label("Share of the true class")
            bar.outline.set_visible(False)
    return figure


def _row_shares(confusion: Confusion) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    return shares


def _broken(names: list[str], cell: CellStyle) -> list[str] | None:
    """Break names into at most two lines that fit a cell; None if that does not work for all."""
    columns = int(cell.width * 72 / (0.62 * cell.name_size))
    broken = [wrap(name, columns) for name in names]
    if max(map(longest_word, names)) > columns or max(map(len, broken)) > 2:
        return None
    return ["\n".join(lines) for lines in broken]


def _label_axes(axes: Axes, names: list[str], below: list[str] | None, cell: CellStyle) -> None:
    """Name rows and columns; names that do not fit below a cell are turned."""
    turned: dict[str, Any] = {"rotation": 90}
    if cell.count_size is not None:
        turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    ticks = range(len(names))
    axes.set_xticks(ticks, below or names, fontsize=cell.name_size, **({} if below else turned))
    axes.set_yticks(ticks, names, fontsize=cell.name_size)
    axes.set_xlabel("Predicted label", labelpad=6)
    axes.set_ylabel("True label", labelpad=6)
    axes.tick_params(length=0)
    axes.spines[:].set_color(FAINT)


def _annotate(
    axes: Axes, confusion: Confusion, shares: NDArray[np.float64], cell: CellStyle
) -> None:
    """Write count and share into the cells, as far as there is room."""
    if cell.count_size is None:
        return
    for (row, column), count in np.ndenumerate(confusion):
        share = float(shares[row, column])
        colour = "white" if share > DARK else INK if count else FAINT
        if cell.share_size is not None and count:
            _write(axes, column, row - 0.065 / cell.height, f"{count:,}", cell.count_size, colour)
            _write(axes, column, row + 0.13 / cell.height, _percent(share), cell.share_size, colour)
        elif cell.share_size is not None or count:
            _write(axes, column, row, f"{count:,}", cell.count_size, colour)


def _write(axes: Axes, x: float, y: float, text: str, size: float, colour: str) -> None:
    # Inside the axes: the search for a layout need not measure it.
    axes.text(x, y, text, size=size, color=colour, ha="center", va="center").set_in_layout(False)


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "<0.1%"
