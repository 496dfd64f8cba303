"""Where the loop's pictures are: in one tensor on the device, or in files, fetched in time.

Of pictures in files the loop asks for a few at a time and in random order, the worst way to read.
But the order of a whole epoch is known at its beginning. So the pictures of many batches to come
are fetched at once, in the order of the files, and laid out in the order they will be asked for;
meanwhile the loop goes through those fetched before. The shuffling stays one of the whole set.
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

# Bytes of pictures that are fetched at once. Two such loads lie in memory: one is gone through,
# one is on its way. Larger ones are read faster, for what is wanted lies closer together.
LOAD_BYTES = 3 * 2**27


def to_device(dataset: ImageDataset, device: Device) -> tuple[Tensor | Fetched, Tensor]:
    """Return images, uint8 (N, C, H, W), and labels, int64 (N,), on the device.

    Images that stay in files are read as a whole if they are no more than a load.
    """
    place, labels = device.torch_device, as_tensor(dataset.labels).to(device.torch_device)
    if dataset.on_disk is not None and fetched_bytes(dataset):
        return Fetched(dataset.on_disk, place), labels
    return as_tensor(np.asarray(dataset.images)).to(place), labels


def as_tensor(array: NDArray[Any]) -> Tensor:
    """Return an array as a tensor; copied only if it is read-only or mirrored by its strides."""
    return torch.from_numpy(np.require(array, requirements=("C", "W")))


def fetched_bytes(dataset: ImageDataset) -> int:
    """Return how much of the images lies in memory while the loop fetches them; 0 of others."""
    on_disk = dataset.on_disk
    return 2 * LOAD_BYTES if on_disk is not None and on_disk.size > LOAD_BYTES else 0


class Fetched:
    """Images in files that stand where the tensor of all images would.

    Parameters
    ----------
    images
        All of them.
    device
        Where they are wanted.
    """

    def __init__(self, images: ImagesOnDisk, device: torch.device) -> None:
        self.images, self.device = images, device
        # A recorded step reads at every replay from where it read when it was recorded.
        self.stays_in_place = device.type == "cuda"
        self.worker = ThreadPoolExecutor(1)
        self.batches: Iterator[Tensor] = iter(())
        self.load = self.shown = torch.empty(0)
        self.used = 0
        self.coming: Future[Tensor] = Future()
        self.places: dict[int, Tensor] = {}

    def begin(self, batches: Iterable[Tensor]) -> None:
        """Hear of all batches of an epoch, int64 (B,) on the CPU, in which `advance` will go."""
        self.batches = iter(batches)
        self.load, self.used = torch.empty(0), 0
        self.coming = self.worker.submit(self._read_load, self.batches)

    def advance(self, count: int) -> None:
        """Turn to the next batch, which has so many images.

        Raises
        ------
        DataError
            If a file has gone since training began.
        """
        if self.used == len(self.load):
            self.load = self.coming.result().to(self.device)
            self.used = 0
            self.coming = self.worker.submit(self._read_load, self.batches)
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

    def _read_load(self, batches: Iterator[Tensor]) -> Tensor:
        """Read the images of as many batches as a load has; of none after the last one."""
        numbers, missing = [torch.empty(0, dtype=torch.int64)], LOAD_BYTES
        for batch in batches:
            numbers.append(batch)
            missing -= len(batch) * self.images.size // len(self.images)
            if missing <= 0:
                break
        return torch.from_numpy(self.images[torch.cat(numbers).numpy()])
