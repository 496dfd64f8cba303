"""What mattered, found out in pieces behind the plain answers."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from fittingroom.data.dataset import Images
from fittingroom.serving.heat import heat_map
from fittingroom.serving.predictor import Answers, Predictor
from fittingroom.serving.server.batching import MOST_AT_ONCE, Batcher


class InPieces:
    """Questions to a predictor that go through a batcher's queue, piece by piece.

    Parameters
    ----------
    predictor
        What is asked.
    batcher
        Whose thread asks it, on `loop`.
    """

    def __init__(
        self, predictor: Predictor, batcher: Batcher, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._predictor = predictor
        self._batcher = batcher
        self._loop = loop

    def answer(self, images: Images) -> Answers:
        """See `Predictor.answer`; not for the thread of the loop, which would wait for itself."""
        parts = [
            asyncio.run_coroutine_threadsafe(
                self._batcher.answer(
                    self._predictor, images[start : start + MOST_AT_ONCE], behind=True
                ),
                self._loop,
            ).result()
            for start in range(0, len(images), MOST_AT_ONCE)
        ]
        return Answers(*(np.concatenate(part) for part in zip(*parts, strict=True)))


class Explaining:
    """One thread that covers pictures, and asks a batcher what becomes of the answer."""

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher
        self._thread = ThreadPoolExecutor(1, "explanations")

    async def heat(
        self, predictor: Predictor, seen: Images, probabilities: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """See `heat_map`."""
        loop = asyncio.get_running_loop()
        ask = InPieces(predictor, self._batcher, loop).answer
        return await loop.run_in_executor(
            self._thread, heat_map, ask, predictor.preparation, seen, probabilities
        )

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)
