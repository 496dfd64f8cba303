"""Do a study: begin or go on with its folder, share its runs among processes, follow them."""

from __future__ import annotations

import itertools
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fittingroom.data.dataset import DataSplits
from fittingroom.data.sources import load
from fittingroom.errors import RunError, StudyError
from fittingroom.models.build import check_name
from fittingroom.models.defaults import defaults
from fittingroom.runs.conduct import Interrupted
from fittingroom.runs.diary import describe_data, now
from fittingroom.runs.environment import describe_environment
from fittingroom.runs.folder import not_made, write_record
from fittingroom.runs.prepare import build_classifier, settle_device
from fittingroom.runs.run import Run, divide
from fittingroom.runs.tracking import Track, tracking_by
from fittingroom.studies import remote
from fittingroom.studies import work as runs_of
from fittingroom.studies.cluster.address import LOCAL
from fittingroom.studies.cluster.needs import check_cluster
from fittingroom.studies.plan import StudyPlan, folder_name
from fittingroom.studies.reading import plan_of, read_plan
from fittingroom.studies.study import (
    DEFAULT_FOLDER,
    FORMAT,
    RECORD,
    RUNS,
    Study,
    check_run,
    ended,
    read_record,
    read_runs,
)
from fittingroom.studies.team import Team
from fittingroom.studies.tracked import tracked
from fittingroom.studies.watch import Snapshot, Watch
from fittingroom.training.compatibility import check_they_fit
from fittingroom.training.device import Device, cpu_threads, select_device
from fittingroom.training.ending import ending_by_signals
from fittingroom.training.recipe import Recipe

# More often than this nobody needs to hear of a study.
LOOK_SECONDS = 1.0

Listener = Callable[[Snapshot], None]


