"""Loss and hits of an epoch in progress."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from fittingroom.training.device import Device
from fittingroom.training.meter import Meter


def filled(cpu: Device, sizes: list[int]) -> tuple[Meter, float, float]:
    """Return a meter of batches of these sizes, and loss and accuracy of all of them at once."""
    torch.manual_seed(0)
    scores, labels = torch.randn(sum(sizes), 4), torch.randint(0, 4, (sum(sizes),))
    meter = Meter(len(sizes), cpu)
    for step, (s, y) in enumerate(zip(scores.split(sizes), labels.split(sizes), strict=True)):
        meter.add(step, F.cross_entropy(s, y, reduction="none"), s, y)
    accuracy = float((scores.argmax(1) == labels).double().mean())
    return meter, float(F.cross_entropy(scores.double(), labels)), accuracy


@pytest.mark.parametrize("sizes", [[32, 32, 32, 5], [32, 32], [7], [1, 1, 1], [9, 1]])
def test_means_are_over_pictures_not_over_steps(cpu: Device, sizes: list[int]) -> None:
    meter, loss, accuracy = filled(cpu, sizes)
    assert meter.mean_losses(len(sizes), sizes[0], sum(sizes))[0] == pytest.approx(loss, rel=1e-6)
    assert meter.accuracies(sum(sizes))[0] == pytest.approx(accuracy)


def test_in_the_middle_of_an_epoch_only_the_steps_done_count(cpu: Device) -> None:
    meter = Meter(10, cpu)
    for step, loss in enumerate([1.0, 2.0, 6.0]):
        meter.add(step, torch.full((2,), loss), torch.eye(2), torch.tensor([0, 0]))
    assert meter.mean_losses(3, 2, 6)[0] == pytest.approx(3.0)
    assert meter.accuracies(6)[0] == pytest.approx(0.5)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_the_first_loss_that_is_no_number_is_found(cpu: Device, bad: float) -> None:
    meter = Meter(4, cpu)
    assert meter.first_bad_step() == 0
    for step, loss in enumerate([1.0, bad, 1.0, math.nan]):
        meter.add(step, torch.full((2,), loss), torch.eye(2), torch.tensor([0, 1]))
    assert meter.first_bad_step() == 2
    assert not math.isfinite(meter.mean_losses(4, 2, 8)[0])


def test_a_meter_keeps_no_graph(cpu: Device) -> None:
    meter = Meter(1, cpu)
    scores = torch.randn(3, 2, requires_grad=True)
    meter.add(0, F.cross_entropy(scores, torch.tensor([0, 1, 0])), scores, torch.tensor([0, 1, 0]))
    assert not meter.losses.requires_grad


def test_what_is_restored_goes_on_like_the_original(cpu: Device) -> None:
    meter, _, _ = filled(cpu, [8, 8, 3])
    other = Meter(3, cpu)
    other.restore({name: tensor.clone() for name, tensor in meter.state().items()})
    assert other.mean_losses(3, 8, 19)[0] == meter.mean_losses(3, 8, 19)[0]
    assert other.accuracies(19) == meter.accuracies(19)
    other.add(2, torch.full((2,), 9.0), torch.eye(2), torch.tensor([0, 0]))
    assert other.mean_losses(3, 8, 19)[0] != meter.mean_losses(3, 8, 19)[0]


def test_runs_that_are_trained_at_once_are_counted_apart(cpu: Device) -> None:
    torch.manual_seed(1)
    meter, alone = Meter(2, cpu, runs=3), [Meter(2, cpu) for _ in range(3)]
    for step, size in enumerate((8, 5)):
        scores, labels = torch.randn(3 * size, 4), torch.randint(0, 4, (3 * size,))
        losses = F.cross_entropy(scores, labels, reduction="none")
        losses[size] = math.nan if step else losses[size]
        meter.add(step, losses, scores, labels)
        for run, other in enumerate(alone):
            mine = slice(run * size, (run + 1) * size)
            other.add(step, losses[mine], scores[mine], labels[mine])
    together, apart = meter.mean_losses(2, 8, 13), [m.mean_losses(2, 8, 13)[0] for m in alone]
    assert together == pytest.approx(apart, nan_ok=True)
    assert meter.accuracies(13) == [m.accuracies(13)[0] for m in alone]
    assert [meter.first_bad_step(run) for run in range(3)] == [0, 2, 0]
