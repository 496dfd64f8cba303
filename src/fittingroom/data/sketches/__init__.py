"""The built-in set: garments of Fashion-MNIST's classes, drawn by the program itself.

::

    wardrobe   in which styles each class is drawn, and between which measures
    patterns   measures -> outlines of a garment's parts
    outlines   the scissors and thread that the patterns use
    canvas     outlines -> posed, framed, filled in
    fabric     weave, folds, light and grain -> grey pixels
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fittingroom.data.dataset import DataSplits, ImageDataset, Images, Labels
from fittingroom.data.fashion_mnist import CLASSES
from fittingroom.data.sketches.canvas import SIDE, paint, pose
from fittingroom.data.sketches.fabric import dye
from fittingroom.data.sketches.outlines import Array
from fittingroom.data.sketches.wardrobe import WARDROBE, Span, Style
from fittingroom.errors import DataError

NAME = "sketches"
NOTE = (
    "These pictures are sketches drawn by the program itself, not Fashion-MNIST; "
    "--data fashion-mnist downloads the real pictures, or finds their four files in ./data."
)
MARKER = "sketches.json"
MAX_PICTURES = 1_000_000

BATCH = 256  # took the least time of 64, 128, 256 and 512: cache misses against calls


def draw(train: int = 12_000, test: int = 2_000, seed: int = 0) -> DataSplits:
    """Draw a data set; the same arguments always give the same pictures.

    Training and test pictures come from independent random streams: the test pictures are the
    same for any `train`, and the other way round.

    Parameters
    ----------
    train, test
        Number of pictures of each part, 1 to 1,000,000, as evenly divided over the classes as
        can be, in shuffled order.
    seed
        0 or more.

    Returns
    -------
    DataSplits with grey pictures (N, 1, 28, 28), bright garments on black, all ten classes of
    Fashion-MNIST, and no validation pictures held back yet.

    Raises
    ------
    DataError
        If a number is out of range, or so large that memory does not hold the pictures.
    """
    _check(train=train, test=test, seed=seed)
    streams = np.random.SeedSequence(seed).spawn(2)
    try:
        learning, held_out = (
            _part(number, np.random.default_rng(stream))
            for number, stream in zip((train, test), streams, strict=True)
        )
    except MemoryError as error:
        raise DataError(
            f"{train:,} + {test:,} sketches do not fit into memory; draw fewer"
        ) from error
    return DataSplits(
        name=NAME,
        source=f"drawn with seed {seed}",
        learning=learning,
        test=held_out,
        sketches=True,
        notes=(NOTE,),
    )


def _check(*, train: int, test: int, seed: int) -> None:
    for name, number in (("training", train), ("test", test)):
        if not 1 <= number <= MAX_PICTURES:
            raise DataError(
                f"the number of {name} sketches must be 1 to {MAX_PICTURES:,}, found {number:,}"
            )
    if seed < 0:
        raise DataError(f"the seed of the sketches must be 0 or more, found {seed}")


def _part(number: int, rng: np.random.Generator) -> ImageDataset:
    labels = rng.permutation(np.arange(number, dtype=np.int64) % len(CLASSES))
    images = np.empty((number, 1, SIDE, SIDE), np.uint8)
    for style, indices in _styled(labels, rng):
        for start in range(0, len(indices), BATCH):
            batch = indices[start : start + BATCH]
            images[batch, 0] = _garments(style, len(batch), rng)
    return ImageDataset(images, labels, CLASSES)


def _styled(labels: Labels, rng: np.random.Generator) -> Iterator[tuple[Style, Labels]]:
    """Choose a style for each label; yield each style with the indices that got it."""
    for label, name in enumerate(CLASSES):
        styles = WARDROBE[name]
        indices = np.flatnonzero(labels == label)
        chosen = rng.choice(len(styles), len(indices), p=[style.share for style in styles])
        for number, style in enumerate(styles):
            yield style, indices[chosen == number]


def _garments(style: Style, number: int, rng: np.random.Generator) -> Images:
    measures = {name: _measure(span, number, rng) for name, span in style.spans.items()}
    parts = pose(style.pattern(measures), measures)
    return dye(paint(parts, number), measures, rng)


def _measure(span: Span, number: int, rng: np.random.Generator) -> Array:
    low, high, *part = span
    drawn = rng.uniform(low, high, number)
    return np.where(rng.random(number) < part[0], drawn, 0.0) if part else drawn


def write_idx(
    folder: str | os.PathLike[str], train: int = 12_000, test: int = 2_000, seed: int = 0
) -> Path:
    """Draw a data set into a folder, as Fashion-MNIST's four files.

    Beside them lie `classes.txt`, one name a line, and `sketches.json`, which says that the
    folder holds sketches and how they were drawn. Each file takes its name once it is complete.

    Parameters
    ----------
    folder
        A folder that is new, empty, or holds sketches, which are replaced.
    train, test, seed
        As for `draw`.

    Returns
    -------
    The folder.

    Raises
    ------
    DataError
        As for `draw`; or if the folder holds anything else or cannot be written.
    """
    data, folder = draw(train, test, seed), Path(folder)
    marker = {"sketches": True, "train": train, "test": test, "seed": seed, "note": NOTE}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_strangers(folder)
        # The marker comes first: pictures without it would pass for Fashion-MNIST.
        _write(folder / MARKER, (json.dumps(marker, indent=2) + "\n").encode())
        _write(folder / "classes.txt", "".join(f"{name}\n" for name in CLASSES).encode())
        for part, prefix in ((data.learning, "train"), (data.test, "t10k")):
            _write(folder / f"{prefix}-images-idx3-ubyte.gz", _idx(part.images[:, 0]))
            _write(folder / f"{prefix}-labels-idx1-ubyte.gz", _idx(part.labels.astype(np.uint8)))
    except OSError as error:
        raise DataError(f"{folder}: the sketches cannot be written: {error}") from error
    return folder


def _refuse_strangers(folder: Path) -> None:
    found = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if found and MARKER not in found:
        raise DataError(
            f"{folder}: expected a new or empty folder, or one with {MARKER}, "
            f"found {found[0]}; choose another folder for the sketches"
        )


def _idx(values: Images) -> bytes:
    """Encode an array as IDX (http://yann.lecun.com/exdb/mnist), gzipped without a date."""
    header = bytes([0, 0, 0x08, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    return gzip.compress(header + values.tobytes(), compresslevel=6, mtime=0)


def _write(path: Path, content: bytes) -> None:
    """Write a file under another name and rename it: no half-written file bears its name."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
