from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import multivariate_normal

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.serving.novelty import choose, mixture, principal_components, share_beyond
from fittingroom.serving.predictor import RunPredictor

FEWEST_FLAGGED = 0.8


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


def strange(rng: np.random.Generator, real: np.ndarray) -> dict[str, np.ndarray]:
    """Draw pictures of 28x28 of kinds that a model of garments has never seen."""
    count = 400
    smooth = np.stack([gaussian_filter(rng.normal(size=(28, 28)), 2) for _ in range(count)])
    smooth -= smooth.min(axis=(1, 2), keepdims=True)
    smooth /= smooth.max(axis=(1, 2), keepdims=True)
    specks = rng.random((count, 28, 28)) < rng.uniform(0.05, 0.5, (count, 1, 1))
    kinds = {
        "noise": rng.integers(0, 256, (count, 28, 28)),
        "smooth noise": 255 * smooth,
        "specks": 255 * specks,
        "blank": np.repeat(np.arange(256), 784).reshape(-1, 28, 28),
        "digits": digits(),
        "inverted": 255 - real[:1000, 0],
    }
    return {name: pictures.astype(np.uint8)[:, None] for name, pictures in kinds.items()}


def digits() -> np.ndarray:
    """Return handwritten digits (scikit-learn's, 8x8) as large as the frame, and smaller."""
    from PIL import Image
    from sklearn.datasets import load_digits

    made = []
    for number, digit in enumerate(load_digits().images[:800]):
        side = (28, 20)[number % 2]
        small = Image.fromarray((digit / 16 * 255).astype(np.uint8))
        frame = Image.new("L", (28, 28))
        frame.paste(small.resize((side, side), Image.Resampling.BICUBIC), ((28 - side) // 2,) * 2)
        made.append(np.asarray(frame))
    return np.stack(made)


@pytest.mark.parametrize("recipe", ["fast", "notebook-two-layer"])
@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.usefixtures("isolated")
def test_what_is_no_garment_is_flagged_and_one_real_picture_in_twenty(
    fashion_mnist: DataSplits, recipe: str
) -> None:
    run = fr.train(fr.recipe(recipe), fashion_mnist, figures=False)
    predictor = RunPredictor(run, fashion_mnist)
    test = fashion_mnist.test.images

    def flagged(images: np.ndarray) -> float:
        return float((predictor.answer(images).novelty > predictor.threshold).mean())

    assert 0.04 < flagged(test) < 0.06
    found = {name: flagged(kind) for name, kind in strange(np.random.default_rng(1), test).items()}
    assert min(found.values()) >= FEWEST_FLAGGED, found
