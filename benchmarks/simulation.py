"""A study on many machines, simulated: when it is done, what it costs, what holds it up.

    python benchmarks/simulation.py        prints the table of docs/scale.md

Discrete events. A machine is ready once its processes have started and the data have arrived;
machines that have them pass them on, so their number doubles with each transfer. Each of its slots
takes the next run. A result goes to the driver, which writes one after the other. A machine that
fails loses the runs it was at; they are done again elsewhere, and it comes back empty.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from measuring import table


@dataclass(frozen=True)
class Farm:
    """Machines of one kind, and what a run is on them.

    Parameters
    ----------
    machines, slots
        How many, and runs side by side on each.
    run_seconds
        Mean time of a run in a slot.
    spread
        Its standard deviation as a share of the mean; times are log-normal.
    start_seconds
        From the command until a machine's processes are ready.
    data_bytes, bytes_a_second
        What each machine needs before its first run, and how fast one sends it to another.
    result_seconds
        The driver's work for each run; it does one at a time.
    failures_an_hour
        Of each machine; times between failures are exponential.
    repair_seconds
        Until a machine that failed begins to start again.
    """

    machines: int = 1
    slots: int = 2
    run_seconds: float = 60.0
    spread: float = 0.0
    start_seconds: float = 0.0
    data_bytes: float = 0.0
    bytes_a_second: float = 125e6
    result_seconds: float = 0.0
    failures_an_hour: float = 0.0
    repair_seconds: float = 300.0

    def transfer_seconds(self, machine: int) -> float:
        """Return when a machine, counted from 0, has the data, since processes are ready."""
        return (machine + 1).bit_length() * self.data_bytes / self.bytes_a_second


@dataclass(frozen=True)
class Outcome:
    """What a simulated study came to.

    Parameters
    ----------
    seconds
        Until the last result was written.
    begun
        Runs that were begun, those that a failure cut off included.
    useful
        Share of the slots' time that went into runs that were finished, 0 to 1.
    slot_hours
        What was paid for: slots x time.
    """

    seconds: float
    begun: int
    useful: float
    slot_hours: float


class Event(NamedTuple):
    """Something that happens to a machine, unless it fails before."""

    when: float
    order: int  # of two at one moment, the one that was planned first
    machine: int
    life: int  # how often the machine had failed when this was planned
    what: Literal["ready", "failure", "trained"]
    run: int = -1
    work: float = 0.0


class Simulation:
    """A study of so many runs on a farm.

    Parameters
    ----------
    farm
        What it runs on.
    runs
        How many there are to do.
    seed
        Of the times of runs and failures.
    """

    def __init__(self, farm: Farm, runs: int, seed: int = 0) -> None:
        self.farm = farm
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.waiting = deque(range(runs))
        self.missing = runs
        self.idle = [0] * farm.machines
        self.lives = [0] * farm.machines
        self.at_work: list[set[int]] = [set() for _ in range(farm.machines)]
        self.begun, self.worked, self.driver_free = 0, 0.0, 0.0
        self.events: list[Event] = []
        self.planned = itertools.count()

    def run(self) -> Outcome:
        """Let time pass until every run is written; return what it came to."""
        farm = self.farm
        for machine in range(farm.machines):
            self._plan(farm.start_seconds + farm.transfer_seconds(machine), machine, "ready")
        while self.missing:
            event = heapq.heappop(self.events)
            if event.life == self.lives[event.machine]:
                self._happen(event)
        slots = farm.machines * farm.slots
        return Outcome(
            seconds=self.driver_free,
            begun=self.begun,
            useful=self.worked / (slots * self.driver_free),
            slot_hours=slots * self.driver_free / 3600,
        )

    def _happen(self, event: Event) -> None:
        machine, now = event.machine, event.when
        match event.what:
            case "ready":
                self.idle[machine] = self.farm.slots
                if self.farm.failures_an_hour:
                    hours = self.random.expovariate(self.farm.failures_an_hour)
                    self._plan(now + 3600 * hours, machine, "failure")
                self._give_work(now, [machine])
            case "trained":
                self.at_work[machine].remove(event.run)
                self.idle[machine] += 1
                self.missing -= 1
                self.worked += event.work
                self.driver_free = max(self.driver_free, now) + self.farm.result_seconds
                self._give_work(now, [machine])
            case "failure":
                self._fail(now, machine)
                self._give_work(now, range(self.farm.machines))

    def _fail(self, now: float, machine: int) -> None:
        self.waiting.extendleft(self.at_work[machine])
        self.at_work[machine], self.idle[machine] = set(), 0
        self.lives[machine] += 1
        back = now + self.farm.repair_seconds + self.farm.start_seconds
        self._plan(back + self.farm.transfer_seconds(0), machine, "ready")

    def _give_work(self, now: float, machines: Iterable[int]) -> None:
        """Let the idle slots of these machines take runs."""
        for machine in machines:
            while self.idle[machine] and self.waiting:
                run, work = self.waiting.popleft(), self._draw_seconds()
                self.begun += 1
                self.idle[machine] -= 1
                self.at_work[machine].add(run)
                self._plan(now + work, machine, "trained", run, work)

    def _plan(
        self,
        when: float,
        machine: int,
        what: Literal["ready", "failure", "trained"],
        run: int = -1,
        work: float = 0.0,
    ) -> None:
        event = Event(when, next(self.planned), machine, self.lives[machine], what, run, work)
        heapq.heappush(self.events, event)

    def _draw_seconds(self) -> float:
        """Draw a log-normal time with the farm's mean and spread."""
        farm = self.farm
        variance = math.log1p(farm.spread**2)
        return self.random.lognormvariate(
            math.log(farm.run_seconds) - variance / 2, math.sqrt(variance)
        )


