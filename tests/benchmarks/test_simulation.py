"""A simulated study obeys what must hold of any: nothing lost, nothing twice, no magic."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation import HEAD, Farm, Simulation, rows


def seconds(farm: Farm, runs: int, seed: int = 0) -> float:
    return Simulation(farm, runs, seed).run().seconds


@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 60))
def test_without_overhead_equal_runs_fill_the_slots_in_rounds(
    machines: int, slots: int, runs: int
) -> None:
    farm = Farm(machines=machines, slots=slots, run_seconds=10)
    outcome = Simulation(farm, runs).run()
    rounds = math.ceil(runs / (machines * slots))
    assert outcome.seconds == pytest.approx(10 * rounds)
    assert outcome.begun == runs
    assert outcome.useful == pytest.approx(runs / (rounds * machines * slots))


def test_the_driver_holds_up_a_farm_that_is_faster_than_it_writes() -> None:
    farm = Farm(machines=100, slots=10, run_seconds=1, result_seconds=0.5)
    assert seconds(farm, 2000) == pytest.approx(1 + 2000 * 0.5)


def test_data_reach_twice_as_many_machines_with_each_transfer() -> None:
    farm = Farm(machines=8, data_bytes=100, bytes_a_second=100)
    assert [farm.transfer_seconds(m) for m in range(8)] == [1, 2, 2, 3, 3, 3, 3, 4]


@given(st.integers(0, 1000))
def test_failures_lose_time_and_no_run(seed: int) -> None:
    steady = Farm(machines=4, slots=2, run_seconds=600, repair_seconds=60)
    failing = Farm(machines=4, slots=2, run_seconds=600, repair_seconds=60, failures_an_hour=1)
    outcome = Simulation(failing, 40, seed).run()
    assert outcome.begun >= 40
    assert outcome.seconds >= seconds(steady, 40)
    assert outcome.useful * outcome.slot_hours * 3600 == pytest.approx(40 * 600)


def test_times_have_the_mean_and_the_spread_that_were_asked_for() -> None:
    simulation = Simulation(Farm(run_seconds=60, spread=0.3), 1)
    drawn = [simulation._draw_seconds() for _ in range(20_000)]
    assert statistics.mean(drawn) == pytest.approx(60, rel=0.01)
    assert statistics.stdev(drawn) == pytest.approx(18, rel=0.03)


def test_one_failure_costs_what_exponential_times_say() -> None:
    """Work T that begins again at failures of rate r takes (e^(r T) - 1) / r: here e - 1 hours."""
    farm = Farm(machines=1, slots=1, run_seconds=3600, failures_an_hour=1, repair_seconds=0)
    hours = [seconds(farm, 50, seed) / 3600 / 50 for seed in range(40)]
    assert statistics.mean(hours) == pytest.approx(math.e - 1, rel=0.05)


def test_the_page_has_the_table_that_the_simulation_prints() -> None:
    from measuring import table

    page = (Path(__file__).parents[2] / "docs" / "scale.md").read_text("utf-8")
    assert "\n".join(table(HEAD, rows())) in page
