"""A study on a cluster: hand its runs out, hear how they go, write them into the study's folder.

Who hands them out holds the locks of the runs that are under way, as a process does that trains
them itself: so two commands share a study wherever each of them has its runs trained. A node
trains in a folder of its own for the time, and what it says are files of run folders: run.json as
a run begins, the history as it goes on, everything at its end. So whoever looks at the study's
folder sees the same as if the runs were trained here.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DeviceError, RunError, StudyError
from fittingroom.runs import folder as files
from fittingroom.runs.diary import describe_data
from fittingroom.runs.run import Run, load_again
from fittingroom.studies.cluster.address import OWN, knock, read_address
from fittingroom.studies.cluster.connection import Cluster, Ended, import_ray
from fittingroom.studies.cluster.node import Post, Printed, Said
from fittingroom.studies.plan import StudyPlan
from fittingroom.studies.study import RUNS
from fittingroom.studies.work import Portion, clear, cpu_cores, do_runs, is_done, portions
from fittingroom.training.device import Device
from fittingroom.training.history import Epoch, Progress

DEVICES = ("auto", "cpu", "cuda")

# How often a portion of runs is handed out before its loss is no accident.
MOST_TRIES = 4

POLL_SECONDS = 0.5
HISTORY_SECONDS = 1.0

# After this long without a run that has begun, a person wants to know what is waited for.
PATIENCE_SECONDS = 30.0

File = tuple[str, str, bytes]  # the run's name, the file's name, its content
Listener = Callable[[str], None]


@dataclass(frozen=True)
class Needs:
    """What each task of a study asks of a node.

    Parameters
    ----------
    device
        cpu or cuda.
    threads
        CPU threads; a task on a CPU has as many cores to itself.
    gpus
        GPUs, or the share of one, of a task on cuda; 0 on a CPU.
    """

    device: str
    threads: int
    gpus: float = 0

    @property
    def cpus(self) -> int:
        """CPU cores that are the task's own; one on a GPU takes what it needs."""
        return 0 if self.gpus else self.threads

    def __str__(self) -> str:
        number, thing = (self.gpus, "GPU") if self.gpus else (self.cpus, "CPU")
        return f"{number:g} {thing}" + ("s" if number > 1 else "")


def check_cluster(address: str, device: str, gpus_per_run: float | None) -> Device:
    """See that runs can be sent to a cluster, before the data are read.

    Returns
    -------
    A device as its nodes may have it.

    Raises
    ------
    StudyError
        If Ray is not installed or no cluster answers, or a run cannot have so much of a GPU.
    DeviceError
        If the device is none that a cluster has.
    """
    place = read_address(address)
    if device not in DEVICES:
        raise DeviceError(
            f"device must be {', '.join(DEVICES[:-1])} or {DEVICES[-1]} on a cluster, which itself "
            f"chooses the GPU, found {device!r}"
        )
    if gpus_per_run is not None:
        check_share(gpus_per_run, device)
    import_ray()
    knock(place)
    return device_of("cpu" if device == "cpu" else "cuda")


def device_of(kind: str) -> Device:
    """Return a device of this kind, whether or not there is one here."""
    import torch

    return Device(torch.device(kind))


def check_share(gpus_per_run: float, device: str) -> None:
    """See that a run can have so much of a GPU."""
    if device == "cpu":
        raise StudyError("gpus_per_run is for runs on a GPU, found device 'cpu'; leave one out")
    # Ray shares a GPU in ten-thousandths.
    if not (1e-4 <= gpus_per_run <= 1 or (gpus_per_run > 1 and gpus_per_run == int(gpus_per_run))):
        raise StudyError(
            f"gpus_per_run must be a share of a GPU, 0.0001 to 1, or a number of them, "
            f"found {gpus_per_run}"
        )


def settle_needs(cluster: Cluster, device: str, threads: int, gpus_per_run: float | None) -> Needs:
    """Return what a run asks of a node: of a GPU, if there are any.

    Raises
    ------
    DeviceError
        If a Ray that was started here has no GPU for it.
    """
    if device == "cpu" or (device == "auto" and gpus_per_run is None and not cluster.gpus):
        return Needs("cpu", threads)
    if cluster.address.text == OWN and not cluster.gpus:
        raise DeviceError("device 'cuda' is not available here: Ray finds no GPU; leave it out")
    return Needs("cuda", threads, gpus_per_run or 1)


