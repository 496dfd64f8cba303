"""What is said of a cluster that cannot be used, and what fits into one that can."""

from __future__ import annotations

import os
import sys

import pytest

from fittingroom.errors import StudyError
from fittingroom.studies.cluster.address import read_address
from fittingroom.studies.cluster.connection import (
    Cluster,
    environment,
    import_ray,
    places_of,
    reason_of,
    why_not,
)

# What Ray 2.60 says by itself, of a cluster that was started with Python 3.12.
MISMATCH = """Version mismatch: The cluster was started with:
    Ray: 2.60.0
    Python: 3.12.1
This process on Ray Client was started with:
    Ray: 2.60.0
    Python: 3.11.7
"""


def test_a_ray_that_is_not_installed_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # importing it fails then
    expected = r"pip install 'fittingroom\[cluster\]'; if that finds no Ray, there is none yet"
    with pytest.raises(StudyError, match=expected):
        import_ray()
    with pytest.raises(StudyError, match="a cluster needs Ray"), Cluster("ray"):
        pass


def test_another_version_is_said_with_both_sides() -> None:
    told = why_not(read_address("ray://head:10001"), RuntimeError(MISMATCH))
    assert told == (
        "ray://head:10001: expected a cluster with Ray 2.60.0 and Python 3.11.7, which are here, "
        "found Ray 2.60.0 and Python 3.12.1; install the same on both sides"
    )


def test_what_is_not_known_is_said_in_rays_first_line() -> None:
    told = why_not(read_address("head:1"), ConnectionError("\n  It went wrong.\nAnd much more."))
    assert told == "head:1: no connection with Ray: It went wrong"
    assert reason_of(TimeoutError()) == "TimeoutError"
    assert "no running Ray cluster" in why_not(read_address("auto"), ConnectionError("x"))


@pytest.mark.parametrize(
    ("cpus", "gpus", "expected"),
    [(1, 0, 16), (3, 0, 5), (17, 0, 0), (0, 1, 2), (0, 0.1, 20), (0, 0.3, 6), (0, 2, 1), (4, 1, 2)],
)
def test_a_node_has_room_for_whole_tasks(cpus: int, gpus: float, expected: int) -> None:
    assert places_of({"CPU": 16.0, "GPU": 2.0}, cpus, gpus) == expected
    assert places_of({}, cpus, gpus) == 0


def test_the_environment_is_as_before_and_a_persons_own_wins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MINE", "1")
    monkeypatch.delenv("OURS", raising=False)
    with environment({"MINE": "2", "OURS": "3"}):
        assert (os.environ["MINE"], os.environ["OURS"]) == ("1", "3")
    assert os.environ["MINE"] == "1"
    assert "OURS" not in os.environ
