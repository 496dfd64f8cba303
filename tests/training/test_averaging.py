"""The average of weights beside its closed form."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fittingroom.training.averaging import WeightAverage


def weight(value: float) -> nn.Linear:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, value)
    return layer


@pytest.mark.parametrize("decay", [0.1, 0.9, 0.999])
def test_the_average_is_its_closed_form(decay: float) -> None:
    layer = weight(5.0)
    average = WeightAverage(layer, decay)
    values = torch.randn(200, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for value in values:
        nn.init.constant_(layer.weight, float(value))
        average.update()
    kept = torch.tensor([min(decay, (1 + t) / (10 + t)) for t in range(1, 201)]).double()
    later = torch.flip(torch.cumprod(torch.flip(kept, [0]), 0), [0])  # kept of t and all after
    shares = (1 - kept) * torch.cat([later[1:], torch.ones(1)])
    expected = 5.0 * later[0] + (shares * values).sum()
    assert shares.sum() + later[0] == pytest.approx(1)
    assert average.average["weight"].item() == pytest.approx(float(expected), abs=1e-5)


def test_the_beginning_is_soon_forgotten() -> None:
    layer = weight(1e6)
    average = WeightAverage(layer, 0.999)
    nn.init.constant_(layer.weight, 1.0)
    for _ in range(100):
        average.update()
    assert average.average["weight"].item() < 1.1


def test_weights_and_running_statistics_are_averaged_and_counts_are_not() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    average = WeightAverage(network, 0.9)
    assert set(average.average) == {
        "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var",
    }  # fmt: skip
    before = {name: tensor.clone() for name, tensor in average.average.items()}
    network(torch.rand(8, 2) + 3)
    average.update()
    assert torch.equal(average.average["0.weight"], before["0.weight"])
    kept = 2 / 11
    expected = kept * before["1.running_mean"] + (1 - kept) * network.get_buffer("1.running_mean")
    torch.testing.assert_close(average.average["1.running_mean"], expected)


def test_training_goes_on_where_it_was_after_the_average_had_its_place() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    average = WeightAverage(network, 0.9)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    own = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with average.applied():
        for name, tensor in average.average.items():
            assert torch.equal(network.state_dict()[name], tensor)
    assert all(torch.equal(t, own[name]) for name, t in network.state_dict().items())


def test_memory_layout_is_kept() -> None:
    layer = nn.Conv2d(3, 4, 3)
    nn.utils.convert_conv2d_weight_memory_format(layer, torch.channels_last)
    average = WeightAverage(layer, 0.9)
    with average.applied():
        assert layer.weight.is_contiguous(memory_format=torch.channels_last)
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)


def test_it_goes_on_from_its_saved_state_bit_for_bit() -> None:
    layer, other = weight(1.0), weight(7.0)
    average = WeightAverage(layer, 0.99)
    values = torch.randn(20).tolist()

    def follow(module: nn.Linear, its: WeightAverage, steps: list[float]) -> None:
        for value in steps:
            nn.init.constant_(module.weight, value)
            its.update()

    follow(layer, average, values[:10])
    resumed = WeightAverage(other, 0.99)
    resumed.restore({name: tensor.clone() for name, tensor in average.state().items()})
    follow(layer, average, values[10:])
    follow(other, resumed, values[10:])
    assert torch.equal(average.average["weight"], resumed.average["weight"])
    assert resumed.steps == 20
