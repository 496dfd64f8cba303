"""What Jupyter shows: pieces of HTML for a cell's value, and how data show themselves with them.

The rooms above build theirs of the same pieces. Every text is escaped here, whatever it holds.
Letters have the page's own colour and shades are see-through, so that a dark theme stays dark;
there is no style sheet and no script, since notebooks that are not trusted lose both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fittingroom.data.dataset import DataSplits, ImageDataset

BLUE = "58, 130, 214"  # to be seen on white and on black
ACCENT = "#d9730d"  # with a contrast of 3 or more on white and on black

# Text on a deeper shade would be hard to read in one of the two themes.
DEEPEST_SHADE = 0.55

# More rows than this nobody reads in a cell.
MOST_CLASSES = 30


@dataclass(frozen=True)
class Cell:
    """A cell of a table, with a shade from 0 (none) to 1."""

    text: str
    shade: float = 0.0


def table(
    caption: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[str | Cell]],
    *,
    words: int = 1,
) -> str:
    """Return a table; the first of its cells name the row, those after `words` are numbers."""
    sides = ["left" if place < words else "right" for place in range(len(heads))]
    top = "".join(
        f'<th scope="col" style="text-align: {side}">{escape(head)}</th>'
        for head, side in zip(heads, sides, strict=True)
    )
    body = "".join(f"<tr>{_row(row, sides)}</tr>" for row in rows)
    return (
        '<div style="overflow-x: auto"><table style="margin: 0.5em 0">'
        f'<caption style="text-align: left; font-weight: bold">{escape(caption)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def facts(pairs: dict[str, str]) -> str:
    """Return a table of names and what is known under them."""
    body = "".join(f"<tr>{_row(pair, ('left', 'left'))}</tr>" for pair in pairs.items())
    return f'<table style="margin: 0.5em 0"><tbody>{body}</tbody></table>'


def side_by_side(*parts: str) -> str:
    """Return parts beside each other where there is room, else below each other."""
    return f'<div style="display: flex; flex-wrap: wrap; gap: 0 3em">{"".join(parts)}</div>'


def _row(row: Sequence[str | Cell], sides: Sequence[str]) -> str:
    return "".join(
        _cell(cell if isinstance(cell, Cell) else Cell(cell), side, names_row=place == 0)
        for place, (cell, side) in enumerate(zip(row, sides, strict=True))
    )


def _cell(cell: Cell, side: str, *, names_row: bool) -> str:
    style = f"text-align: {side}"
    if cell.shade > 0:
        style += f"; background-color: rgba({BLUE}, {DEEPEST_SHADE * cell.shade:.3f})"
    if names_row:
        return f'<th scope="row" style="{style}">{escape(cell.text)}</th>'
    return f'<td style="{style}">{escape(cell.text)}</td>'


def headline(strong: str, rest: str = "") -> str:
    """Return what matters most, in larger letters."""
    return f'<div style="font-size: 120%"><strong>{escape(strong)}</strong> {escape(rest)}</div>'


def line(text: str) -> str:
    """Return a line of text."""
    return f"<div>{escape(text)}</div>"


def warning(text: str) -> str:
    """Return a line that must not be overlooked."""
    style = f"border-left: 4px solid {ACCENT}; padding-left: 8px; font-weight: bold"
    return f'<div style="{style}">{escape(text)}</div>'


def show_splits(splits: DataSplits) -> str:
    """Return a data set's name, source, fingerprint and number of pictures of each class."""
    parts = {"training": splits.train, "validation": splits.validation, "test": splits.test}
    said = [warning("Built-in sketches, not Fashion-MNIST")] if splits.sketches else []
    said += [
        headline(splits.name, shape_of(splits.image_shape)),
        line(f"Source: {splits.source}; fingerprint {splits.fingerprint[:16]}"),
        *map(line, splits.notes),
    ]
    return "".join([*said, count_table(parts)])


def show_dataset(dataset: ImageDataset) -> str:
    """Return the shape and number of the pictures."""
    return headline(f"{len(dataset):,} pictures", shape_of(dataset.image_shape)) + count_table(
        {"pictures": dataset}
    )


def count_table(parts: dict[str, ImageDataset]) -> str:
    """Count the pictures of each class in each part; of very many classes only all together."""
    classes = next(iter(parts.values())).classes
    rows = [[f"all {len(classes)} classes", *(f"{len(part):,}" for part in parts.values())]]
    if len(classes) <= MOST_CLASSES:
        counts = [part.class_counts.tolist() for part in parts.values()]
        rows += [
            [name, *(f"{count:,}" for count in of_class)]
            for name, *of_class in zip(classes, *counts, strict=True)
        ]
    return table("Pictures", ["class", *parts], rows)


def shape_of(image_shape: tuple[int, int, int]) -> str:
    """Describe pictures of a shape (C, H, W) in words."""
    channels, height, width = image_shape
    return f"{'grey' if channels == 1 else 'colour'} pictures, {height} x {width} pixels, 0 to 255"
