"""An `Evaluation` as plain text: for a terminal, a log file, a mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from fittingroom.evaluation.columns import left, right, shorten, tidy, wrap

if TYPE_CHECKING:
    from fittingroom.evaluation.evaluate import Evaluation

MATRIX_WIDTH = 100
MOST_CLASSES_IN_MATRIX = 30
NAME_WIDTH = 32


def summary(evaluation: Evaluation) -> str:
    """Return the report that `print(evaluation)` shows, lines without trailing spaces."""
    blocks = [_scores(evaluation), _matrix(evaluation), _per_class(evaluation)]
    if evaluation.most_confused:
        blocks.append(_most_confused(evaluation))
    lines = "\n\n".join("\n".join(block) for block in blocks).split("\n")
    return "\n".join(line.rstrip() for line in lines)


def percent_interval(interval: tuple[float, float]) -> str:
    """Write an interval of fractions for people: "88.31-89.54%"."""
    low, high = interval
    return f"{100 * low:.2f}-{100 * high:.2f}%"


def _scores(evaluation: Evaluation) -> list[str]:
    from fittingroom.evaluation.evaluate import SKETCHES_NOTE

    counted = f"{evaluation.correct:,} of {evaluation.count:,} correct"
    interval = percent_interval(evaluation.interval)
    lines = [
        f"Accuracy           {evaluation.accuracy:.2%}  (95% interval {interval}, {counted})",
        f"Measured on        {evaluation.caption}",
        f"Data fingerprint   {evaluation.fingerprint[:16]}",
        f"Loss               {evaluation.loss:.4f}  (mean cross-entropy)",
        f"Calibration error  {evaluation.calibration_error:.2%}  (expected, 15 bins)",
    ]
    return [SKETCHES_NOTE, "", *lines] if evaluation.sketches else lines


def _matrix(evaluation: Evaluation) -> list[str]:
    title = "Confusion matrix (rows: true class, columns: predicted class)"
    size = len(evaluation.classes)
    if size > MOST_CLASSES_IN_MATRIX:
        return [title, f"{size} x {size}: too wide to print; see the heat map"]
    names = _names(evaluation)
    cells = [[f"{n:,}" if n else "." for n in row] for row in evaluation.confusion.tolist()]
    heads = [wrap(name, NAME_WIDTH // 4) for name in names]
    rows = _table(names, heads, cells, gap=1)
    if max(map(cell_len, rows)) > MATRIX_WIDTH:
        numbers = [str(number) for number in range(size)]
        digits = len(numbers[-1])
        width = max(map(cell_len, names))
        names = [
            left(name, width) + "  " + right(number, digits)
            for name, number in zip(names, numbers, strict=True)
        ]
        rows = _table(names, [[number] for number in numbers], cells, gap=1)
    return [title, *rows]


def _per_class(evaluation: Evaluation) -> list[str]:
    cells = [
        [f"{s.precision:.1%}", f"{s.recall:.1%}", f"{s.f1:.1%}", f"{s.support:,}"]
        for s in evaluation.per_class
    ]
    heads = [["precision"], ["recall"], ["F1"], ["pictures"]]
    rows = _table(_names(evaluation), heads, cells, gap=2)
    for place, score in enumerate(evaluation.per_class, start=1):
        if score.never_predicted:
            rows[place] += "  never predicted"
    return ["Per class", *rows]


def _most_confused(evaluation: Evaluation) -> list[str]:
    pairs = evaluation.most_confused
    true = [shorten(tidy(pair.true), NAME_WIDTH) for pair in pairs]
    width = max(map(cell_len, true))
    names = [
        f"{left(name, width)}  taken for  {shorten(tidy(pair.predicted), NAME_WIDTH)}"
        for name, pair in zip(true, pairs, strict=True)
    ]
    cells = [[f"{pair.count:,}", f"{pair.share:.1%} of the class"] for pair in pairs]
    return ["Most confused", *_table(names, None, cells, gap=2)]


def _names(evaluation: Evaluation) -> list[str]:
    return [shorten(tidy(name), NAME_WIDTH) for name in evaluation.classes]


def _table(
    names: Sequence[str],
    heads: Sequence[Sequence[str]] | None,
    cells: Sequence[Sequence[str]],
    gap: int,
) -> list[str]:
    """Align `cells` to the right under `heads` (each a list of lines), `names` to the left."""
    heads = heads or [[] for _ in cells[0]]
    height = max(map(len, heads))
    head_rows = [
        [head[line - (height - len(head))] if line >= height - len(head) else "" for head in heads]
        for line in range(height)
    ]
    name_width = max(map(cell_len, names))
    widths = [max(map(cell_len, column)) for column in zip(*head_rows, *cells, strict=True)]
    return [
        left(name, name_width)
        + "".join(" " * gap + right(cell, w) for cell, w in zip(row, widths, strict=True))
        for name, row in zip([""] * height + list(names), [*head_rows, *cells], strict=True)
    ]
