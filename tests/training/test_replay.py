"""Recorded steps: when they are recorded and played, and on CUDA that they are the same steps."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fittingroom.data.dataset import DataSplits
from fittingroom.runs.prepare import build_classifier
from fittingroom.training.compatibility import together
from fittingroom.training.device import select_device
from fittingroom.training.loop import fit
from fittingroom.training.optimizers import build_optimizer, set_learning_rate
from fittingroom.training.recipe import Recipe, recipe
from fittingroom.training.replay import WARM_UP, Replayed, Step
from fittingroom.training.uncompiled import take_step

GPU = torch.device("cuda", 0)


class FakeGraph:
    """Counts how often it was played."""

    def __init__(self) -> None:
        self.played = 0

    def replay(self) -> None:
        self.played += 1


class FakeStream:
    def __init__(self, device: torch.device) -> None:
        pass

    def wait_stream(self, stream: FakeStream) -> None:
        pass


@contextmanager
def nothing(*_: Any, **__: Any) -> Iterator[None]:
    yield


@pytest.fixture
def no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put stand-ins in the place of what needs a GPU."""
    monkeypatch.setattr(torch.cuda, "CUDAGraph", FakeGraph)
    monkeypatch.setattr(torch.cuda, "Stream", FakeStream)
    monkeypatch.setattr(torch.cuda, "graph", nothing)
    monkeypatch.setattr(torch.cuda, "stream", nothing)
    monkeypatch.setattr(torch.cuda, "current_stream", FakeStream)


@pytest.mark.usefixtures("no_cuda")
def test_a_step_is_taken_a_few_times_then_recorded_once_and_played_from_then_on() -> None:
    calls: list[Tensor] = []

    def step(batch: Tensor) -> tuple[Tensor, ...]:
        calls.append(batch)
        return (batch * 2,)

    replayed = Replayed(step, batch_size=4, device=GPU)
    for number in range(WARM_UP):
        assert replayed.graph is None
        (result,) = replayed(torch.full((4,), number))
        assert torch.equal(result, torch.full((4,), 2 * number))
    batches = [torch.full((4,), 10 + number) for number in range(5)]
    results = [replayed(batch)[0] for batch in batches]
    assert len(calls) == WARM_UP + 1
    graph: Any = replayed.graph
    assert graph.played == 5
    assert all(result is results[0] for result in results)
    # The recorded step reads where each batch is copied to, and leaves the batch itself alone.
    assert torch.equal(calls[-1], batches[-1])
    assert torch.equal(batches[0], torch.full((4,), 10))

    (result,) = replayed(torch.ones(3))
    assert torch.equal(result, torch.full((3,), 2.0))
    assert graph.played == 5


@pytest.mark.usefixtures("no_cuda")
def test_a_short_batch_that_comes_first_is_no_trouble() -> None:
    replayed = Replayed(lambda batch: (batch,), batch_size=4, device=GPU)
    assert torch.equal(replayed(torch.ones(2))[0], torch.ones(2))
    for _ in range(WARM_UP + 2):
        replayed(torch.ones(4))
    assert replayed.graph is not None


def training_step(network: nn.Module, optimizer: torch.optim.Optimizer) -> Step:
    def step(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = F.cross_entropy(network(x + torch.rand_like(x)).float(), y)
        loss.backward()
        take_step(optimizer)
        return (loss.detach(),)

    return step


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")


@needs_gpu
@pytest.mark.parametrize("name", ["notebook-three-layer", "convnet", "gpu-94", "resnet", "best"])
def test_a_run_on_a_gpu_can_be_repeated_bit_for_bit(name: str, shapes: DataSplits) -> None:
    small = {"model_options": {"depth": 10, "width": 2}} if name == "best" else {}
    followed = recipe(name, epochs=3, batch_size=32, **small)
    device = select_device("cuda", followed.precision)
    ends = []
    for _ in range(2):
        classifier = build_classifier(followed, shapes)
        fit(together(followed, [classifier]), shapes, followed, device)
        ends.append(classifier.state_dict())
    assert all(torch.equal(tensor, ends[1][key]) for key, tensor in ends[0].items())


@needs_gpu
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "muon"])
def test_played_steps_are_the_steps_themselves(optimizer: str) -> None:
    from fittingroom.models import ConvNet

    followed = Recipe(optimizer=optimizer, lr=0.01, weight_decay=0.01)
    plain = ConvNet((1, 8, 8), 3, widths=(4, 6, 8)).cuda()
    recorded = copy.deepcopy(plain)
    x = torch.rand(12, 32, 1, 8, 8, device="cuda")
    y = torch.randint(0, 3, (12, 32), device="cuda")
    losses: list[list[float]] = []
    for network in (plain, recorded):
        torch.manual_seed(0)
        its = build_optimizer(network.parameters(), followed)
        step: Step = training_step(network, its)
        if network is recorded:
            step = Replayed(step, batch_size=32, device=GPU)
        seen = []
        for number in range(12):
            set_learning_rate(its, 0.01 / (1 + number))
            seen.append(step(x[number], y[number])[0].item())
        losses.append(seen)
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    for one, other in zip(plain.parameters(), recorded.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-2, atol=1e-3)
