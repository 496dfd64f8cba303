"""Training needs nothing of torch's compiler, and comes to the same without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from fittingroom.training.optimizers import build_optimizer
from fittingroom.training.recipe import Recipe
from fittingroom.training.uncompiled import FOUND, UNCOMPILED, take_step, without_compiler

OPTIMIZERS = ("adam", "adamw", "sgd", "muon")

CHILD = """
import sys
import fittingroom as fr
from fittingroom.training.uncompiled import FOUND, UNCOMPILED

data = fr.load(sys.argv[1])
for optimizer in sys.argv[2:]:
    fr.train("two-layer", data, epochs=1, optimizer=optimizer, figures=False)
import torch
methods = [getattr(torch.optim.Optimizer, name).__wrapped__ for name in UNCOMPILED]
left = [method for method in methods if hasattr(method, FOUND)]
print("torch._dynamo" in sys.modules, left)
"""


def marked() -> list[bool]:
    """Tell of each method whether something is left at it."""
    methods = (getattr(torch.optim.Optimizer, name) for name in UNCOMPILED)
    return [hasattr(method.__wrapped__, FOUND) for method in methods]


@pytest.mark.slow
def test_a_process_that_trains_does_not_import_the_compiler(
    isolated: Path, shapes_folder: Path
) -> None:
    words = [sys.executable, "-c", CHILD, str(shapes_folder), *OPTIMIZERS]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "False []"


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_step_is_the_optimizers_own(optimizer: str) -> None:
    def three_steps(*, plainly: bool) -> list[torch.Tensor]:
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 4), nn.Linear(4, 3))
        made = build_optimizer(
            network.parameters(), Recipe(optimizer=optimizer, lr=0.01, weight_decay=0.1)
        )
        for _ in range(3):
            made.zero_grad()
            network(torch.ones(2, 5)).square().sum().backward()
            made.step() if plainly else take_step(made)
        return [weight.detach().clone() for weight in network.parameters()]

    ours, theirs = three_steps(plainly=False), three_steps(plainly=True)
    assert all(map(torch.equal, ours, theirs))


def test_nothing_is_changed_where_the_compiler_is_there_or_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = marked()
    monkeypatch.delitem(sys.modules, "torch._dynamo", raising=False)
    with without_compiler():
        assert all(marked())
    assert marked() == before
    monkeypatch.setitem(sys.modules, "torch._dynamo", torch)
    with without_compiler():
        assert marked() == before
