"""Where the loop's pictures are: in one tensor on the device, or in files, fetched in time.

Of pictures in files the loop asks for a few at a time and in random order, the worst way to read.
But the order of a whole epoch is known at its beginning. So the pictures of many batches to come
are fetched at once, in the order of the files, and laid out in the order they will be asked for.
The shuffling stays one of the whole set.

Beside a GPU that is done while the loop goes through those fetched before. On a CPU the loop waits:
threads that compute together all stop where one's core is taken by the reading, which takes longer
than reading with all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fittingroom.data.dataset import ImageDataset
from fittingroom.data.on_disk import ImagesOnDisk
from fittingroom.training.device import Device

# Bytes of pictures that lie in memory: a load, or two of half the size where one is on its way
# while the other is gone through. Larger ones are read faster: what is wanted lies closer together.
LOAD_BYTES = 3 * 2**28


def to_device(dataset: ImageDataset, device: Device) -> tuple[Tensor | Fetched, Tensor]:
    """Return images, uint8 (N, C, H, W), and labels, int64 (N,), on the device.

    Images that stay in files are read as a whole if they are no more than a load.
    """
    place, labels = device.torch_device, as_tensor(dataset.labels).to(device.torch_device)
    if dataset.on_disk is not None and fetched_bytes(dataset):
        return Fetched(dataset.on_disk, place, ahead=place.type != "cpu"), labels
    return as_tensor(np.asarray(dataset.images)).to(place), labels


def as_tensor(array: NDArray[Any]) -> Tensor:
    """Return an array as a tensor; copied only if it is read-only or mirrored by its strides."""
    return torch.from_numpy(np.require(array, requirements=("C", "W")))


def fetched_bytes(dataset: ImageDataset) -> int:
    """Return how much of the images lies in memory while the loop fetches them; 0 of others."""
    on_disk = dataset.on_disk
    return LOAD_BYTES if on_disk is not None and on_disk.size > LOAD_BYTES else 0


class Fetched:
    """Images in files that stand where the tensor of all images would.

    Parameters
    ----------
    images
        All of them.
    device
        Where they are wanted.
    ahead
        Whether to fetch the next while the loop goes through those fetched before.
    """

    def __init__(self, images: ImagesOnDisk, device: torch.device, *, ahead: bool) -> None:
        self.images, self.device = images, device
        # A recorded step reads at every replay from where it read when it was recorded.
        self.stays_in_place = device.type == "cuda"
        self.worker = ThreadPoolExecutor(1) if ahead else None
        self.batches: Iterator[Tensor] = iter(())
        self.load = self.shown = torch.empty(0)
        self.used = 0
        self.coming: Future[Tensor] = Future()
        self.places: dict[int, Tensor] = {}

    def begin(self, batches: Iterable[Tensor]) -> None:
        """Hear of all batches of an epoch, int64 (B,) on the CPU, in which `advance` will go."""
        self.batches = iter(batches)
        self.load, self.used = torch.empty(0), 0
        if self.worker is not None:
            self.coming = self.worker.submit(self._read_load, LOAD_BYTES // 2)

    def advance(self, count: int) -> None:
        """Turn to the next batch, which has so many images.

        Raises
        ------
        DataError
            If a file has gone since training began.
        """
        if self.used == len(self.load):
            self.load, self.used = self._next_load(), 0
        batch = self.load[self.used : self.used + count]
        self.used += count
        if self.stays_in_place:
            if count not in self.places:
                self.places[count] = torch.empty_like(batch)
            batch = self.places[count].copy_(batch)
        self.shown = batch

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Return the images of the batch that was turned to: those of these numbers."""
        del dim, index
        return self.shown

    def split(self, size: int) -> Iterator[Tensor]:
        """Go through all images in their order, so many at a time."""
        for start in range(0, len(self.images), size):
            yield torch.from_numpy(self.images[start : start + size]).to(self.device)

    def _next_load(self) -> Tensor:
        if self.worker is None:
            self.load = self.shown = torch.empty(0)  # there is room for one
            return self._read_load(LOAD_BYTES)
        load = self.coming.result().to(self.device)
        self.coming = self.worker.submit(self._read_load, LOAD_BYTES // 2)
        return load

    def _read_load(self, missing: int) -> Tensor:
        """Read the images of the batches to come, of so many bytes; of none after the last one."""
        numbers = [torch.empty(0, dtype=torch.int64)]
        for batch in self.batches:
            numbers.append(batch)
            missing -= len(batch) * self.images.size // len(self.images)
            if missing <= 0:
                break
        threads = torch.get_num_threads() if self.worker is None else 1
        return torch.from_numpy(self.images.read(torch.cat(numbers).numpy(), threads))
