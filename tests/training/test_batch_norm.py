"""The batch norm of shares, in one process that has them all; of several: test_parallel.py."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fittingroom.training.batch_norm import Normalized, SharedBatchNorm, moments
from fittingroom.training.parallel import ALONE


def batch(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)) * 3 + 50


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("norm", "x"),
    [
        (nn.BatchNorm1d(5), batch(9, 5)),
        (nn.BatchNorm1d(5, momentum=None), batch(9, 5, 4)),
        (nn.BatchNorm2d(5, affine=False), batch(9, 5, 4, 4)),
        (nn.BatchNorm2d(5, track_running_stats=False), batch(9, 5, 4, 4)),
    ],
    ids=["rows", "cumulative", "no weights", "no statistics"],
)
def test_alone_it_is_torchs_own(norm: nn.Module, x: Tensor, training: bool) -> None:
    ours, theirs = copy.deepcopy(norm).train(training), copy.deepcopy(norm).train(training)
    our_x, their_x = x.clone().requires_grad_(), x.clone().requires_grad_()
    with SharedBatchNorm(ALONE):
        output = ours(our_x)
    expected = theirs(their_x)
    slope = batch(*x.shape)
    (output * slope).sum().backward()
    (expected * slope).sum().backward()
    torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(our_x.grad, their_x.grad, rtol=1e-3, atol=1e-2)
    for name, tensor in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], tensor, rtol=1e-5, atol=1e-5)


def test_its_gradients_are_those_of_finite_differences() -> None:
    x = batch(4, 3, 2).double().requires_grad_()
    weight, bias = torch.rand(2, 3, dtype=torch.float64).unbind()

    def normalize(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        mean, var, count = moments(x.detach(), ALONE, counts=True)
        output: Tensor = Normalized.apply(  # type: ignore[no-untyped-call]
            x, weight, bias, mean, var, 1e-5, ALONE, count
        )
        return output

    arguments = (x, weight.clone().requires_grad_(), bias.clone().requires_grad_())
    assert torch.autograd.gradcheck(normalize, arguments)


def test_a_batch_norm_called_as_a_function_is_taken_over_too() -> None:
    x = batch(1, 5)  # a share of one: torch alone would refuse it
    with pytest.raises(ValueError, match="more than 1 value"):
        F.batch_norm(x, None, None, training=True)
    with SharedBatchNorm(ALONE):
        output = F.batch_norm(x, None, None, training=True)
    torch.testing.assert_close(output, torch.zeros(1, 5), rtol=0, atol=0.01)


def test_other_functions_are_left_alone() -> None:
    x = batch(3, 4, 4)
    with SharedBatchNorm(ALONE):
        assert torch.equal(F.relu(x - 50), (x - 50).clamp(min=0))
        assert torch.equal(F.instance_norm(x), F.instance_norm(x))
    norm = nn.BatchNorm1d(4).eval()
    with SharedBatchNorm(ALONE):
        assert torch.equal(norm(x), x / (1 + norm.eps) ** 0.5)


def test_a_mean_far_from_zero_costs_no_digits() -> None:
    """As it would by sums of squares: 1e4 squared has no digits left for a variance of 1."""
    x = torch.randn(400, 3, generator=torch.Generator().manual_seed(0)) + 1e4
    _, var, count = moments(x, ALONE, counts=True)
    torch.testing.assert_close(var, x.double().var(dim=0, correction=0).float(), rtol=1e-4, atol=0)
    assert count == 400
