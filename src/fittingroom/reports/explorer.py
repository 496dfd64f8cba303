"""The confusion matrix in a page: a table of numbers whose cells open on their pictures.

The page holds the table of the first model, readable as it is. For everything else, the other
models of a study and the pictures, the page's script reads one block of JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fittingroom.evaluation.columns import longest_word, shorten, tidy
from fittingroom.evaluation.evaluate import Evaluation
from fittingroom.evaluation.metrics import Confusion
from fittingroom.reports import formats
from fittingroom.reports.pictures import Album

NAME_COLUMNS = 24
ROOMY, TIGHT = 12, 30  # classes, up to which a cell has room for a share, for a count
MOST_CLASSES = 150  # 22,500 cells are a megabyte of table
LEVEL_WORD = 11  # columns of a word that fits over a cell; longer names stand upright
PICTURES_AT_FIRST = 36  # of a cell; more on demand


@dataclass(frozen=True)
class Model:
    """One entry of the explorer: `name` (text, or something with `of(language)`), predictions."""

    name: Any
    evaluation: Evaluation


@dataclass(frozen=True)
class Cell:
    """One cell of the table: counts, its share of the row, and how it is shown.

    `kind` is "right", "wrong" or "none"; `depth`, 0 to 1, how deep it is coloured.
    """

    count: int
    share: str
    depth: str
    kind: str


@dataclass(frozen=True)
class Explorer:
    """What the template and the script need.

    Parameters
    ----------
    id
        Of the block in the page; a page may have several.
    models
        At least one; all of the same pictures and classes.
    album
        The pictures; None if they cannot be had.
    """

    id: str
    models: Sequence[Model]
    album: Album | None

    @property
    def evaluation(self) -> Evaluation:
        """The first model's."""
        return self.models[0].evaluation

    @property
    def names(self) -> list[str]:
        """The class names, short enough for a table."""
        return [short(name) for name in self.evaluation.classes]

    @property
    def too_large(self) -> bool:
        """Whether the matrix has too many cells for a page."""
        return len(self.evaluation.classes) > MOST_CLASSES

    @property
    def size(self) -> str:
        """How much room a cell has: "roomy", "tight" or "dense"."""
        classes = len(self.evaluation.classes)
        return "roomy" if classes <= ROOMY else "tight" if classes <= TIGHT else "dense"

    @property
    def upright(self) -> bool:
        """Whether the names over the columns have to stand upright."""
        return self.size != "roomy" or max(map(longest_word, self.names)) > LEVEL_WORD

    @property
    def rows(self) -> list[list[Cell]]:
        """The first model's table."""
        return cells(self.evaluation.confusion)

    @property
    def opened(self) -> tuple[int, int]:
        """(true, predicted) of the cell that is open at first: the most frequent mistake.

        Where there are no mistakes, the first class that has pictures.
        """
        confusion = self.evaluation.confusion
        mistakes = confusion - np.diag(confusion.diagonal())
        chosen = mistakes if mistakes.any() else confusion
        true, predicted = divmod(int(chosen.argmax()), len(confusion))
        return true, predicted

    def data(self) -> dict[str, Any]:
        """Return what the script reads, as JSON values."""
        return {
            "classes": list(self.evaluation.classes),
            "models": [self._model(model) for model in self.models],
            "album": self._album(),
            "opened": list(self.opened),
            "atFirst": PICTURES_AT_FIRST,
        }

    def _model(self, model: Model) -> dict[str, Any]:
        evaluation = model.evaluation
        entry: dict[str, Any] = {"confusion": evaluation.confusion.tolist()}
        if self.album is not None:
            shown = self.album.indices
            entry["predicted"] = evaluation.predicted[shown].tolist()
            # Whole numbers of 1/1000: a third of the letters of a decimal fraction.
            entry["confidence"] = (1000 * evaluation.confidence[shown]).round().astype(int).tolist()
        return entry

    def _album(self) -> dict[str, Any] | None:
        if self.album is None:
            return None
        album = self.album
        return {
            "source": album.source,
            "columns": album.columns,
            "width": album.width,
            "height": album.height,
            "indices": album.indices.tolist(),
            "labels": self.evaluation.labels[album.indices].tolist(),
        }


def cells(confusion: Confusion) -> list[list[Cell]]:
    """Return the cells of a confusion matrix, rows true."""
    return [list(_row(row, number)) for number, row in enumerate(confusion.tolist())]


def _row(row: Sequence[int], true: int) -> Iterator[Cell]:
    total = max(sum(row), 1)
    for predicted, count in enumerate(row):
        kind = "none" if not count else "right" if predicted == true else "wrong"
        share = count / total
        yield Cell(count, formats.percent(share, 1), formats.shade(share), kind)


def short(name: str) -> str:
    """Return a class name on one line, shortened in the middle if it is long."""
    return shorten(tidy(name), NAME_COLUMNS)
