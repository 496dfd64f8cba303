"""What a task asks of a node."""

from __future__ import annotations

from fittingroom.studies.cluster.needs import Needs


def test_what_a_run_asks_for_is_said_as_people_do() -> None:
    assert [str(needs) for needs in (Needs("cpu", 1), Needs("cpu", 4), Needs("cuda", 1, 0.1))] == [
        "1 CPU",
        "4 CPUs",
        "0.1 GPU",
    ]
    assert Needs("cuda", 4, 0.1).cpus == 0
