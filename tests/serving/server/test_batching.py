"""What arrives together is answered together, and nobody starves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from fittingroom.data.dataset import DataSplits, Images
from fittingroom.serving.predictor import Answers, RunPredictor
from fittingroom.serving.server.batching import Batcher, Job, take
from fittingroom.serving.server.explaining import InPieces
from fittingroom.serving.server.refusals import RefusedError


class Watched(RunPredictor):
    """A predictor that remembers what it was asked, and can be held up."""

    def __init__(self, predictor: RunPredictor) -> None:
        vars(self).update(vars(predictor))
        self.sizes: list[int] = []
        self.threads: set[str] = set()
        self.go = threading.Event()
        self.go.set()

    def answer(self, images: Images) -> Answers:
        self.go.wait(30)
        self.sizes.append(len(images))
        self.threads.add(threading.current_thread().name)
        return super().answer(images)


@pytest.fixture
def watched(predictor: RunPredictor) -> Watched:
    return Watched(predictor)


def with_batcher(work: Callable[[Batcher], Awaitable[Any]], **options: Any) -> Any:
    """Run something with a batcher, in a loop of its own."""

    async def run() -> Any:
        batcher = Batcher(**options)
        try:
            return await work(batcher)
        finally:
            await batcher.close()

    return asyncio.run(run())


def test_those_who_wait_are_answered_in_one_batch_each_with_its_own_answer(
    watched: Watched, garments: DataSplits
) -> None:
    images = garments.test.images[:40]
    batches: list[int] = []

    async def ask(batcher: Batcher) -> list[Answers]:
        watched.go.clear()
        waiting = [asyncio.create_task(batcher.answer(watched, one[None])) for one in images]
        await asyncio.sleep(0.05)
        watched.go.set()
        return await asyncio.gather(*waiting)

    found = with_batcher(ask, on_batch=batches.append)
    assert sum(watched.sizes) == 40
    assert len(watched.sizes) <= 2
    assert batches == watched.sizes
    expected = RunPredictor.answer(watched, images)
    together = np.concatenate([one.probabilities for one in found])
    assert together == pytest.approx(expected.probabilities, abs=1e-5)
    assert len(watched.threads) == 1


def test_a_batch_has_at_most_so_many_pictures_and_keeps_the_order(
    watched: Watched, garments: DataSplits
) -> None:
    async def ask(batcher: Batcher) -> list[Answers]:
        return await asyncio.gather(
            *(batcher.answer(watched, garments.test.images[n : n + 10]) for n in range(0, 200, 10))
        )

    found = with_batcher(ask)
    assert max(watched.sizes) <= 64
    assert all(len(one.novelty) == 10 for one in found)
    expected = RunPredictor.answer(watched, garments.test.images[:200]).probabilities
    assert np.concatenate([one.probabilities for one in found]) == pytest.approx(expected, abs=1e-5)


def test_two_models_share_a_batch_and_are_not_confused(
    predictor: RunPredictor, second_predictor: RunPredictor, garments: DataSplits
) -> None:
    both = [predictor, second_predictor] * 8

    async def ask(batcher: Batcher) -> list[Answers]:
        return await asyncio.gather(
            *(batcher.answer(one, garments.test.images[:2]) for one in both)
        )

    for one, found in zip(both, with_batcher(ask), strict=True):
        expected = one.answer(garments.test.images[:2]).probabilities
        assert found.probabilities == pytest.approx(expected, abs=1e-5)


def test_an_explanation_lets_plain_answers_go_first_and_is_not_starved(
    watched: Watched, garments: DataSplits
) -> None:
    done: list[str] = []

    async def ask(batcher: Batcher) -> None:
        pieces = InPieces(watched, batcher, asyncio.get_running_loop())

        async def explain() -> None:
            await asyncio.to_thread(pieces.answer, garments.test.images[:320])
            done.append("explained")

        async def plain(number: int) -> None:
            await batcher.answer(watched, garments.test.images[number][None])
            done.append("plain")

        explaining = asyncio.create_task(explain())
        for number in range(40):
            await plain(number)
        await explaining

    with_batcher(ask)
    assert max(watched.sizes) <= 64
    assert done.index("explained") > 1  # five pieces: plain answers came between them
    assert done.index("explained") < 41
    between = [size for size in watched.sizes[: watched.sizes.index(64) + 6] if size == 1]
    assert between


def test_a_full_queue_refuses_and_forgets_nobody(watched: Watched, garments: DataSplits) -> None:
    async def ask(batcher: Batcher) -> list[Any]:
        watched.go.clear()
        waiting = [
            asyncio.create_task(batcher.answer(watched, garments.test.images[:1]))
            for _ in range(30)
        ]
        await asyncio.sleep(0.05)
        watched.go.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    found = with_batcher(ask, most_waiting=10)
    refused = [one for one in found if isinstance(one, RefusedError)]
    assert {one.status for one in refused} == {503}
    assert {one.retry_after for one in refused} == {1}
    assert len(refused) in {19, 20}  # one may have been taken before the others came
    assert sum(watched.sizes) == 30 - len(refused)


def test_closing_answers_those_who_wait_and_refuses_who_comes_later(
    watched: Watched, garments: DataSplits
) -> None:
    async def ask() -> tuple[list[Answers], RefusedError]:
        batcher = Batcher()
        images = garments.test.images[:1]
        waiting = [asyncio.create_task(batcher.answer(watched, images)) for _ in range(100)]
        await asyncio.sleep(0)
        await batcher.close()
        with pytest.raises(RefusedError) as refused:
            await batcher.answer(watched, images)
        return await asyncio.gather(*waiting), refused.value

    answers, refused = asyncio.run(ask())
    assert len(answers) == 100
    assert (refused.status, "stopping" in refused.sentence) == (503, True)


def test_a_failure_is_told_to_those_it_concerns_and_to_nobody_else(
    predictor: RunPredictor, garments: DataSplits
) -> None:
    wrong = Watched(predictor)

    async def ask(batcher: Batcher) -> Any:
        return await asyncio.gather(
            batcher.answer(wrong, np.zeros((1, 1, 5, 5), np.uint8)),
            batcher.answer(predictor, garments.test.images[:1]),
            return_exceptions=True,
        )

    failed, answered = with_batcher(ask)
    assert isinstance(failed, RuntimeError)
    assert answered.probabilities.shape == (1, 10)


def test_who_does_not_wait_any_more_does_not_stop_the_others(
    watched: Watched, garments: DataSplits
) -> None:
    async def ask(batcher: Batcher) -> Answers:
        watched.go.clear()
        waiting = [
            asyncio.create_task(batcher.answer(watched, garments.test.images[:1])) for _ in range(5)
        ]
        await asyncio.sleep(0.05)
        waiting[2].cancel()
        watched.go.set()
        await asyncio.wait(waiting)
        return await waiting[4]

    assert with_batcher(ask).probabilities.shape == (1, 10)


@pytest.mark.parametrize(("sizes", "taken"), [([64, 1], 1), ([1, 64], 1), ([30, 34, 1], 2)])
def test_a_batch_is_filled_from_the_front(
    predictor: RunPredictor, sizes: list[int], taken: int
) -> None:
    from collections import deque

    loop = asyncio.new_event_loop()
    waiting = deque(
        Job(predictor, np.zeros((size, 1, 28, 28), np.uint8), loop.create_future())
        for size in sizes
    )
    assert len(take(waiting, 64)) == taken
    assert len(waiting) == len(sizes) - taken
    loop.close()
