"""The confusion matrix: an array that knows its classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fittingroom.errors import DataError
from fittingroom.evaluation.significance import wilson_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ConfusionMatrix(np.ndarray[tuple[int, int], np.dtype[np.int64]]):
    """Pictures by true class (rows) and predicted class (columns): int64, shape (K, K).

    An array like any other, and in Jupyter a table. What is computed from it is a plain array;
    a part of it has no class names any more and shows itself as numbers.

    Parameters
    ----------
    counts
        The numbers of pictures.
    classes
        The K class names.
    caption
        What it was measured on, for people.
    sketches
        True if the pictures are the program's own drawings.
    """

    classes: tuple[str, ...]
    caption: str
    sketches: bool

    def __new__(
        cls,
        counts: NDArray[np.int64],
        classes: tuple[str, ...],
        caption: str = "",
        *,
        sketches: bool = False,
    ) -> ConfusionMatrix:
        """Look at `counts` as a confusion matrix; nothing is copied."""
        matrix = np.asarray(counts, np.int64).view(cls)
        matrix.classes, matrix.caption, matrix.sketches = tuple(classes), caption, sketches
        return matrix

    def __array_finalize__(self, source: object) -> None:
        # NumPy calls this for copies and parts too: the names are given anew or not at all.
        self.classes, self.caption, self.sketches = (), "", False

    def __array_wrap__(
        self, array: NDArray[Any], context: Any = None, return_scalar: bool = False
    ) -> Any:
        plain = np.asarray(array)
        return plain[()] if return_scalar or plain.ndim == 0 else plain

    @property
    def is_whole(self) -> bool:
        """False for a part of a matrix, or a copy: they do not know their classes."""
        return len(self.classes) > 0 and self.shape == (len(self.classes),) * 2

    @property
    def accuracy(self) -> float:
        """Share of the diagonal, a fraction 0 to 1."""
        return int(self.trace()) / int(self.sum())

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval of the accuracy: (low, high), fractions."""
        return wilson_interval(int(self.trace()), int(self.sum()))

    def plot(self) -> Figure:
        """Draw it as a heat map; in Jupyter the figure shows itself.

        Raises
        ------
        DataError
            If this is only a part of a matrix.
        """
        from fittingroom.evaluation.figures.heatmap import confusion_heatmap

        if not self.is_whole:
            raise DataError(
                f"expected a whole confusion matrix, found a part or copy of shape {self.shape}; "
                "draw the evaluation's own"
            )
        return confusion_heatmap(self)

    def _repr_html_(self) -> str | None:
        from fittingroom.evaluation.display import show_matrix

        return show_matrix(self) if self.is_whole else None
