"""What nodes get of the data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.data.shards.writing import save
from fittingroom.errors import DataError
from fittingroom.studies.cluster import parcel


def test_data_on_disk_are_read_where_they_lie_and_others_travel_without_copies(
    shapes: DataSplits, tmp_path: Path
) -> None:
    shapes.train  # noqa: B018 - a copy that is kept
    sent = parcel.pack(shapes)
    assert isinstance(sent, DataSplits)
    assert vars(sent).keys() - vars(DataSplits("", "", shapes.learning, shapes.test)).keys() == {
        "fingerprint"
    }
    save(shapes, tmp_path / "there", 100)
    described = parcel.pack(fr.load(tmp_path / "there"))
    assert isinstance(described, dict)
    assert parcel.read_there(json.dumps(described)).fingerprint == shapes.fingerprint
    (tmp_path / "there").rename(tmp_path / "elsewhere")
    parcel.read_there.cache_clear()
    with pytest.raises(DataError, match="there"):
        parcel.read_there(json.dumps(described))
