"""What is known of Fashion-MNIST itself (Xiao, Rasul, Vollgraf 2017, arXiv 1708.07747)."""

from __future__ import annotations

import hashlib

from fittingroom.data.dataset import DataSplits
from fittingroom.data.passes import one_by_one

NAME = "fashion-mnist"

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

# `DataSplits.fingerprint` of the four original files, as published since 31 August 2017.
FINGERPRINT = "db070954bd6c68d0fbca4ffa7499c3ea845c017af417b542d8928923c9d60b97"
# `_unordered_fingerprint` of the same.
UNORDERED_FINGERPRINT = "8700fb1387925d09c05b68a01805cf7e2c29926ae8746474329477ed287ab6c5"

REORDERED_NOTE = (
    "These are Fashion-MNIST's pictures in another order than the original files have, "
    "as in Kaggle's CSV."
)


def has_its_shape(splits: DataSplits) -> bool:
    """Tell cheaply whether a data set can be Fashion-MNIST at all: numbers and sizes agree."""
    return (
        splits.learning.images.shape == (60_000, 1, 28, 28)
        and splits.test.images.shape == (10_000, 1, 28, 28)
        and len(splits.classes) == len(CLASSES)
    )


def is_original(splits: DataSplits) -> bool:
    """Tell by the content whether these are the original files."""
    return has_its_shape(splits) and splits.fingerprint == FINGERPRINT


def is_reordered(splits: DataSplits) -> bool:
    """Tell by the content whether these are the original's pictures and labels in any order."""
    return has_its_shape(splits) and _unordered_fingerprint(splits) == UNORDERED_FINGERPRINT


def _unordered_fingerprint(splits: DataSplits) -> str:
    """SHA-256 (hex) of the sorted digests of all pictures with their labels, part by part."""
    digest = hashlib.sha256()
    for part in (splits.learning, splits.test):
        digests = [
            hashlib.sha256(bytes([label]) + image.tobytes()).digest()
            for label, image in zip(part.labels, one_by_one(part.images), strict=True)
        ]
        digest.update(b"".join(sorted(digests)))
    return digest.hexdigest()