# What a run takes of one core, in seconds: the medians of docs/speed.md, rows study-of-seeds (a run
# of the study, two of them side by side) and convnet-92 (on two threads), twice each.
RUN_SECONDS = {"three-layer, 15 epochs": 2 * 7.36, "convnet-92": 2 * 56.1}

# Measured (row cluster): a Ray started here begins with the runs after 28 s, and each further run
# takes 0.063 s of the driver's time. Assumed: other clusters are up as soon, a network of 1 Gbit/s,
# and, of machines that may be taken away, one loss in six hours each.
FARM = Farm(
    slots=2,
    spread=0.15,
    start_seconds=28,
    data_bytes=55e6,
    bytes_a_second=125e6,
    result_seconds=0.063,
)
LOSSES_AN_HOUR = 1 / 6

RUNS = (10, 1_000, 100_000)
MACHINES = (1, 10, 100)
HEAD = ("runs", "of", "machines", "time", "core hours", "useful", "time, machines that are lost")


def rows() -> list[tuple[str, ...]]:
    """Simulate every case of the table; what nobody would do is left out."""
    found: list[tuple[str, ...]] = []
    for (recipe, seconds), runs, machines in itertools.product(RUN_SECONDS.items(), RUNS, MACHINES):
        if runs >= 5 * machines and runs <= 5_000 * machines:
            farm = replace(FARM, machines=machines, run_seconds=seconds)
            outcome = Simulation(farm, runs).run()
            losing = Simulation(replace(farm, failures_an_hour=LOSSES_AN_HOUR), runs).run()
            found.append(
                (
                    f"{runs:,}",
                    recipe,
                    f"{machines:,}",
                    written(outcome.seconds),
                    f"{outcome.slot_hours:,.1f}",
                    f"{outcome.useful:.0%}",
                    written(losing.seconds),
                )
            )
    return found


def written(seconds: float) -> str:
    """Write a time: "45 s", "12 min", "3.4 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    print(*table(HEAD, rows()), sep="\n")
