from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from fittingroom.serving.novelty import choose, mixture, principal_components, share_beyond


def test_the_share_beyond_counts_the_new_one_among_those_known() -> None:
    known = torch.tensor([1.0, 2.0, 3.0, 4.0])
    shares = share_beyond(known, torch.tensor([0.0, 2.5, 4.0, 9.0]))
    assert shares.tolist() == pytest.approx([1.0, 3 / 5, 2 / 5, 1 / 5])


def test_principal_components_give_the_density_of_the_gaussian_that_they_stand_for() -> None:
    rng = np.random.default_rng(0)
    spread = np.diag([9.0, 4.0, 0.25, 0.25, 0.25])
    pixels = rng.multivariate_normal(np.arange(5.0), spread, 4000).astype(np.float32)
    found = principal_components(torch.from_numpy(pixels), 2)
    direction, noise = found["directions"], float(found["noise"])
    variances = 1 / (found["weights"] + 1 / found["noise"])
    covariance = direction @ torch.diag(variances - noise) @ direction.T + noise * torch.eye(5)
    gaussian = multivariate_normal(found["means"].numpy(), covariance.double().numpy())
    away = torch.from_numpy(pixels[:50]) - found["means"]
    along = (away @ direction).square() @ found["weights"]
    ours = away.square().sum(dim=1) / noise + along + found["offsets"]
    expected = -2 * gaussian.logpdf(pixels[:50]) - 5 * np.log(2 * np.pi)
    assert np.allclose(ours.numpy(), expected, rtol=1e-3, atol=1e-2)
    assert np.allclose(covariance.numpy(), spread, atol=0.6)


def test_few_pictures_of_a_class_make_one_part_for_all() -> None:
    pixels, labels = torch.rand(200, 12), torch.arange(200) % 2
    assert len(mixture(pixels, labels, 2)["means"]) == 2
    labels[:] = 0
    labels[:5] = 1
    assert len(mixture(pixels, labels, 2)["means"]) == 1


def test_pictures_are_drawn_by_class_and_in_any_order() -> None:
    labels = np.repeat(np.arange(4), 100)
    drawn = choose(labels, 40, 4)
    assert np.bincount(labels[drawn]).tolist() == [10, 10, 10, 10]
    assert (np.diff(drawn) < 0).any()
    assert sorted(choose(labels, 1000, 4)) == list(range(400))