def work_remotely(
    address: str,
    folder: Path,
    plan: StudyPlan,
    splits: DataSplits,
    pulse: Callable[[], None] = lambda: None,
    *,
    device: str = "auto",
    threads: int = 1,
    gpus_per_run: float | None = None,
    jobs: int | None = None,
    stack: int | None = None,
    on_line: Listener = lambda _line: None,
) -> None:
    """Have a cluster do every run of a study that nobody else does; return when all are done.

    Parameters
    ----------
    address
        "ray" for a Ray that is started here, or where a cluster runs.
    folder, plan, splits
        The study's.
    pulse
        Called about twice a second; what it raises ends the work.
    device
        auto, cpu or cuda.
    threads
        CPU threads of each task.
    gpus_per_run
        GPUs, or which share of one, each task has; None for one.
    jobs
        How many tasks are handed out at a time; None for what the cluster has room for.
    stack
        Runs of a setting to train at once; None for as many as is fastest.
    on_line
        Called with each line that a run prints, and with what is waited for.

    Raises
    ------
    FittingroomError
        If a run fails for another reason than that its loss diverged, or is lost too often.
    """
    models = [setting.recipe.model for setting in plan.settings]
    with Cluster(
        address,
        cpus=max(cpu_cores(), threads),
        store_bytes=bytes_to_send(splits),
        modules=[model.partition(":")[0] for model in models if ":" in model],
    ) as cluster:
        needs = settle_needs(cluster, device, threads, gpus_per_run)
        side_by_side = jobs or max(cluster.places(needs.cpus, needs.gpus), 1)
        device_there = device_of(needs.device)
        waiting = portions(folder, plan, splits, device_there, side_by_side, stack)
        with Errands(cluster, folder, splits, needs, on_line) as errands:
            errands.send_all(waiting, jobs, pulse)


class Errands:
    """Portions of a study's runs that a cluster works on; leaving gives up those not finished.

    Parameters
    ----------
    cluster, folder, splits, needs, on_line
        As `work_remotely` has them.
    """

    def __init__(
        self, cluster: Cluster, folder: Path, splits: DataSplits, needs: Needs, on_line: Listener
    ) -> None:
        self.cluster, self.folder, self.needs, self.on_line = cluster, folder, needs, on_line
        self.data = cluster.share(to_send(splits))
        self.under_way: dict[int, tuple[Portion, int]] = {}  # ticket -> portion, which try it is
        self.patient_until = time.monotonic() + PATIENCE_SECONDS

    def __enter__(self) -> Errands:
        return self

    def __exit__(self, *_error: object) -> None:
        for portion, _ in self.under_way.values():
            with portion.locks, suppress(RunError):  # the first error is the one to hear of
                self.clear(portion)

    def send_all(
        self, waiting: Iterator[Portion | None], most: int | None, pulse: Callable[[], None]
    ) -> None:
        """Hand out one portion after the other, at `most` so many at a time, until all are done."""
        more = True
        while more or self.under_way:
            while more and len(self.under_way) < (most or self.room()):
                portion = next(waiting, END)
                if not isinstance(portion, Portion):
                    more = portion is not END  # None: others have what is left, for now
                    break
                self.send(portion)
            for event in self.cluster.poll(POLL_SECONDS):
                self.receive(event)
            self.say_if_nothing_begins()
            pulse()

    def room(self) -> int:
        """Return how many portions may be under way: as many wait as are worked on.

        So no place is idle while a result travels, a cluster that grows with what waits does
        grow, and something is left for another command that shares the study.
        """
        return 2 * max(self.cluster.places(self.needs.cpus, self.needs.gpus), 1)

    def send(self, portion: Portion, attempt: int = 1) -> None:
        """Hand out a portion."""
        self.clear(portion)
        ticket = self.cluster.start(
            train_there,
            self.data,
            Portion(portion.setting, portion.seeds),  # the locks stay here
            self.needs,
            cpus=self.needs.cpus,
            gpus=self.needs.gpus,
        )
        self.under_way[ticket] = (portion, attempt)

    def clear(self, portion: Portion) -> None:
        """Remove what there is of a portion's runs that have not ended."""
        for seed in portion.seeds:
            if not is_done(self.folder, portion.setting, seed):
                clear(self.folder, portion.setting, seed)

    def receive(self, event: Said | Printed | Ended) -> None:
        """Do what an event asks for."""
        self.patient_until = math.inf
        portion, _ = self.under_way[event.ticket]
        if isinstance(event, Printed):
            self.on_line(f"{called(portion)}: {event.line}")
        elif isinstance(event, Said):
            self.write(event.message)
        else:
            self.finish(event)

    def finish(self, event: Ended) -> None:
        """Keep what a task has brought, or hand its portion out again.

        Raises
        ------
        FittingroomError
            If its function did, or it is lost once more than can be accident.
        """
        portion, attempt = self.under_way[event.ticket]
        if event.error is not None:
            raise event.error
        if not event.lost:
            self.write(event.value)
            portion.locks.close()
        elif attempt < MOST_TRIES:
            self.on_line(f"{called(portion)}: lost, and done again: {event.lost}")
            self.send(portion, attempt + 1)
        else:
            raise StudyError(
                f"{called(portion)}: given up after {MOST_TRIES} tries, each of which ended with "
                f"its process or node: {event.lost}; give the same command again to go on"
            )
        del self.under_way[event.ticket]

    def write(self, brought: Sequence[File]) -> None:
        """Write files of runs into the study's folder, one after the other."""
        for run, name, content in brought:
            place = self.folder / RUNS / run
            place.mkdir(exist_ok=True)
            files.write_whole(place / name, content)

    def say_if_nothing_begins(self) -> None:
        """Say once what is waited for, if it takes long until the first run begins."""
        if self.under_way and time.monotonic() > self.patient_until:
            self.patient_until = math.inf
            places = self.cluster.places(self.needs.cpus, self.needs.gpus)
            self.on_line(
                f"waiting for {self.cluster.address.text}: each run asks a node for {self.needs}, "
                f"and the cluster has room for {places} of them when nobody else uses it"
            )


