"""The trial of bfloat16 on this CPU: in a process of its own, whatever becomes of that."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch

from fittingroom.training import bf16
from fittingroom.training.bf16 import Bf16, forward_and_backward, try_on_cpu

NOT_SOUND = Bf16(sound=False, fast=False)


def test_the_trial_comes_to_a_verdict_here() -> None:
    found = try_on_cpu()
    assert isinstance(found.sound, bool)
    assert isinstance(found.fast, bool)
    assert found.sound or not found.fast
    assert try_on_cpu() is found


@pytest.mark.skipif(os.name == "nt", reason="needs a shell script that passes for Python")
@pytest.mark.parametrize(
    ("trial", "expected"),
    [
        ("""echo '{"sound": true, "fast": true}'""", Bf16(sound=True, fast=True)),
        ("""echo '{"sound": true, "fast": false}'""", Bf16(sound=True, fast=False)),
        ("kill -ILL $$", NOT_SOUND),
        ("kill -KILL $$", NOT_SOUND),
        ("exit 1", NOT_SOUND),
        ("exec sleep 60", NOT_SOUND),
        ("exit 0", NOT_SOUND),
        ("echo nonsense", NOT_SOUND),
        ("echo '[true, true]'", NOT_SOUND),
        ("""echo '{"sound": true}'""", NOT_SOUND),
    ],
)
def test_a_trial_that_dies_hangs_or_babbles_finds_bf16_unsound(
    trial: str, expected: Bf16, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = tmp_path / "python"
    stand_in.write_text(f"#!/bin/sh\n{trial}\n", "utf-8")
    stand_in.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    monkeypatch.setattr(bf16, "TRIAL_TIMEOUT_SECONDS", 0.3 if "sleep" in trial else 30)
    assert try_on_cpu.__wrapped__() == expected


def test_a_python_that_is_not_there_finds_bf16_unsound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    assert try_on_cpu.__wrapped__() == NOT_SOUND


def test_what_is_compared_are_scores_and_the_gradients_of_everything() -> None:
    torch.manual_seed(0)
    x, kernel, linear = torch.randn(2, 3, 4, 4), torch.randn(5, 3, 3, 3), torch.randn(2, 80)
    scores, *gradients = forward_and_backward(x, kernel, linear)
    assert scores.shape == (2, 2)

    step, arguments = 1e-3, [x.double(), kernel.double(), linear.double()]
    for place, gradient in enumerate(gradients):
        direction = torch.randn_like(arguments[place])
        losses = []
        for sign in (1, -1):
            moved = list(arguments)
            moved[place] = moved[place] + sign * step * direction
            losses.append(forward_and_backward(*moved)[0].square().mean())
        slope = (losses[0] - losses[1]) / (2 * step)
        assert slope.item() == pytest.approx((gradient * direction).sum().item(), rel=1e-2)
