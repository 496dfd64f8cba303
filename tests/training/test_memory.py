"""What a step keeps, counted, and refused where it is more than there is."""

from __future__ import annotations

import os

import pytest
import torch
from torch import nn

from fittingroom.errors import DeviceError
from fittingroom.models import Classifier, TwoLayer, build_network
from fittingroom.training import memory
from fittingroom.training.device import Device
from fittingroom.training.memory import check_memory, count_kept_numbers, machine_memory

CPU = Device(torch.device("cpu"))


def classifier(network: nn.Module) -> Classifier:
    return Classifier(network, ("a", "b", "c"), (1, 8, 8))


def test_what_layers_put_out_is_counted_but_what_they_overwrite_is_not() -> None:
    layers = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(4 * 36, 3)
    )
    assert count_kept_numbers(classifier(layers)) == 4 * 36 + 4 * 36 + 3


def test_views_cost_a_step_nothing_and_the_classifier_is_left_as_it_was() -> None:
    ours = classifier(build_network("convnet", (1, 8, 8), 3)).train()
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    plain = count_kept_numbers(ours)
    ours.views = "shifts"
    assert count_kept_numbers(ours) == plain
    assert ours.training
    assert all(torch.equal(t, before[name]) for name, t in ours.state_dict().items())


def test_a_batch_that_cannot_fit_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "physical_memory", lambda: 23 * 10**9)
    ours = classifier(TwoLayer((1, 8, 8), 3, (10**6,)))
    check_memory(ours, 5000, CPU)
    with pytest.raises(DeviceError) as caught:
        check_memory(ours, 10_000, CPU)
    assert str(caught.value).startswith(
        "out of memory (a step needs at least 40 GB, there are 23); try a smaller --batch-size"
    )
    assert "\n" not in str(caught.value)


def test_where_the_system_does_not_tell_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sysconf", raising=False)
    assert machine_memory() is None
    check_memory(classifier(TwoLayer((1, 8, 8), 3)), 10**9, CPU)
