"""What Jupyter shows of an `Evaluation` and of its confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.data.display import (
    MOST_CLASSES,
    Cell,
    headline,
    line,
    side_by_side,
    table,
    warning,
)
from fittingroom.evaluation.columns import shorten, tidy
from fittingroom.evaluation.evaluate import SKETCHES_NOTE
from fittingroom.evaluation.summary import percent_interval

if TYPE_CHECKING:
    from fittingroom.evaluation.confusion import ConfusionMatrix
    from fittingroom.evaluation.evaluate import Evaluation

NAME_COLUMNS = 32
MOST_CLASSES_NAMED_ABOVE = 12  # beyond them the columns have numbers


def show_evaluation(evaluation: Evaluation) -> str:
    """Return score, confusion matrix, scores of each class and the most confused pairs."""
    counted = f"{evaluation.correct:,} of {evaluation.count:,} correct"
    said = [warning(SKETCHES_NOTE)] if evaluation.sketches else []
    said += [
        headline(
            f"Accuracy {evaluation.accuracy:.2%}",
            f"95% interval {percent_interval(evaluation.interval)}, {counted}",
        ),
        line(f"{evaluation.caption}; fingerprint {evaluation.fingerprint[:16]}"),
        matrix_table(evaluation.confusion),
        side_by_side(class_table(evaluation), pair_table(evaluation)),
    ]
    return "".join(said)


def show_matrix(matrix: ConfusionMatrix) -> str:
    """Return the confusion matrix with its class names."""
    said = [warning(SKETCHES_NOTE)] if matrix.sketches else []
    return "".join([*said, line(matrix.caption), matrix_table(matrix)])


def matrix_table(matrix: ConfusionMatrix) -> str:
    """Return rows of true classes; the shade of a cell is the root of its share of the row.

    The root, so that a mistake of 2% can be seen beside a diagonal of 95%.
    """
    size = len(matrix.classes)
    if size > MOST_CLASSES:
        return line(f"Confusion matrix: {size} x {size}, too large for a table; see .plot()")
    names, heads = class_names(matrix.classes), class_names(matrix.classes)
    if size > MOST_CLASSES_NAMED_ABOVE:
        heads = [str(number) for number in range(size)]
        names = [f"{number} {name}" for number, name in enumerate(names)]
    shades = np.sqrt(matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1))
    rows = [
        [Cell(name), *map(counted, counts, shaded)]
        for name, counts, shaded in zip(names, matrix.tolist(), shades.tolist(), strict=True)
    ]
    caption = "Confusion matrix: rows are true classes, columns predicted classes"
    return table(caption, ["", *heads], rows)


def counted(count: int, shade: float) -> Cell:
    """Return a cell of the confusion matrix; a dot for no picture."""
    return Cell(f"{count:,}" if count else "\N{MIDDLE DOT}", shade)


def class_table(evaluation: Evaluation) -> str:
    """Return precision, recall and F1 of each class; of very many, the worst."""
    scores, caption = list(evaluation.per_class), "Each class"
    if len(scores) > MOST_CLASSES:
        scores = sorted(scores, key=lambda score: score.f1)[:MOST_CLASSES]
        caption = f"The {MOST_CLASSES} classes with the lowest F1"
    rows = [
        [
            *class_names([score.name]),
            "never predicted" if score.never_predicted else f"{score.precision:.1%}",
            f"{score.recall:.1%}",
            f"{score.f1:.1%}",
            f"{score.support:,}",
        ]
        for score in scores
    ]
    return table(caption, ["class", "precision", "recall", "F1", "pictures"], rows)


def pair_table(evaluation: Evaluation) -> str:
    """Return the most confused pairs of classes; nothing where there are no mistakes."""
    rows = [
        [*class_names([pair.true, pair.predicted]), f"{pair.count:,}", f"{pair.share:.1%}"]
        for pair in evaluation.most_confused
    ]
    if not rows:
        return ""
    heads = ["true class", "taken for", "pictures", "of the class"]
    return table("Most confused", heads, rows, words=2)


def class_names(names: Sequence[str]) -> list[str]:
    """Return names on one line each, long ones shortened."""
    return [shorten(tidy(name), NAME_COLUMNS) for name in names]
