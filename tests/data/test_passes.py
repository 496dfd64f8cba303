from __future__ import annotations

import numpy as np
import pytest

from fittingroom.data import passes
from fittingroom.data.passes import count_values, in_pieces, one_by_one


@pytest.mark.parametrize("piece_bytes", [1, 25, 2**22])
def test_every_picture_is_passed_once_and_in_order(
    monkeypatch: pytest.MonkeyPatch, piece_bytes: int
) -> None:
    monkeypatch.setattr(passes, "PIECE_BYTES", piece_bytes)
    images = np.random.default_rng(0).integers(0, 256, (11, 3, 2, 2), np.uint8)
    np.testing.assert_array_equal(np.concatenate(list(in_pieces(images))), images)
    np.testing.assert_array_equal(np.stack(list(one_by_one(images))), images)
    counts = count_values(images)
    for channel in range(3):
        values, expected = np.unique(images[:, channel], return_counts=True)
        assert counts[channel].sum() == images[:, channel].size
        np.testing.assert_array_equal(counts[channel][values], expected)


def test_no_pictures_are_no_pieces() -> None:
    assert list(in_pieces(np.empty((0, 1, 2, 2), np.uint8))) == []