@ending_by_signals()
@defaults()
def study(
    plan: str | Path | Mapping[str, Any] | StudyPlan = "notebook",
    data: DataSplits | str | Path = "auto",
    *,
    seeds: int | list[int] | None = None,
    protocol: str | None = None,
    jobs: int | None = None,
    threads: int = 1,
    stack: int | None = None,
    device: str = "auto",
    on: str = LOCAL,
    gpus_per_run: float | None = None,
    out: str | Path = DEFAULT_FOLDER,
    track: Track = (),
    command: str | None = None,
    on_progress: Listener = lambda _snapshot: None,
    on_line: Callable[[str], None] = lambda _line: None,
) -> Study:
    """Train every setting of a study with every seed, and compare them.

    What is finished in the study's folder already is not done again; call it again to go on
    after an interruption, from two places at once to share the work.

    Parameters
    ----------
    plan
        A shipped study's name, a TOML file, a dict of the same shape, or a plan.
    data
        What `fittingroom.load` returns, or the argument for it.
    seeds
        How many, or which; None for the plan's own.
    protocol
        holdout or notebook, for every setting; None for the plan's own.
    jobs
        Processes that work side by side; None for one a CPU core, or one on a GPU. 1 works in
        this process. There are never more than runs are left to do. On a cluster None is for as
        many as it has room for.
    threads
        CPU threads of each process. One is the default because it is the most work done, and
        because the last bits of a result depend on their number: so they do not depend on `jobs`.
    stack
        Runs of a setting that a process trains at once, where they differ in nothing but the seed
        and network and recipe allow it; None for as many as is fastest, 1 for one after another.
        On one thread of a CPU a run comes out the same, bit for bit, whatever the number.
    device
        auto, cpu, cuda, cuda:N or mps; on a cluster auto, cpu or cuda, and auto is cuda where a
        node has a GPU.
    on
        local for this machine; "ray" for a Ray that is started here and ends with the study;
        "auto", HOST:PORT or ray://HOST:PORT for a Ray cluster that runs already.
    gpus_per_run
        GPUs, or which share of one, each process on a cluster has; None for one.
    out
        The folder for studies.
    track
        "mlflow", "tensorboard", or both in a list: where to write each run down once it has ended,
        whoever did it. A tracker that fails is warned of, and the study goes on.
    command
        The command line that repeats the study, if there is one.
    on_progress
        Called about once a second with where the study stands.
    on_line
        Called with each line that runs on a cluster print, and with what is waited for.

    Returns
    -------
    The study; `study.results` compares its settings.

    Raises
    ------
    FittingroomError
        Of the kinds that `fittingroom.errors` names, in one line.
    Interrupted
        (a KeyboardInterrupt) at Ctrl-C.
    """
    for name, number in (("jobs", jobs), ("threads", threads), ("stack", stack)):
        if number is not None and number < 1:
            raise StudyError(f"{name} must be 1 or more, found {number}")
    tracking = tracking_by(track)
    settled = settle_plan(plan).but(seeds=seeds, protocol=protocol)
    place = settle_place(settled.recipes, device, on, gpus_per_run)
    splits = data if isinstance(data, DataSplits) else load(data)
    check_settings(settled, splits, place)
    folder = Path(out) / folder_name(settled.name)
    with cpu_threads(threads):
        environment = describe_place(place, on)
    left = begin(folder, settled, splits, environment, command)
    with tracked(tracking, folder, settled, on_progress) as listener:
        follower = Follower(folder, settled, listener)
        try:
            if on != LOCAL and left:
                remote.work_remotely(
                    on,
                    folder,
                    settled,
                    splits,
                    follower,
                    device=device,
                    threads=threads,
                    gpus_per_run=gpus_per_run,
                    jobs=jobs,
                    stack=stack,
                    on_line=on_line,
                )
            elif (count := number_of_jobs(jobs, left, splits, place)) <= 1:
                with cpu_threads(threads):
                    runs_of.work(folder, settled, splits, device, follower, stack=stack)
            else:
                words = [str(folder), device, str(threads), str(count), str(stack or "auto")]
                with Team("fittingroom.studies.worker", words, count, threads) as team:
                    team.tell(settled.model_dump_json())
                    team.follow(follower)
        except KeyboardInterrupt as interruption:
            hint = "what is finished stays; give the same command again to go on"
            raise Interrupted(folder, hint, interruption) from None
        follower.look()
    # Another process may have begun since with more or fewer seeds, and study.json is of those.
    return read_runs(folder, read_record(folder), settled)


def settle_plan(plan: str | Path | Mapping[str, Any] | StudyPlan) -> StudyPlan:
    """Return the plan that is meant."""
    if isinstance(plan, StudyPlan):
        return plan
    return plan_of(plan) if isinstance(plan, Mapping) else read_plan(plan)


def settle_place(
    recipes: Sequence[Recipe], device: str, on: str = LOCAL, gpus_per_run: float | None = None
) -> Device:
    """Return the device, after a look whether it and every recipe's model are there at all.

    For a cluster, whether one answers there; the device is then one that no memory is known of.

    Raises
    ------
    ModelError, DeviceError, StudyError
        If they are not: better now than after the data were read.
    """
    if on != LOCAL:
        for recipe in recipes:
            check_name(recipe.model)
        return check_cluster(on, device, gpus_per_run)
    if gpus_per_run is not None:
        raise StudyError("gpus_per_run is for a cluster: give on too, or leave it out")
    places = [settle_device(recipe, device) for recipe in recipes]
    return places[0]


def describe_place(place: Device, on: str) -> dict[str, Any]:
    """Return the environment for a record: of runs on a cluster that of who hands them out."""
    if on == LOCAL:
        return describe_environment(place)
    return describe_environment(select_device("cpu")) | {"on": on}


def check_settings(plan: StudyPlan, splits: DataSplits, device: Device) -> None:
    """See that every setting's network can be built and fits the data, before anything is trained.

    Raises
    ------
    FittingroomError
        If one does not.
    """
    for _, recipes in itertools.groupby((s.recipe for s in plan.settings), division):
        first, *others = recipes
        divided = divide(splits, first)  # a copy of all pictures: not for each setting anew
        for recipe in (first, *others):
            classifier = build_classifier(recipe.but(normalization="unit"), divided)
            check_they_fit(classifier, divided, recipe, device)


