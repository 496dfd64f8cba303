"""The built-in set: garments of Fashion-MNIST's classes, drawn by the program itself.

::

    wardrobe   in which styles each class is drawn, and between which measures
    patterns   measures -> outlines of a garment's parts
    outlines   the scissors and thread that the patterns use
    canvas     outlines -> posed, framed, filled in
    fabric     weave, folds, light and grain -> grey pixels
    batches    in which order garments are drawn, and by several processes
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fittingroom.data.dataset import DataSplits, ImageDataset, Images
from fittingroom.data.fashion_mnist import CLASSES
from fittingroom.data.idx import encode_header
from fittingroom.data.shards.layout import PARTS, Part
from fittingroom.data.shards.writing import Contents, OnProgress, Piece, write
from fittingroom.data.sketches.batches import (
    MOST_JOBS,
    drawn,
    garments,
    in_batches,
    plan,
    shuffled_labels,
    usual_jobs,
)
from fittingroom.data.sketches.canvas import SIDE
from fittingroom.errors import DataError

NAME = "sketches"
NOTE = (
    "These pictures are sketches drawn by the program itself, not Fashion-MNIST; "
    "--data fashion-mnist downloads the real pictures, or finds their four files in ./data."
)
MARKER = "sketches.json"
MAX_PICTURES = 1_000_000
# In shards a picture takes 784 bytes of the disk, but its label and place some 30 of memory.
MAX_IN_SHARDS = 100_000_000


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
    try:
        learning, held_out = map(_part, (train, test), _streams(seed))
    except MemoryError as error:
        raise DataError(
            f"{train:,} + {test:,} sketches do not fit into memory; draw fewer"
        ) from error
    return DataSplits(
        name=NAME,
        source=_source(seed),
        learning=learning,
        test=held_out,
        sketches=True,
        notes=(NOTE,),
    )


def _source(seed: int) -> str:
    return f"drawn with seed {seed}"


def _check(*, train: int, test: int, seed: int, most: int = MAX_PICTURES) -> None:
    for name, number in (("training", train), ("test", test)):
        if not 1 <= number <= most:
            hint = "; --shards can have more" if most < number <= MAX_IN_SHARDS else ""
            raise DataError(
                f"the number of {name} sketches must be 1 to {most:,}, found {number:,}{hint}"
            )
    if seed < 0:
        raise DataError(f"the seed of the sketches must be 0 or more, found {seed}")


def _part(number: int, rng: np.random.Generator) -> ImageDataset:
    labels = shuffled_labels(number, rng)
    images = np.empty((number, 1, SIDE, SIDE), np.uint8)
    for style, indices in in_batches(labels, rng):
        images[indices, 0] = garments(style, len(indices), rng)
    return ImageDataset(images, labels, CLASSES)


def _streams(seed: int) -> tuple[np.random.Generator, np.random.Generator]:
    """Return the random numbers of the training pictures and those of the test pictures."""
    train, test = np.random.SeedSequence(seed).spawn(2)
    return np.random.default_rng(train), np.random.default_rng(test)


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
        reason = error.strerror or error
        raise DataError(f"{folder}: the sketches cannot be written: {reason}") from error
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
    content = encode_header(values.shape) + values.tobytes()
    return gzip.compress(content, compresslevel=6, mtime=0)


def _write(path: Path, content: bytes) -> None:
    """Write a file under another name and rename it: no half-written file bears its name."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_shards(
    folder: str | os.PathLike[str],
    train: int = 12_000,
    test: int = 2_000,
    seed: int = 0,
    shard_size: int | None = None,
    *,
    jobs: int | None = None,
    on_progress: OnProgress = lambda _done, _all: None,
) -> Path:
    """Draw a data set into a folder of shards, piece by piece: the same pictures as `draw`.

    Parameters
    ----------
    folder
        A folder that is new or empty.
    train, test
        As for `draw`, up to 100,000,000.
    seed
        As for `draw`.
    shard_size
        Pictures in a shard; None for 100,000.
    jobs
        Processes that draw, None for one a core. A script that has several draw needs the line
        `if __name__ == "__main__":`.
    on_progress
        Called with the number of pictures that are written, and of all.

    Returns
    -------
    The folder.

    Raises
    ------
    DataError
        If a number is out of range, or the folder holds anything or cannot be written.
    """
    _check(train=train, test=test, seed=seed, most=MAX_IN_SHARDS)
    processes = usual_jobs() if jobs is None else jobs
    if not 1 <= processes <= MOST_JOBS:
        raise DataError(f"--jobs must be 1 to {MOST_JOBS}, found {processes}")
    streams = dict(zip(PARTS, _streams(seed), strict=True))
    numbers: dict[Part, int] = {"train": train, "test": test}
    labels = {part: shuffled_labels(numbers[part], streams[part]) for part in PARTS}
    contents = Contents((1, SIDE, SIDE), CLASSES, labels, _source(seed), sketches=True)

    def pieces() -> Iterator[Piece]:
        for part in PARTS:
            for batch, images in drawn(plan(labels[part], streams[part]), processes):
                yield part, batch.indices, images

    write(Path(folder), contents, pieces(), shard_size, on_progress)
    return Path(folder)
