"""How many tasks fit into a cluster."""

from __future__ import annotations

import pytest

from fittingroom.studies.cluster.connection import places_of


@pytest.mark.parametrize(
    ("cpus", "gpus", "expected"),
    [(1, 0, 16), (3, 0, 5), (17, 0, 0), (0, 1, 2), (0, 0.1, 20), (0, 0.3, 6), (0, 2, 1), (4, 1, 2)],
)
def test_a_node_has_room_for_whole_tasks(cpus: int, gpus: float, expected: int) -> None:
    assert places_of({"CPU": 16.0, "GPU": 2.0}, cpus, gpus) == expected
    assert places_of({}, cpus, gpus) == 0
