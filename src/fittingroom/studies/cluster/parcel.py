"""Data on their way to the nodes of a cluster: whole, or as word of where they lie."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from fittingroom.data.dataset import DataSplits
from fittingroom.runs.diary import describe_data
from fittingroom.runs.run import load_again

Parcel = DataSplits | dict[str, Any]


def is_on_disk(splits: DataSplits) -> bool:
    """Tell whether pictures stay in their files, which may be larger than memory."""
    return splits.learning.on_disk is not None or splits.test.on_disk is not None


def size(splits: DataSplits) -> int:
    """Return how much room a node needs for what `pack` returns."""
    if is_on_disk(splits):
        return 0
    return sum(part.images.nbytes + part.labels.nbytes for part in (splits.learning, splits.test))


def pack(splits: DataSplits) -> Parcel:
    """Return what nodes get of the data: all of them, or where they lie if memory is too small.

    Every node has to reach the files of pictures that stay on disk.
    """
    if is_on_disk(splits):
        return describe_data(splits)
    # A copy, without the parts that were copied out of it here.
    return splits.with_fingerprint(splits.fingerprint)


def unpack(data: Parcel) -> DataSplits:
    """Return on a node the data that `pack` has packed."""
    return data if isinstance(data, DataSplits) else read_there(json.dumps(data))


@cache
def read_there(described: str) -> DataSplits:
    """Read data from where they lie, once for each process of a node."""
    return load_again(json.loads(described), whose="the study")