END = object()


def called(portion: Portion) -> str:
    """Name a portion's runs for people."""
    few = ", ".join(map(str, portion.seeds))
    return f"{portion.setting.name}, seed{'s' if len(portion.seeds) > 1 else ''} {few}"


def is_on_disk(splits: DataSplits) -> bool:
    """Tell whether pictures stay in their files, which may be larger than memory."""
    return splits.learning.on_disk is not None or splits.test.on_disk is not None


def bytes_to_send(splits: DataSplits) -> int:
    """Return how much room a node needs for what `to_send` returns."""
    if is_on_disk(splits):
        return 0
    return sum(part.images.nbytes + part.labels.nbytes for part in (splits.learning, splits.test))


def to_send(splits: DataSplits) -> DataSplits | dict[str, Any]:
    """Return what nodes get of the data: all of them, or where they lie if memory is too small.

    Every node has to reach the files of pictures that stay on disk.
    """
    if is_on_disk(splits):
        return describe_data(splits)
    bare = replace(splits)  # without parts that were copied out of it here
    vars(bare)["fingerprint"] = splits.fingerprint
    return bare


def train_there(
    post: Post, data: DataSplits | dict[str, Any], portion: Portion, needs: Needs
) -> list[File]:
    """Train runs on a node; return the files of their folders, run.json after all others."""
    import torch

    torch.set_num_threads(needs.threads)
    # The node's processes share the pictures, which nothing writes to.
    warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
    splits = unpack(data)
    reporter = Reporter(post)
    with tempfile.TemporaryDirectory(prefix="fittingroom-") as folder:
        do_runs(
            Path(folder),
            portion,
            splits,
            needs.device,
            on_start=reporter.begin,
            on_progress=reporter.go_on,
        )
        paths = [path for path in Path(folder, RUNS).glob("*/*") if path.is_file()]
        paths.sort(key=lambda path: path.name == files.RECORD)
        return [file_of(path) for path in paths]


def file_of(path: Path) -> File:
    """Read a file of a run's folder."""
    return path.parent.name, path.name, path.read_bytes()


def unpack(data: DataSplits | dict[str, Any]) -> DataSplits:
    """Return on a node the data that `to_send` has sent."""
    return data if isinstance(data, DataSplits) else read_there(json.dumps(data))


@cache
def read_there(described: str) -> DataSplits:
    """Read data from where they lie, once for each process of a node."""
    return load_again(json.loads(described), whose="the study")


class Reporter:
    """Says how the runs of a portion go on, as files of their folders.

    Parameters
    ----------
    post
        Of the task.
    """

    def __init__(self, post: Post) -> None:
        self.post = post
        self.first: Run | None = None
        self.history: list[Epoch] = []
        self.next_time = 0.0

    def begin(self, run: Run) -> None:
        """Say that a run begins."""
        self.first = self.first or run
        self.post.send([file_of(run.folder / files.RECORD)])

    def go_on(self, progress: Progress) -> None:
        """Say about once a second how far the first run is: of the others no epochs are told."""
        if progress.finished is None or self.first is None:
            return
        self.history.append(progress.finished)
        if time.monotonic() >= self.next_time:
            self.next_time = time.monotonic() + HISTORY_SECONDS
            path = self.first.folder / files.HISTORY
            files.write_json_lines(path, (epoch.to_dict() for epoch in self.history))
            self.post.send([file_of(path)])
