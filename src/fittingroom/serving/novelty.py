"""How unlike everything that a model learned from a picture is, and so whether to believe it.

Two scores see different things, and are combined:

- the distance of the network's features to the nearest of known pictures (Sun, Ming, Zhu and Li
  2022, arXiv 2204.06507);
- how improbable the pixels are under a mixture of probabilistic principal components, one part a
  class (Tipping and Bishop 1999, Neural Computation 11 (2)).

Each becomes the share of validation pictures that are as far out, a conformal p-value (Bates,
Candes, Lei, Romano and Sesia 2023, arXiv 2104.08279), and the novelty is minus the sum of the
logarithms of both (Fisher 1932). The threshold is the novelty that 5% of the validation pictures
exceed. A picture of one even tone is beyond any threshold.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fittingroom.data.dataset import Images, Labels, stratified_indices

FLAGGED = 0.05  # of real pictures
BANK = 3000  # features of known pictures that others are compared with
LEARNED_FROM = 20_000  # pictures, for the mixture
DIRECTIONS = 16  # of each part of the mixture
MOST_NUMBERS = 4_000_000  # in the bank, or in the mixture
FEWEST_OF_A_CLASS = 64  # for a part of its own
BLANK = 1000.0  # the novelty of a picture of one even tone
_LEAST_CONTRAST = 0.001  # quantile of the contrast of known pictures, half of which is none


class Novelty(nn.Module):
    """Pictures and their features in, novelty out; made by `Novelty.fit`.

    The buffers are what is known: D features, P pixels, M parts of Q directions, V validation
    pictures.
    """

    bank: Tensor  # (BANK, D), each of length 1
    means: Tensor  # (M, P), pixels 0 to 1
    directions: Tensor  # (M, P, Q), orthonormal
    weights: Tensor  # (M, Q): inverse variance along each, less that of the rest
    noise: Tensor  # (M,): variance of the rest
    offsets: Tensor  # (M,): logarithm of the determinant
    far: Tensor  # (V,): first score of the validation pictures
    rare: Tensor  # (V,): second score
    contrast: Tensor  # (): greatest less smallest pixel, 0 to 255, up to which a picture is blank

    def __init__(self, **known: Tensor) -> None:
        super().__init__()
        for name in type(self).__annotations__:
            self.register_buffer(name, known[name])

    def forward(self, images: Tensor, features: Tensor) -> Tensor:
        """Return the novelty, float32 (B,), of images, uint8 (B, C, H, W), features (B, D)."""
        pixels = images.flatten(1)
        far, rare = self.farness(features), self.rareness(pixels / 255)
        found = -(share_beyond(self.far, far).log() + share_beyond(self.rare, rare).log())
        blank = pixels.amax(dim=1).float() - pixels.amin(dim=1).float() <= self.contrast
        return torch.where(blank, torch.full_like(found, BLANK), found)

    def farness(self, features: Tensor) -> Tensor:
        """Return minus the cosine of the features and the nearest of the bank, (B,)."""
        return -(F.normalize(features.flatten(1).float()) @ self.bank.T).amax(dim=1)

    def rareness(self, pixels: Tensor) -> Tensor:
        """Return minus twice the logarithm of the mixture's likeliest part, (B,), of (B, P)."""
        middles = torch.einsum("mp,mpq->mq", self.means, self.directions)
        along = torch.einsum("bp,mpq->bmq", pixels, self.directions) - middles
        squares = pixels.square().sum(dim=1, keepdim=True) + self.means.square().sum(dim=1)
        away = squares - 2 * pixels @ self.means.T
        apart = away / self.noise + (along.square() * self.weights).sum(dim=2)
        return (apart + self.offsets).amin(dim=1)

    @classmethod
    def fit(
        cls,
        images: Images,
        labels: Labels,
        num_classes: int,
        features: Tensor,
        held_back: Images,
        held_back_features: Tensor,
    ) -> tuple[Novelty, float]:
        """Learn what is known, and return it with the threshold.

        Parameters
        ----------
        images, labels, features
            Pictures, uint8 (N, C, H, W), that the model learned from, their labels (N,) and what
            the network makes of the first of them, float32 (BANK or fewer, D).
        held_back, held_back_features
            Pictures that it did not learn from, uint8 (V, C, H, W), and float32 (V, D).
        """
        flat = torch.from_numpy(np.ascontiguousarray(images)).flatten(1)
        contrast = (flat.amax(dim=1).float() - flat.amin(dim=1).float()).quantile(_LEAST_CONTRAST)
        novelty = cls(
            bank=F.normalize(features.float()),
            far=torch.empty(0),
            rare=torch.empty(0),
            contrast=contrast / 2,
            **mixture(flat.float() / 255, torch.from_numpy(labels), num_classes),
        )
        held = torch.from_numpy(np.ascontiguousarray(held_back))
        with torch.inference_mode():
            pieces = list(zip(held.split(500), held_back_features.split(500), strict=True))
            novelty.far = torch.cat([novelty.farness(part) for _, part in pieces])
            novelty.rare = torch.cat([novelty.rareness(one.flatten(1) / 255) for one, _ in pieces])
            found = torch.cat([novelty(one, part) for one, part in pieces])
        # Out of inference mode, or the exporter could not trace what is stored.
        novelty.far, novelty.rare = novelty.far.clone(), novelty.rare.clone()
        return novelty, float(found.quantile(1 - FLAGGED))


