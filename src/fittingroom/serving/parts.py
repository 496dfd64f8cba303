"""The connected parts of a shape, found run by run.

As `scipy.ndimage.label` with its eight neighbours finds them, whose import alone takes longer than
all else that a photo needs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


def find_parts(shape: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    """Find what hangs together, by sides or corners, in bool (H, W).

    Returns
    -------
    Areas, int64 (P,), in pixels, and boxes, int64 (P, 4): left, top, right, bottom.
    """
    rows, starts, ends = find_runs(shape)
    parts = join_runs(rows, starts, ends)
    order = np.argsort(parts, kind="stable")
    firsts = np.flatnonzero(np.diff(parts[order], prepend=-1))
    if not len(order):
        return np.zeros(0, np.int64), np.zeros((0, 4), np.int64)
    rows, starts, ends = rows[order], starts[order], ends[order]
    boxes = (
        np.minimum.reduceat(starts, firsts),
        np.minimum.reduceat(rows, firsts),
        np.maximum.reduceat(ends, firsts),
        np.maximum.reduceat(rows, firsts) + 1,
    )
    return np.add.reduceat(ends - starts, firsts), np.stack(boxes, axis=1)


def find_runs(shape: NDArray[np.bool_]) -> tuple[Numbers, Numbers, Numbers]:
    """Return the runs of each row, from above: row, first column, column behind the last."""
    edges = np.diff(np.pad(shape, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    return rows, starts, ends


def join_runs(rows: Numbers, starts: Numbers, ends: Numbers) -> Numbers:
    """Return the number of the part that each run belongs to: runs that touch share one."""
    parent = list(range(len(rows)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    begins, finishes = starts.tolist(), ends.tolist()
    lines = np.searchsorted(rows, np.arange(int(rows[-1]) + 2 if len(rows) else 1)).tolist()
    for above, here, below in zip(lines, lines[1:], lines[2:], strict=False):
        upper, lower = above, here
        while upper < here and lower < below:
            if begins[upper] <= finishes[lower] and begins[lower] <= finishes[upper]:
                parent[root(lower)] = root(upper)
            if finishes[upper] < finishes[lower]:
                upper += 1
            else:
                lower += 1
    return np.array([root(run) for run in range(len(parent))], np.int64)
