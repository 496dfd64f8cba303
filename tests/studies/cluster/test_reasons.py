"""What Ray says, in one line."""

from __future__ import annotations

from fittingroom.studies.cluster.address import read_address
from fittingroom.studies.cluster.reasons import may_pass, reason_of, why_not

# What Ray 2.60 says by itself, of a cluster that was started with Python 3.12.
MISMATCH = """Version mismatch: The cluster was started with:
    Ray: 2.60.0
    Python: 3.12.1
This process on Ray Client was started with:
    Ray: 2.60.0
    Python: 3.11.7
"""


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


def test_only_what_may_pass_is_tried_again() -> None:
    assert may_pass(ConnectionAbortedError("Initialization failure from server"))
    assert may_pass(RuntimeError("The current node timed out during startup."))
    assert not may_pass(ConnectionError("ray client connection timeout"))