def share_beyond(known: Tensor, scores: Tensor) -> Tensor:
    """Return the share of known scores (V,), the new one with them, that are as high: (B,)."""
    beyond = (known >= scores[:, None]).float().sum(dim=1)
    return (1 + beyond) / (1 + known.shape[0])


def mixture(pixels: Tensor, labels: Tensor, num_classes: int) -> dict[str, Tensor]:
    """Fit probabilistic principal components, one part a class, or one for all.

    One for all where a class has too few pictures, or the parts would hold too many numbers.

    Parameters
    ----------
    pixels, labels
        float32 (N, P), 0 to 1; int64 (N,).
    """
    count = torch.bincount(labels, minlength=num_classes)
    size = pixels.shape[1]
    apart = count.min() >= FEWEST_OF_A_CLASS and num_classes * size * 2 <= MOST_NUMBERS
    parts = [pixels[labels == label] for label in range(num_classes)] if apart else [pixels]
    rank = min(DIRECTIONS, MOST_NUMBERS // (len(parts) * size), min(map(len, parts)) // 4, size - 1)
    fitted = [principal_components(part, max(1, rank)) for part in parts]
    return {name: torch.stack([part[name] for part in fitted]) for name in fitted[0]}


def principal_components(pixels: Tensor, rank: int) -> dict[str, Tensor]:
    """Fit probabilistic principal components to pixels, float32 (N, P): Tipping and Bishop's (8).

    What the directions leave over is spread evenly, but never none: even the corners of pictures
    that are always black may hold something once.
    """
    mean = pixels.mean(dim=0)
    away = pixels - mean
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        _, values, directions = torch.svd_lowrank(away, q=rank, niter=4)
    variances = (values.square() / len(pixels)).clamp_min(1e-6)
    rest = away.square().mean(dim=0).sum() - variances.sum()
    noise = (rest / max(pixels.shape[1] - rank, 1)).clamp_min(1e-5)
    variances = torch.maximum(variances, noise)
    offset = variances.log().sum() + (pixels.shape[1] - rank) * noise.log()
    return {
        "means": mean,
        "directions": directions.contiguous(),
        "weights": 1 / variances - 1 / noise,
        "noise": noise,
        "offsets": offset,
    }


def choose(labels: Labels, size: int, num_classes: int, seed: int = 0) -> Labels:
    """Draw so many pictures, or all if there are fewer, each class in proportion, in any order."""
    chosen = stratified_indices(labels, min(size, len(labels)), num_classes, seed)
    return np.random.default_rng(seed).permutation(chosen).astype(np.int64)