def division(recipe: Recipe) -> tuple[str, int | None, int]:
    """Return the fields of a recipe that `divide` reads."""
    return recipe.protocol, recipe.validation_size, recipe.validation_seed


def number_of_jobs(jobs: int | None, left: int, splits: DataSplits, device: Device) -> int:
    """Return how many processes to let work side by side where so many runs are left."""
    if jobs is not None:
        return min(jobs, left)
    # Workers read the data again, which they cannot where they are only in this process's memory.
    if device.kind != "cpu" or not (Path(splits.source).exists() or splits.sketches):
        return 1
    return min(runs_of.cpu_cores(), left)


def begin(
    folder: Path,
    plan: StudyPlan,
    splits: DataSplits,
    environment: dict[str, Any],
    command: str | None,
) -> int:
    """Make a study's folder, or see that the one that is there can be gone on with.

    Parameters
    ----------
    folder, plan, splits
        The study's.
    environment
        What study.json says of this machine.
    command
        The command line that repeats the study, if there is one.

    Returns
    -------
    The number of runs that are left to do.

    Raises
    ------
    StudyError
        If it holds runs of other data or recipes, or is of another version.
    RunError
        If it cannot be made.
    """
    try:
        (folder / RUNS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_made(folder, "the study's folder", error) from error
    with runs_of.locked(folder, "study"):
        started = now()
        if (folder / RECORD).exists():
            before = read_record(folder)
            started = before.get("started", started)
            check_fingerprint(folder, before, splits)
            check_recipes(folder, plan, splits.fingerprint)
        record = {
            "format": FORMAT,
            "name": plan.name,
            "started": started,
            "command": command,
            "plan": plan.model_dump(mode="json"),
            "data": describe_data(divide(splits, plan.settings[0].recipe)),
            "environment": environment,
        }
        write_record(folder / RECORD, record)
        for damaged in runs_of.sweep(folder, plan, splits.fingerprint):
            warnings.warn(
                f"{folder / RUNS / damaged}: damaged since it was written; it is done again",
                stacklevel=3,
            )
    return sum(not runs_of.is_done(folder, setting, seed) for setting, seed in plan.wanted)


def check_fingerprint(folder: Path, before: dict[str, Any], splits: DataSplits) -> None:
    """See that a study goes on with the data that it began with."""
    found = before["data"]["fingerprint"]
    if found != splits.fingerprint:
        raise StudyError(
            f"{folder}: the study there was begun with other data: expected fingerprint "
            f"{found[:16]}..., found {splits.fingerprint[:16]}...; choose another --out"
        )


def check_recipes(folder: Path, plan: StudyPlan, fingerprint: str) -> None:
    """See that the runs in a study's folder, done or being done, are those of the plan."""
    for setting, seed in plan.wanted:
        try:
            run = Run(folder / RUNS / setting.run_name(seed))
        except RunError:  # there is none, or it is damaged and will be done again
            continue
        if ended(run.record) or runs_of.is_worked_on(folder, setting, seed):
            check_run(run, setting.recipe_for(seed), fingerprint)


class Follower:
    """Looks at the study about once a second and tells the listener.

    Parameters
    ----------
    folder, plan
        The study's.
    listener
        Called with each snapshot.
    """

    def __init__(self, folder: Path, plan: StudyPlan, listener: Listener) -> None:
        self.watch = Watch(folder, plan)
        self.listener = listener
        self.next_look = 0.0

    def __call__(self) -> None:
        """Look, if it is time."""
        if time.monotonic() >= self.next_look:
            self.look()

    def look(self) -> None:
        """Look now."""
        self.listener(self.watch.look())
        self.next_look = time.monotonic() + LOOK_SECONDS
