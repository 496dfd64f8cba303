"""What is known of Fashion-MNIST itself (Xiao, Rasul, Vollgraf 2017, arXiv 1708.07747)."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fittingroom.data.dataset import DataSplits
from fittingroom.data.files import CHUNK_BYTES, file_on_disk
from fittingroom.data.passes import one_by_one
from fittingroom.errors import DataError

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

# SHA-256 (hex) of each of them, unpacked.
FILES = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}

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


def changed_files(folder: Path) -> list[Path]:
    """Return those of the four files in a folder, packed or not, whose content is another one."""
    found = [(folder / f"{name}{end}", name) for name in FILES for end in ("", ".gz")]
    return [path for path, name in found if path.is_file() and _content(path) != FILES[name]]


def _content(path: Path) -> str | None:
    """Return the SHA-256 (hex) of a file's content, unpacked; None if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with file_on_disk(path).open_content() as stream:
            while piece := stream.read(CHUNK_BYTES):
                digest.update(piece)
    except DataError:
        return None
    return digest.hexdigest()


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
