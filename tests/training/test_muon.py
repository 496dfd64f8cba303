"""Muon beside singular value decompositions, and its two halves as one optimizer."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fittingroom.models import ConvNet, ThreeLayer
from fittingroom.training.checkpoint import optimizer_tensors, restore_optimizer
from fittingroom.training.muon import MOMENTUM, Muon, orthogonalize
from fittingroom.training.optimizers import build_optimizer, set_learning_rate
from fittingroom.training.recipe import Recipe

SHAPES = [(5, 5), (16, 40), (40, 16), (1, 9), (9, 1), (64, 576)]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_what_is_orthogonalized_keeps_its_directions_and_gets_lengths_near_one(
    rows: int, columns: int
) -> None:
    matrices = torch.randn(3, rows, columns) * torch.tensor([1e-4, 1, 1e4])[:, None, None]
    for before, after in zip(matrices.numpy(), orthogonalize(matrices).numpy(), strict=True):
        u, s, vt = np.linalg.svd(before, full_matrices=False)
        core = u.T @ after @ vt.T  # diagonal if the singular vectors are the same
        seen = s > s[0] / 50  # five iterations do not lift smaller ones all the way
        assert np.abs(core - np.diag(np.diag(core))).max() < 1e-3
        assert np.all((np.diag(core)[seen] > 0.5) & (np.diag(core)[seen] < 1.3))
        np.testing.assert_allclose(u @ core @ vt, after, atol=1e-3)


def test_nothing_to_orthogonalize_stays_nothing() -> None:
    assert torch.equal(orthogonalize(torch.zeros(2, 3, 4)), torch.zeros(2, 3, 4))


def test_each_matrix_is_orthogonalized_by_itself() -> None:
    matrices = torch.randn(4, 6, 8)
    together = orthogonalize(matrices)
    apart = torch.cat([orthogonalize(matrix[None]) for matrix in matrices])
    torch.testing.assert_close(together, apart)


def numpy_direction(matrix: np.ndarray) -> np.ndarray:
    """Return the quintic applied to a matrix's singular values, by its decomposition."""
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    s = s / np.sqrt((s**2).sum())
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    direction: np.ndarray = u @ np.diag(s) @ vt
    return direction


@pytest.mark.parametrize("shape", [(6, 10), (10, 6), (8, 4, 3, 3)])
def test_steps_are_those_of_the_formula(shape: tuple[int, ...]) -> None:
    hidden, head = nn.Parameter(torch.randn(shape)), nn.Parameter(torch.randn(2, 3))
    optimizer = Muon([hidden, head], lr=0.1, weight_decay=0.5)
    expected = hidden.detach().numpy().astype(np.float64)
    average = np.zeros_like(expected)
    for _ in range(3):
        hidden.grad, head.grad = torch.randn(shape), torch.randn(2, 3)
        gradient = hidden.grad.numpy().astype(np.float64)
        average = MOMENTUM * average + (1 - MOMENTUM) * gradient
        ahead = MOMENTUM * average + (1 - MOMENTUM) * gradient
        matrix = ahead.reshape(shape[0], -1)
        step = numpy_direction(matrix).reshape(shape) * 0.2 * math.sqrt(max(matrix.shape))
        expected = expected * (1 - 0.1 * 0.5) - 0.1 * step
        optimizer.step()
        np.testing.assert_allclose(hidden.detach().numpy(), expected, atol=2e-4)


@pytest.mark.parametrize("shape", [(12, 20), (20, 12)])
def test_steps_on_matrices_are_torchs_own_within_bfloat16(shape: tuple[int, int]) -> None:
    ours, head = nn.Parameter(torch.randn(shape)), nn.Parameter(torch.randn(2, 3))
    theirs = nn.Parameter(ours.detach().clone())
    plain = torch.optim.Muon(
        [theirs], lr=0.1, weight_decay=0.5, momentum=MOMENTUM, adjust_lr_fn="match_rms_adamw"
    )
    optimizer = Muon([ours, head], lr=0.1, weight_decay=0.5)
    before = ours.detach().clone()
    for _ in range(10):
        ours.grad, head.grad = torch.randn(shape), torch.randn(2, 3)
        theirs.grad = ours.grad.clone()
        optimizer.step()
        plain.step()
    # Torch's iteration computes in bfloat16, of eight bits: 0.4% a number.
    distance = (ours - theirs).norm() / (ours - before).norm()
    assert distance < 0.02


def test_biases_norms_and_the_last_layer_are_adamws() -> None:
    ours = ConvNet((1, 8, 8), 3, widths=(4, 6, 8))
    theirs = copy.deepcopy(ours)
    muon = build_optimizer(ours.parameters(), Recipe(optimizer="muon", lr=0.01, weight_decay=0.1))
    adamw = torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=0.1)
    for _ in range(3):
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            one.grad = torch.randn_like(one)
            other.grad = one.grad.clone()
        muon.step()
        adamw.step()
    filters = [n for n, w in ours.named_parameters() if w.ndim == 4]
    assert len(filters) == 5
    for name, weight in ours.named_parameters():
        same = torch.allclose(weight, theirs.get_parameter(name), rtol=1e-5, atol=1e-6)
        assert same == (name not in filters), name


