"""The words of a chart: what they are in each language, and how much room they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

from fittingroom.evaluation.columns import shorten, tidy, wrap
from fittingroom.reports.texts import LANGUAGES, Sentence, Texts

# A text that is the same in both languages, one in both (Words), or one still to be written.
Label = str | Sentence | Any

TEXT_SIZE = 12.0
SMALL_SIZE = 11.0

# Mean width of a letter in shares of its size; sans-serif faces lie about here, and a Korean
# letter takes two columns.
COLUMN = 0.54


def spoken(label: Label, language: str) -> str:
    """Return a label in one language, on one line."""
    if isinstance(label, Sentence):
        return tidy(Texts().plain(label, language))
    return tidy(str(label.of(language)) if hasattr(label, "of") else str(label))


def label_width(label: Label, size: float = TEXT_SIZE) -> float:
    """Estimate the width in pixels of a label, in the language in which it is wider."""
    forms = [spoken(label, language) for language in LANGUAGES]
    return max(map(cell_len, forms)) * COLUMN * size


@dataclass(frozen=True)
class Shortened:
    """A label cut so that it is at most `columns` wide, in every language."""

    label: Label
    columns: int

    def of(self, language: str) -> str:
        """Return it in one language."""
        return shorten(spoken(self.label, language), self.columns)


def fitted(label: Label, width: float, size: float = TEXT_SIZE) -> Label:
    """Return a label that is at most `width` pixels wide, its middle cut out where it is wider."""
    if label_width(label, size) <= width:
        return label
    return Shortened(label, max(3, int(width / (COLUMN * size))))


@dataclass(frozen=True)
class Line:
    """One line of a label that is broken into lines of at most `columns`, in every language."""

    label: Label
    columns: int
    place: int

    def of(self, language: str) -> str:
        """Return it in one language; nothing where the label has fewer lines."""
        lines = wrap(spoken(self.label, language), self.columns)
        return lines[self.place] if self.place < len(lines) else ""


def broken(label: Label, width: float, size: float = TEXT_SIZE) -> list[Label]:
    """Return a label as lines of at most `width` pixels; as many as its longest language needs."""
    columns = max(3, int(width / (COLUMN * size)))
    needed = [len(wrap(spoken(label, language), columns)) for language in LANGUAGES]
    return [Line(label, columns, place) for place in range(max(needed))]
