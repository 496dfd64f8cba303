"""In which order garments are drawn, and how many at a time.

The random numbers of a part come from one stream, batch by batch. Who knows where in the stream a
batch begins can draw it alone: so a set is drawn by several processes and written piece by piece,
and is the same as if one had drawn all of it in memory.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.data.dataset import Images, Labels
from fittingroom.data.fashion_mnist import CLASSES
from fittingroom.data.sketches.canvas import paint, pose
from fittingroom.data.sketches.fabric import Noise, draw_noise, dye
from fittingroom.data.sketches.outlines import Array
from fittingroom.data.sketches.patterns import Measures
from fittingroom.data.sketches.wardrobe import WARDROBE, Span, Style
from fittingroom.errors import DataError

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

BATCH = 256  # took the least time of 64, 128, 256 and 512: cache misses against calls

# One process hands out the work and writes what is drawn, which takes it a fiftieth of the time.
MOST_JOBS = 64

# Batches that lie ready or are being drawn for each process: none waits, and memory holds them.
AHEAD = 4

# A batch takes far less. After so long it is asked whether anybody still draws it.
PATIENCE_SECONDS = 2.0


@dataclass(frozen=True)
class Batch:
    """Garments of one style that are drawn together.

    Parameters
    ----------
    style
        How they are made.
    indices
        int64, shape (B,), rising: their places in the part.
    state
        Of the part's random generator before they are drawn.
    """

    style: Style
    indices: Labels
    state: Any

    def draw(self) -> Images:
        """Draw them, uint8 (B, SIDE, SIDE)."""
        rng = np.random.default_rng()
        rng.bit_generator.state = self.state
        return garments(self.style, len(self.indices), rng)


def shuffled_labels(number: int, rng: np.random.Generator) -> Labels:
    """Return as many labels of each class as can be, int64 (number,), in random order."""
    return rng.permutation(np.arange(number, dtype=np.int64) % len(CLASSES))


def in_batches(labels: Labels, rng: np.random.Generator) -> Iterator[tuple[Style, Labels]]:
    """Choose a style for each label; yield each batch's style and indices when `rng` is at it."""
    for style, indices in _styled(labels, rng):
        for start in range(0, len(indices), BATCH):
            yield style, indices[start : start + BATCH]


def plan(labels: Labels, rng: np.random.Generator) -> list[Batch]:
    """Return the batches of a part, by their first picture, without drawing them.

    A batch's pictures lie close together, for a style's are taken in the order of the part.
    """
    batches = []
    for style, indices in in_batches(labels, rng):
        batches.append(Batch(style, indices, rng.bit_generator.state))
        draw_chance(style, len(indices), rng)  # how far that moves the stream is not known before
    return sorted(batches, key=lambda batch: int(batch.indices[0]))


def drawn(batches: Iterable[Batch], jobs: int) -> Generator[tuple[Batch, Images]]:
    """Draw batches in so many processes; yield them in their order.

    Raises
    ------
    DataError
        If one of the processes is killed.
    """
    if jobs == 1:
        for batch in batches:
            yield batch, batch.draw()
        return
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    # Started anew and not forked: a fork of a process with threads may wait for ever.
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _leave_ctrl_c)
    waiting: deque[tuple[Batch, Future[Images]]] = deque()
    try:
        for batch in batches:
            waiting.append((batch, pool.submit(batch.draw)))
            if len(waiting) > AHEAD * jobs:
                first, result = waiting.popleft()
                yield first, result_of(result, pool)
        for first, result in waiting:
            yield first, result_of(result, pool)
    except BrokenProcessPool as error:
        raise DataError(
            "a process that draws sketches was killed, as Linux does where memory runs out; "
            "draw again with fewer --jobs"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def result_of(result: Future[Images], pool: ProcessPoolExecutor) -> Images:
    """Wait for what a process draws.

    What was handed in just when a process died may be forgotten (Python 3.11): its result would be
    waited for without end. But a pool that has lost a process takes no more work, and says so.

    Raises
    ------
    BrokenProcessPool
        If one of the processes has died.
    """
    while True:
        try:
            return result.result(timeout=PATIENCE_SECONDS)
        except TimeoutError:
            pool.submit(int)


def _leave_ctrl_c() -> None:
    """Leave Ctrl-C to the process that waits for the pictures."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def usual_jobs() -> int:
    """Return how many processes draw unless a person says it: one for each core."""
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), MOST_JOBS)
    return min(os.cpu_count() or 1, MOST_JOBS)


def garments(style: Style, number: int, rng: np.random.Generator) -> Images:
    """Draw garments of one style, uint8 (number, SIDE, SIDE)."""
    measures, noise = draw_chance(style, number, rng)
    parts = pose(style.pattern(measures), measures)
    return dye(paint(parts, number), measures, noise)


def draw_chance(style: Style, number: int, rng: np.random.Generator) -> tuple[Measures, Noise]:
    """Draw all that is random in garments of one style."""
    measures = {name: _measure(span, number, rng) for name, span in style.spans.items()}
    return measures, draw_noise(number, rng)


def _styled(labels: Labels, rng: np.random.Generator) -> Iterator[tuple[Style, Labels]]:
    """Choose a style for each label; yield each style with the indices that got it."""
    for label, name in enumerate(CLASSES):
        styles = WARDROBE[name]
        indices = np.flatnonzero(labels == label)
        chosen = rng.choice(len(styles), len(indices), p=[style.share for style in styles])
        for number, style in enumerate(styles):
            yield style, indices[chosen == number]


def _measure(span: Span, number: int, rng: np.random.Generator) -> Array:
    low, high, *part = span
    drawn = rng.uniform(low, high, number)
    return np.where(rng.random(number) < part[0], drawn, 0.0) if part else drawn
