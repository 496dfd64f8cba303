"""Processes that share a run: torch.distributed between three of them, started by torchrun."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

import fittingroom as fr
from fittingroom.errors import ProcessError
from fittingroom.training.parallel import ALONE, Processes, join_processes

SHARING = Path(__file__).with_name("sharing.py")
CASES = ("mlp", "convnet", "mixup", "cutmix", "sharpness", "whitened")

slow = pytest.mark.slow
Loaded = Callable[[str], dict[str, Tensor]]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `sharing.py` has written to."""
    out = tmp_path_factory.mktemp("shared")
    words = ["torch.distributed.run", "--nproc-per-node", "3", str(SHARING), str(out)]
    subprocess.run(
        [sys.executable, "-m", *words], check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    return out


@pytest.fixture
def load(shared: Path) -> Loaded:
    return lambda name: load_file(shared / f"{name}.safetensors")


@pytest.fixture(params=[0, 1, 2])
def answers(request: pytest.FixtureRequest, shared: Path) -> dict[str, Any]:
    """What was asked of one of the processes."""
    found: dict[str, Any] = json.loads((shared / f"answers.{request.param}.json").read_text())
    return found


def same_bits(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


# Training


@slow
@pytest.mark.parametrize("case", CASES)
def test_two_processes_come_to_the_weights_and_numbers_of_one(case: str, load: Loaded) -> None:
    together, alone = load(f"{case}.0"), load(f"{case}.alone")
    assert together.keys() == alone.keys()
    for name, expected in alone.items():
        torch.testing.assert_close(together[name], expected, rtol=1e-3, atol=1e-4, msg=name)


@slow
def test_three_processes_do_too_where_one_has_no_share_of_a_batch(load: Loaded) -> None:
    together, alone = load("thirds.2"), load("mixup.alone")
    for name, expected in alone.items():
        torch.testing.assert_close(together[name], expected, rtol=1e-3, atol=1e-4, msg=name)


@slow
@pytest.mark.parametrize("case", [*CASES, "thirds", "own"])
def test_every_process_ends_with_the_same_bits(case: str, load: Loaded) -> None:
    assert same_bits(load(f"{case}.0"), load(f"{case}.1"))


@slow
@pytest.mark.parametrize("rank", [0, 1, 2])
def test_a_run_that_one_process_stopped_goes_on_bit_for_bit(rank: int, load: Loaded) -> None:
    assert same_bits(load(f"resumed.{rank}"), load(f"own.{rank}"))


@slow
def test_divergence_is_found_by_all_at_the_same_step(answers: dict[str, Any]) -> None:
    assert answers["divergence"].startswith("the loss became nan in epoch 1, step 2 of 13")


@slow
def test_shared_validation_comes_to_the_bits_of_ones_own(answers: dict[str, Any]) -> None:
    assert answers["shared marks"] == answers["own marks"]


# Batch normalisation


@slow
@pytest.mark.parametrize(
    "norm",
    [
        "uneven shares",
        "an empty share",
        "channels last",
        "rows",
        "no weights",
        "no statistics",
        "the mean of all batches",
        "three dimensions",
    ],
)
def test_a_norm_of_shares_is_that_of_the_whole_batch(norm: str, answers: dict[str, Any]) -> None:
    """Output, gradients and running statistics, beside torch's own in double precision."""
    assert answers["norms"][norm] < 1e-5


@slow
def test_a_norm_of_halves_is_that_of_the_whole_batch(answers: dict[str, Any]) -> None:
    assert answers["norms"]["halves"] < 2**-7  # the steps between bfloat16's numbers


# Messages


@slow
def test_agreement_needs_everybody(answers: dict[str, Any]) -> None:
    assert answers["agree"] == [True, False]


@slow
def test_bytes_come_from_the_first_even_if_there_are_none(answers: dict[str, Any]) -> None:
    assert answers["bytes"] == ["", "처음"]


@slow
def test_a_person_who_uses_torch_distributed_has_it_still(answers: dict[str, Any]) -> None:
    assert answers["after"] == [True, 3.0]


@slow
def test_a_program_gets_its_runs_in_every_process(shared: Path, answers: dict[str, Any]) -> None:
    names = ["patterns-three-layer-seed0", "patterns-three-layer-seed1"]
    runs = [fr.open_run(shared / name) for name in names]
    expected = [
        [name, "finished", run.evaluation.accuracy] for name, run in zip(names, runs, strict=True)
    ]
    assert answers["runs"] == expected
    assert not answers["open"]


# Alone


@given(count=st.integers(0, 300), size=st.integers(1, 70))
def test_shares_are_the_whole_in_order_and_differ_by_one_at_most(count: int, size: int) -> None:
    things = list(range(count))
    shares = [things[Processes(rank, size).share(count)] for rank in range(size)]
    assert [thing for share in shares for thing in share] == things
    lengths = [len(share) for share in shares]
    assert max(lengths) - min(lengths) <= 1


def test_a_process_that_is_alone_sends_nothing_and_opens_nothing() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with join_processes() as processes:
        assert processes is ALONE
        assert signal.getsignal(signal.SIGTERM) is before
    tensor = torch.rand(3)
    kept = tensor.clone()
    ALONE.add_up([tensor])
    ALONE.copy_from_first([tensor])
    assert torch.equal(tensor, kept)
    assert [ALONE.agree(True), ALONE.agree(False)] == [True, False]
    assert ALONE.bytes_from_first(b"x") == b"x"
    assert ALONE.share(7) == slice(0, 7)
    assert not torch.distributed.is_initialized()


def test_what_another_has_said_counts_though_it_has_ended_since() -> None:
    from torch.distributed import HashStore  # type: ignore[attr-defined]

    store = HashStore()
    listening = Processes(rank=1, size=2, store=store)
    looks = 0

    def ready() -> bool:
        """Find nothing at the first look, after which the other speaks and ends."""
        nonlocal looks
        looks += 1
        if looks == 1:
            store.set("error", "interrupted")
        return looks > 1

    listening._wait(ready)
    assert looks > 1
    with pytest.raises(ProcessError, match="interrupted"):
        listening._wait(lambda: False)
