"""One thread that answers, and a queue before it: what arrived together is answered together.

Nothing waits for more to come. While the thread is at one batch, others queue up, and are the next
one. Explanations queue behind plain answers: after each batch one piece of them at most, so that
neither stalls the other.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from fittingroom.data.dataset import Images
from fittingroom.serving.predictor import Answers, Predictor
from fittingroom.serving.server.refusals import busy, stopping

MOST_AT_ONCE = 64  # pictures in a batch
MOST_WAITING = 1024  # pictures; at 64 a batch, what is answered within a second or two


@dataclass(eq=False)
class Job:
    """Pictures, uint8 (N, C, H, W), that a predictor is asked about, and who waits for it."""

    predictor: Predictor
    images: Images
    done: asyncio.Future[Answers]


class Batcher:
    """The queue and its thread.

    Parameters
    ----------
    most_waiting
        Pictures that may wait for plain answers.
    on_batch
        Told the number of pictures of each batch.
    """

    def __init__(
        self,
        most_waiting: int = MOST_WAITING,
        on_batch: Callable[[int], object] = lambda _pictures: None,
    ) -> None:
        self.most_waiting = most_waiting
        self.waiting = 0  # pictures
        self._plain: deque[Job] = deque()
        self._behind: deque[Job] = deque()
        self._on_batch = on_batch
        self._woken = asyncio.Event()
        self._open = True
        self._thread = ThreadPoolExecutor(1, "answers", leave_a_core)
        self._work = asyncio.get_running_loop().create_task(self._answer_all())

    async def answer(
        self, predictor: Predictor, images: Images, *, behind: bool = False
    ) -> Answers:
        """Answer for pictures, uint8 (N, C, H, W), N from 1 to 64.

        Parameters
        ----------
        behind
            Whether plain ones go first.

        Raises
        ------
        RefusedError
            If too many wait already, or the server is stopping.
        """
        if not self._open:
            raise stopping()
        if not behind and self.waiting + len(images) > self.most_waiting:
            raise busy()
        job = Job(predictor, images, asyncio.get_running_loop().create_future())
        (self._behind if behind else self._plain).append(job)
        self.waiting += 0 if behind else len(images)
        self._woken.set()
        return await job.done

    async def close(self) -> None:
        """Answer what waits, then end."""
        self._open = False
        self._woken.set()
        await self._work
        self._thread.shutdown()

    async def _answer_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._open or self._plain or self._behind:
            self._woken.clear()
            if not (self._plain or self._behind):
                await self._woken.wait()
                continue
            if jobs := take(self._plain, MOST_AT_ONCE):
                pictures = sum(len(job.images) for job in jobs)
                self.waiting -= pictures
                self._on_batch(pictures)
                await loop.run_in_executor(self._thread, answer_jobs, jobs, loop)
            if self._behind:
                piece = [self._behind.popleft()]
                await loop.run_in_executor(self._thread, answer_jobs, piece, loop)


def leave_a_core() -> None:
    """Let torch compute, in the thread that calls this, with all cores but the one that serves.

    Its threads wait for each other busily. Answers a second, three rounds in turn, 2 cores, 32
    clients, the three-layer network: with 1 thread 644, 711, 866, with 2 594, 659, 781.
    """
    torch = sys.modules.get("torch")  # exported files do without it
    if torch is not None:
        torch.set_num_threads(max(1, min(torch.get_num_threads(), (os.cpu_count() or 1) - 1)))


def take(waiting: deque[Job], most: int) -> list[Job]:
    """Take the first jobs of a queue: as many as together have at most so many pictures."""
    jobs: list[Job] = []
    while waiting and (not jobs or len(waiting[0].images) <= most):
        most -= len(waiting[0].images)
        jobs.append(waiting.popleft())
    return jobs


def answer_jobs(jobs: Sequence[Job], loop: asyncio.AbstractEventLoop) -> None:
    """Answer for jobs, those of one predictor in one go, and tell those who wait."""
    together: dict[int, list[Job]] = {}
    for job in jobs:
        together.setdefault(id(job.predictor), []).append(job)
    for group in together.values():
        try:
            answers = answer_group(group)
        except Exception as error:
            loop.call_soon_threadsafe(tell_failure, group, error)
        else:
            loop.call_soon_threadsafe(tell, group, answers)


def answer_group(group: Sequence[Job]) -> list[Answers]:
    """Answer for jobs of one predictor."""
    found = group[0].predictor.answer(np.concatenate([job.images for job in group]))
    ends = np.cumsum([len(job.images) for job in group])[:-1]
    return [Answers(*part) for part in zip(*(np.split(one, ends) for one in found), strict=True)]


def tell(jobs: Sequence[Job], answers: Sequence[Answers]) -> None:
    """Give each job its answers, unless nobody waits any more."""
    for job, answer in zip(jobs, answers, strict=True):
        if not job.done.done():
            job.done.set_result(answer)


def tell_failure(jobs: Sequence[Job], error: Exception) -> None:
    """Tell jobs that they failed."""
    for job in jobs:
        if not job.done.done():
            job.done.set_exception(error)
