"""A study on a cluster: hand its runs out, hear how they go, write them into the study's folder.

Who hands them out holds the locks of the runs that are under way, as a process does that trains
them itself: so two commands share a study wherever each of them has its runs trained. A node
trains in a folder of its own for the time, and what it says are files of run folders: run.json as
a run begins, the history as it goes on, everything at its end. So whoever looks at the study's
folder sees the same as if the runs were trained here.
"""

from __future__ import annotations

import math
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import RunError
from fittingroom.runs import folder as files
from fittingroom.runs.run import Run
from fittingroom.studies.cluster import parcel
from fittingroom.studies.cluster.connection import Again, Cluster, Event
from fittingroom.studies.cluster.needs import Needs, device_of, settle_needs
from fittingroom.studies.cluster.node import Post, Printed, Said
from fittingroom.studies.cluster.parcel import Parcel
from fittingroom.studies.plan import StudyPlan
from fittingroom.studies.study import RUNS
from fittingroom.studies.work import Portion, clear, cpu_cores, do_runs, is_done, portions
from fittingroom.training.history import Epoch, Progress

HISTORY_SECONDS = 1.0

# After this long without a run that has begun, a person wants to know what is waited for.
PATIENCE_SECONDS = 30.0

Listener = Callable[[str], None]
File = tuple[str, str, bytes]  # the run's name, the file's name, its content


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
        store_bytes=parcel.size(splits),
        modules=[model.partition(":")[0] for model in models if ":" in model],
    ) as cluster:
        needs = settle_needs(cluster, device, threads, gpus_per_run)
        side_by_side = jobs or max(needs.places(cluster), 1)
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
        self.data = cluster.share(parcel.pack(splits))
        self.under_way: dict[int, Portion] = {}  # by their tickets
        self.patient_until = time.monotonic() + PATIENCE_SECONDS

    def __enter__(self) -> Errands:
        return self

    def __exit__(self, *_error: object) -> None:
        for portion in self.under_way.values():
            with portion.locks, suppress(RunError):  # the first error is the one to hear of
                self.clear(portion)

    def send_all(
        self, waiting: Iterator[Portion | None], most: int | None, pulse: Callable[[], None]
    ) -> None:
        """Hand out one portion after the other, at `most` so many at a time, until all are done."""
        more = True
        while more or self.under_way:
            room = most or self.room()  # a question to the cluster: one a round
            while more and len(self.under_way) < room:
                portion = next(waiting, END)
                if not isinstance(portion, Portion):
                    more = portion is not END  # None: others have what is left, for now
                    break
                self.send(portion)
            for event in self.cluster.poll():
                self.receive(event)
            self.say_if_nothing_begins()
            pulse()

    def room(self) -> int:
        """Return how many portions may be under way: as many wait as are worked on.

        So no place is idle while a result travels, a cluster that grows with what waits does
        grow, and something is left for another command that shares the study.
        """
        return 2 * max(self.needs.places(self.cluster), 1)

    def send(self, portion: Portion) -> None:
        """Hand out a portion."""
        self.clear(portion)
        ticket = self.cluster.start(
            train_there,
            self.data,
            Portion(portion.setting, portion.seeds),  # the locks stay here
            self.needs,
            name=called(portion),
            cpus=self.needs.cpus,
            gpus=self.needs.gpus,
        )
        self.under_way[ticket] = portion

    def clear(self, portion: Portion) -> None:
        """Remove what there is of a portion's runs that have not ended."""
        for seed in portion.seeds:
            if not is_done(self.folder, portion.setting, seed):
                clear(self.folder, portion.setting, seed)

    def receive(self, event: Event) -> None:
        """Do what an event asks for.

        Raises
        ------
        FittingroomError
            If a task did, or was lost more often than can be accident.
        """
        self.patient_until = math.inf
        portion = self.under_way[event.ticket]
        if isinstance(event, Printed):
            self.on_line(event.line)
        elif isinstance(event, Said):
            self.write(event.message)
        elif isinstance(event, Again):
            self.on_line(event.line)
            self.clear(portion)
        else:
            if event.error is not None:
                raise event.error
            self.write(event.value)
            portion.locks.close()
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
            self.on_line(
                f"waiting for {self.cluster.address.text}: each run asks a node for {self.needs}, "
                f"and the cluster has room for {self.needs.places(self.cluster)} of them when "
                "nobody else uses it"
            )


END = object()


def called(portion: Portion) -> str:
    """Name a portion's runs for people."""
    few = ", ".join(map(str, portion.seeds))
    return f"{portion.setting.name}, seed{'s' if len(portion.seeds) > 1 else ''} {few}"


def train_there(post: Post, data: Parcel, portion: Portion, needs: Needs) -> list[File]:
    """Train runs on a node; return the files of their folders, run.json after all others."""
    import torch

    torch.set_num_threads(needs.threads)
    # The node's processes share the pictures, which nothing writes to.
    warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
    splits = parcel.unpack(data)
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
        paths = [path for path in Path(folder, RUNS).glob("*/[!.]*") if path.is_file()]
        paths.sort(key=lambda path: path.name == files.RECORD)
        return [file_of(path) for path in paths]


def file_of(path: Path) -> File:
    """Read a file of a run's folder."""
    return path.parent.name, path.name, path.read_bytes()


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
