"""Verdicts, from records and outcomes that are made up."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np
import pytest
import torch

from fittingroom.evaluation.evaluate import Evaluation
from fittingroom.runs.comparison import Change, compare, find_changes, noise_of_records
from fittingroom.runs.outcome import Outcome, digests
from fittingroom.training.history import Epoch

COUNT = 1000


def record(**environment: Any) -> dict[str, Any]:
    """Return what of a record is compared."""
    usual = {
        "fittingroom": "1.0",
        "packages": {"torch": "2.13.0", "numpy": "2.4"},
        "platform": "Linux-6.1.0-x86_64-with-glibc2.36",
        "cpu": "A CPU",
        "device": "cpu",
        "device_name": "A CPU, 2 threads",
        "precision": "fp32",
        "threads": 2,
    }
    return {"recipe": {"lr": 0.1}, "environment": usual | environment}


def outcome(right: list[bool], weight: float = 0.5, losses: tuple[float, ...] = (1.0, 0.5)) -> Any:
    """Return the outcome of a run that answers these pictures rightly."""
    answers = np.array([0 if one else 1 for one in right])
    evaluation = Evaluation.from_predictions(
        np.zeros(len(right)),
        np.eye(2)[answers] + weight / 100,
        ("a", "b"),
        data_name="made",
        fingerprint="0",
        split="test",
        sketches=False,
    )
    weights = {"w": torch.tensor([[weight, 1.0]])}
    history = tuple(
        Epoch(number, loss, 0.5, None, None, 0.1, seconds=weight)
        for number, loss in enumerate(losses, start=1)
    )
    found = digests(weights, history, evaluation)
    return Outcome(found, evaluation.to_dict(), weights, history, evaluation)


def answering(wrong: range) -> list[bool]:
    return [place not in wrong for place in range(COUNT)]


def test_the_same_bits_are_identical_whatever_else_is_another() -> None:
    then = outcome(answering(range(100)))
    now = outcome(answering(range(100)))
    found = compare(record(), then, record(cpu="Another CPU"), now)
    assert found.verdict == "identical"
    assert "CPU: A CPU, now Another CPU" in str(found)


def test_seconds_are_no_part_of_a_history() -> None:
    then = outcome(answering(range(9)))
    slower = tuple(replace(epoch, seconds=99.0) for epoch in then.history)
    assert digests(then.weights, slower, then.evaluation) == then.digests


@pytest.mark.parametrize(("gained", "verdict"), [(30, "equal within noise"), (64, "different")])
def test_noise_is_four_standard_errors_of_the_disputed_pictures(gained: int, verdict: str) -> None:
    """20 pictures lost and 64 gained: 44 apart, and 4 sqrt(84) are 36.7; with 30, 10 and 28.3."""
    then = outcome(answering(range(100)))
    now = outcome(answering(range(gained, 120)), weight=0.25, losses=(1.0, 0.4))
    found = compare(record(), then, record(threads=1), now)
    assert (found.noise.only_then, found.noise.only_now) == (20, gained)
    assert found.noise.bound == pytest.approx(4 * sqrt(20 + gained) / COUNT)
    assert found.verdict == verdict
    assert found.answered_differently == 20 + gained
    assert found.largest_weight_difference == 0.25
    assert found.first_other_epoch == 2
    assert found.changes == (Change("CPU threads", "2", "1"),)


def test_one_other_bit_in_the_same_environment_is_different() -> None:
    then = outcome(answering(range(100)))
    now = replace(then, digests=then.digests | {"weights": "0" * 64})
    found = compare(record(), then, record(), now)
    assert found.verdict == "different"
    assert found.same == {"weights": False, "history": True, "predictions": True}


def test_a_history_that_ends_earlier_is_another_from_there_on() -> None:
    then = outcome(answering(range(9)))
    now = outcome(answering(range(9)), losses=(1.0,))
    assert compare(record(), then, record(), now).first_other_epoch == 2


def test_without_predictions_the_noise_is_that_of_two_samples() -> None:
    """89% and 88% of 10,000: 3 sqrt((0.89 0.11 + 0.88 0.12) / 10,000) = 1.35 points."""
    tests = ({"accuracy": accuracy, "count": 10_000} for accuracy in (0.89, 0.88))
    assert noise_of_records(*tests).bound == pytest.approx(0.013533, abs=1e-6)


def test_a_record_without_digests_says_what_was_not_compared() -> None:
    now = outcome(answering(range(100)))
    bare = Outcome({}, now.test)
    found = compare(record(), bare, record(cpu="Another CPU"), now)
    assert found.verdict == "equal within noise"
    assert "no digest of it: weights, history and predictions" in str(found)


@pytest.mark.parametrize(
    ("then", "now", "change"),
    [
        ({}, {"packages": {"torch": "2.11", "numpy": "2.4"}}, ("torch", "2.13.0", "2.11")),
        ({"cpu_features": ["avx2"]}, {}, ("CPU features", "avx2", "not recorded")),
        ({}, {"platform": "macOS-15"}, ("system", "Linux, glibc2.36", "macOS")),
        ({}, {"variables": {"MKL_CBWR": "AVX2"}}, ("variables", "none", "MKL_CBWR=AVX2")),
        ({"processes": 4}, {}, ("processes", "4", "1")),
        (
            {"commit": "0" * 40, "modified": True},
            {"commit": "0" * 40, "modified": True},
            ("commit", "000000000000, changed", "000000000000, changed"),
        ),
    ],
)
def test_what_the_bits_depend_on_is_named(
    then: dict[str, Any], now: dict[str, Any], change: tuple[str, str, str]
) -> None:
    assert list(find_changes(record(**then), record(**now))) == [Change(*change)]


def test_the_kernel_and_the_name_with_the_threads_make_no_bits() -> None:
    newer = record(platform="Linux-6.9.9-x86_64-with-glibc2.36", device_name="whatever")
    assert list(find_changes(record(), newer)) == []


def test_a_field_that_the_recipe_did_not_have_is_named() -> None:
    now = record()
    now["recipe"]["sharpness"] = 0.1
    assert list(find_changes(record(), now)) == [
        Change("recipe field sharpness", "not known", "0.1")
    ]
