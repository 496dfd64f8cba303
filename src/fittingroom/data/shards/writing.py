"""Write a set in shards, never holding all of it in memory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from fittingroom.data.dataset import DataSplits, ImageDataset, Images, Labels
from fittingroom.data.passes import in_pieces
from fittingroom.data.shards import index
from fittingroom.data.shards.digests import digest_files
from fittingroom.data.shards.layout import PARTS, SHARD_SIZE, Layout, Part, Shard, divide
from fittingroom.errors import DataError

# A part, the places of some of its pictures in it, rising, and these, uint8 (B, ...).
Piece = tuple[Part, Labels, Images]


OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Contents:
    """All about a set but its pictures.

    Parameters
    ----------
    image_shape
        (C, H, W).
    classes
        The K class names, in label order.
    labels
        int64, of each part.
    made_from
        Where the pictures come from, for people to read.
    sketches, notes
        As in `DataSplits`.
    """

    image_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    labels: dict[Part, Labels]
    made_from: str
    sketches: bool = False
    notes: tuple[str, ...] = ()

    def layout(self, shard_size: int) -> Layout:
        """Divide the parts into shards."""
        counts = {part: divide(len(self.labels[part]), shard_size) for part in PARTS}
        return Layout(self.image_shape, len(self.classes), counts)


def save(
    splits: DataSplits,
    folder: Path,
    shard_size: int | None = None,
    on_progress: OnProgress = lambda _done, _all: None,
) -> None:
    """Write a data set in shards, piece by piece; the other arguments are those of `write`."""
    parts: dict[Part, ImageDataset] = {"train": splits.learning, "test": splits.test}
    contents = Contents(
        splits.image_shape,
        splits.classes,
        {part: data.labels for part, data in parts.items()},
        splits.source,
        splits.sketches,
        splits.notes,
    )

    def pieces() -> Iterator[Piece]:
        for part, data in parts.items():
            start = 0
            for images in in_pieces(data.images):
                yield part, np.arange(start, start + len(images)), images
                start += len(images)

    write(folder, contents, pieces(), shard_size, on_progress)


def write(
    folder: Path,
    contents: Contents,
    pieces: Iterable[Piece],
    shard_size: int | None = None,
    on_progress: OnProgress = lambda _done, _all: None,
) -> None:
    """Write a set.

    Parameters
    ----------
    folder
        New or empty. It takes its name once the set is whole; before that it is called
        FOLDER.part, and removed if anything goes wrong.
    pieces
        All pictures, in any order.
    shard_size
        Pictures in a shard; None for 100,000.
    on_progress
        Called with the number of pictures that are written, and of all.

    Raises
    ------
    DataError
        If the folder holds anything, or the disk is full or cannot be written.
    """
    shard_size = SHARD_SIZE if shard_size is None else shard_size
    layout = contents.layout(shard_size)
    total, done = sum(map(len, contents.labels.values())), 0
    with _unfinished(folder, layout.size) as place:
        on_progress(0, total)
        shards = {part: layout.shards(part) for part in PARTS}
        for part in PARTS:
            for shard in shards[part]:
                _begin(place, shard, contents.labels[part])
        for part, indices, images in pieces:
            _put(place, shards[part], shard_size, indices, images)
            done += len(indices)
            on_progress(done, total)
        fingerprint, digests = digest_files(place, layout)
        found = index.Index(
            layout,
            contents.classes,
            fingerprint,
            digests,
            contents.made_from,
            contents.sketches,
            contents.notes,
        )
        (place / index.NAME).write_text(found.to_json(), "utf-8")


@contextmanager
def _unfinished(folder: Path, size: int) -> Iterator[Path]:
    """Give a folder that takes the name of `folder` if all goes well, and else disappears."""
    place = folder.with_name(f"{folder.name}.part")
    try:
        _make_room(folder, place, size)
        try:
            yield place
            place.rename(folder)
        finally:
            shutil.rmtree(place, ignore_errors=True)
    except OSError as error:
        raise DataError(
            f"{folder}: the set, {size:,} bytes, cannot be written: {error.strerror or error}"
        ) from error


def _make_room(folder: Path, place: Path, size: int) -> None:
    """Make the folder to write in, after a look whether anything is in the way."""
    if place.exists():
        raise DataError(
            f"{place}: there already: the set is being written by another process, or one was "
            "killed while it wrote; if it was, remove the folder"
        )
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()  # so that the finished one can take its name
    if folder.exists():
        raise DataError(
            f"{folder}: expected a new or empty folder for the set; choose another, or remove it"
        )
    place.mkdir(parents=True)
    free = shutil.disk_usage(place).free
    if free < size:
        place.rmdir()
        raise DataError(f"{folder}: the set takes {size:,} bytes, the disk has {free:,} free")


def _begin(folder: Path, shard: Shard, labels: Labels) -> None:
    """Write a shard's labels, and the file of its pictures as long as it will be."""
    ours = labels[shard.first : shard.first + shard.count]
    content = shard.labels.header + ours.astype(shard.labels.dtype).tobytes()
    (folder / shard.labels.name).write_bytes(content)
    with (folder / shard.images.name).open("wb") as stream:
        stream.write(shard.images.header)
        stream.truncate(shard.images.size)


def _put(
    folder: Path, shards: list[Shard], shard_size: int, indices: Labels, images: Images
) -> None:
    """Write pictures to their places, those that are neighbours at once."""
    owners = indices // shard_size
    new = (np.diff(indices) != 1) | (np.diff(owners) != 0)
    starts = [0, *(np.flatnonzero(new) + 1).tolist(), len(indices)]
    for number in np.unique(owners).tolist():
        file = shards[number].images
        picture = images[0].nbytes
        with (folder / file.name).open("r+b") as stream:
            for start, end in pairwise(starts):
                if owners[start] == number:
                    place = int(indices[start]) - shards[number].first
                    stream.seek(len(file.header) + place * picture)
                    stream.write(np.ascontiguousarray(images[start:end]).data)