def test_a_first_step_is_about_as_long_as_adamws() -> None:
    weight, head = nn.Parameter(torch.randn(64, 96)), nn.Parameter(torch.randn(2, 2))
    before = weight.detach().clone()
    weight.grad = torch.randn(64, 96)
    Muon([weight, head], lr=0.01).step()
    step = (weight.detach() - before).square().mean().sqrt()
    # AdamW's are of RMS 0.2 to 0.4 times the learning rate (arXiv 2502.16982, section 2.2).
    assert 0.1 * 0.01 < step < 0.4 * 0.01


def test_one_learning_rate_moves_both_halves() -> None:
    network = ThreeLayer((1, 4, 4), 3, hidden=(8, 5))
    optimizer = build_optimizer(network.parameters(), Recipe(optimizer="muon", lr=0.1))
    before = copy.deepcopy(network.state_dict())
    set_learning_rate(optimizer, 0.0)
    for weight in network.parameters():
        weight.grad = torch.randn_like(weight)
    optimizer.step()
    assert all(torch.equal(t, before[name]) for name, t in network.state_dict().items())
    set_learning_rate(optimizer, 0.1)
    optimizer.step()
    assert not any(torch.equal(t, before[name]) for name, t in network.state_dict().items())


def test_a_rate_in_a_tensor_is_the_same_rate() -> None:
    # On CUDA the rate is a tensor, so that a graph reads it anew; fused steps take both.
    results: list[list[Tensor]] = []
    for rate in (0.1, torch.tensor(0.1)):
        torch.manual_seed(1)
        network = ConvNet((1, 8, 8), 3, widths=(4, 6, 8))
        optimizer = Muon(network.parameters(), rate, weight_decay=0.1)
        for factor in (1.0, 0.5):
            set_learning_rate(optimizer, 0.1 * factor)
            for weight in network.parameters():
                weight.grad = torch.randn_like(weight)
            optimizer.step()
        results.append([weight.detach() for weight in network.parameters()])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


def test_a_network_of_one_layer_is_adamws_altogether() -> None:
    layer, same = nn.Linear(3, 2), nn.Linear(3, 2)
    same.load_state_dict(layer.state_dict())
    for network, optimizer in (
        (layer, Muon(layer.parameters(), 0.1)),
        (same, torch.optim.AdamW(same.parameters(), 0.1, weight_decay=0)),
    ):
        F.cross_entropy(network(torch.ones(1, 3)), torch.tensor([1])).backward()
        optimizer.step()
    torch.testing.assert_close(layer.weight, same.weight)


def test_what_is_frozen_stays_and_is_not_taken_for_the_last_layer() -> None:
    network = ThreeLayer((1, 4, 4), 3, hidden=(8, 5))
    network.fc1.weight.requires_grad_(False)
    optimizer = Muon(network.parameters(), 0.1)
    first, second = (w.detach().clone() for w in (network.fc1.weight, network.fc2.weight))
    F.cross_entropy(network(torch.rand(4, 1, 4, 4)), torch.tensor([0, 1, 2, 0])).backward()
    optimizer.step()
    assert torch.equal(network.fc1.weight, first)
    assert "momentum" in optimizer.state[network.fc2.weight]
    assert "exp_avg" in optimizer.state[network.fc3.weight]
    assert not torch.equal(network.fc2.weight, second)


def test_it_goes_on_from_its_saved_state_bit_for_bit() -> None:
    network = ConvNet((1, 8, 8), 3, widths=(4, 6, 8))
    x, y = torch.rand(20, 1, 8, 8), torch.randint(0, 3, (20,))

    def steps(net: nn.Module, optimizer: torch.optim.Optimizer, count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()

    recipe = Recipe(optimizer="muon", lr=0.01, weight_decay=0.01)
    first = build_optimizer(network.parameters(), recipe)
    steps(network, first, 3)
    other = copy.deepcopy(network)
    second = build_optimizer(other.parameters(), recipe)
    restore_optimizer(second, {k: t.clone() for k, t in optimizer_tensors(first).items()})
    steps(network, first, 3)
    steps(other, second, 3)
    for one, its in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, its)


def test_it_learns() -> None:
    network = ThreeLayer((1, 4, 4), 3, hidden=(16, 8))
    optimizer = Muon(network.parameters(), 0.02)
    x, y = torch.rand(60, 1, 4, 4), torch.randint(0, 3, (60,))
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.cross_entropy(network(x), y)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0] / 2
