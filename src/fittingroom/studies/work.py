"""The work of a study: every run once, however many processes share it.

A process that wants to do a run takes the lock of that run first; the operating system gives the
lock back when the process ends, however it ends. So two commands on one study folder share the
work, and a run that a crash left unfinished is done again by whoever comes next.

Runs that differ in their seeds only are done several at once where that is faster: a process
takes the locks of all of them, trains them as one stack, and writes one folder for each.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import Timeout

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DivergenceError, FittingroomError, RunError, StudyError
from fittingroom.runs import folder as files
from fittingroom.runs import lock
from fittingroom.runs.checkpoints import newest
from fittingroom.runs.prepare import build_classifier, settle_device
from fittingroom.runs.run import Run
from fittingroom.runs.train import resume, train_together
from fittingroom.studies.plan import Setting, StudyPlan
from fittingroom.studies.study import RUNS, check_run, ended
from fittingroom.training.compatibility import most_together
from fittingroom.training.device import Device
from fittingroom.training.history import Progress

LOCKS = "locks"

# How long to wait before looking again whether another process has finished its run.
WAITING_SECONDS = 0.5


def work(
    folder: Path,
    plan: StudyPlan,
    splits: DataSplits,
    device: str = "auto",
    pulse: Callable[[], None] = lambda: None,
    *,
    jobs: int = 1,
    stack: int | None = None,
) -> None:
    """Do every run of a study that nobody else does; return when all of them are done.

    Parameters
    ----------
    folder
        The study's.
    plan
        Its settings and seeds.
    splits
        Its data.
    device
        auto, cpu, cuda, cuda:N or mps.
    pulse
        Called several times a second; what it raises ends the work.
    jobs
        How many processes share the work.
    stack
        Runs of a setting to train at once, where its network and recipe allow it; None for as
        many as is fastest.

    Raises
    ------
    FittingroomError
        If a run fails for another reason than that its loss diverged.
    """
    place = settle_device(plan.settings[0].recipe, device)
    for portion in portions(folder, plan, splits, place, jobs, stack):
        if portion is None:
            time.sleep(WAITING_SECONDS)
        else:
            with portion.locks:
                do_runs(folder, portion, splits, device, on_progress=lambda _progress: pulse())
        pulse()


@dataclass(frozen=True)
class Portion:
    """Runs of one setting that are done at once, by who holds their locks.

    Parameters
    ----------
    setting, seeds
        Which.
    locks
        To be closed when they are done, or given up.
    """

    setting: Setting
    seeds: tuple[int, ...]
    locks: ExitStack = field(default_factory=ExitStack)


def portions(
    folder: Path,
    plan: StudyPlan,
    splits: DataSplits,
    device: Device,
    jobs: int = 1,
    stack: int | None = None,
) -> Iterator[Portion | None]:
    """Take the runs of a study that nobody else does, portion by portion, until all are taken.

    What others have taken may come back, so it ends when there is nothing left that is not done.

    Yields
    ------
    A portion; None where others have all that is left, and it is time to wait.
    """
    left = plan.wanted
    while left:
        waiting = [(s, seed) for s, seed in left if not is_done(folder, s, seed)]
        left, sizes = [], {}
        while waiting:
            setting, _ = waiting[0]
            seeds = [seed for s, seed in waiting if s.name == setting.name]
            if setting.name not in sizes:
                share = math.ceil(len(waiting) / jobs)
                sizes[setting.name] = stack_size(setting, len(seeds), splits, device, share, stack)
            with ExitStack() as locks:
                ours, rest, theirs = claim_some(folder, setting, seeds, sizes[setting.name], locks)
                if ours:
                    yield Portion(setting, tuple(ours), locks.pop_all())
            waiting = [(s, k) for s, k in waiting if s.name != setting.name or k in rest]
            left += [(setting, seed) for seed in theirs]
        if left:
            yield None


def cpu_cores() -> int:
    """Return the number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def stack_size(
    setting: Setting, runs: int, splits: DataSplits, device: Device, share: int, stack: int | None
) -> int:
    """Return how many of a setting's `runs` to train at once, so that the stacks are even.

    They are `stack`, or as many as is fastest but at most this process's `share` of the work.
    """
    recipe = setting.recipe
    classifier = build_classifier(recipe.but(normalization="unit"), splits)
    best = most_together(recipe, classifier, device)
    most = stack if stack is not None and best > 1 else min(best, share)
    stacks = math.ceil(runs / most)
    return math.ceil(runs / stacks)


def claim_some(
    folder: Path, setting: Setting, seeds: Sequence[int], size: int, locks: ExitStack
) -> tuple[list[int], Sequence[int], list[int]]:
    """Take the first `size` of a setting's runs that nobody else does and that are not done.

    Parameters
    ----------
    locks
        Gets the locks of the runs, and holds them until it is closed.

    Returns
    -------
    The seeds that are ours now, those that were not come to, and those that others have taken.
    """
    ours: list[int] = []
    theirs: list[int] = []
    with locked(folder, "claims"):  # or two processes would take every other run
        while seeds and len(ours) < size:
            seed, *seeds = seeds
            if not locks.enter_context(claim(folder, setting, seed)):
                theirs.append(seed)
            elif not is_done(folder, setting, seed):
                ours.append(seed)
    return ours, seeds, theirs


def do_runs(
    folder: Path,
    portion: Portion,
    splits: DataSplits,
    device: str,
    *,
    on_start: Callable[[Run], None] = lambda _run: None,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
) -> None:
    """Do runs, all at once; a loss that diverges is a result too.

    One alone goes on from its checkpoint, if there is one; several begin at their beginning.
    """
    setting, seeds = portion.setting, portion.seeds
    with suppress(DivergenceError):  # run.json says so, and so does the study
        if len(seeds) == 1 and can_go_on(folder, setting, seeds[0], splits.fingerprint):
            resume(
                folder / RUNS / setting.run_name(seeds[0]),
                splits,
                device=device,
                figures=False,
                on_start=on_start,
                on_progress=on_progress,
            )
            return
        for seed in seeds:
            clear(folder, setting, seed)
        train_together(
            [setting.recipe_for(seed) for seed in seeds],
            splits,
            names=[setting.run_name(seed) for seed in seeds],
            device=device,
            out=folder / RUNS,
            on_start=on_start,
            on_progress=on_progress,
        )


def is_done(folder: Path, setting: Setting, seed: int) -> bool:
    """Tell whether a run has come to an end that another try would not change."""
    try:
        return ended(files.read_record(folder / RUNS / setting.run_name(seed)))
    except RunError:
        return False


def can_go_on(folder: Path, setting: Setting, seed: int, fingerprint: str) -> bool:
    """Tell whether there is a checkpoint of a run of this recipe and data to go on from."""
    place = folder / RUNS / setting.run_name(seed)
    try:
        run = Run(place)
        check_run(run, setting.recipe_for(seed), fingerprint)
        return not ended(run.record) and newest(place, run.record) is not None
    except (RunError, StudyError):
        return False


def is_whole(run: Run) -> bool:
    """Tell whether the files of a finished run are still what it wrote."""
    try:
        for name in run.record.get("files", {}):
            files.check_file(run.folder, name, run.record)
    except FittingroomError:
        return False
    return True


def sweep(folder: Path, plan: StudyPlan, fingerprint: str) -> list[str]:
    """Remove what crashes and damage left behind, so that it is done again.

    What a run can go on from stays.

    Returns
    -------
    The names of the damaged runs that were removed.
    """
    damaged = []
    for setting, seed in plan.wanted:
        place = folder / RUNS / setting.run_name(seed)
        if not place.exists():
            continue
        with claim(folder, setting, seed) as ours:  # first: who has it may be about to finish it
            if not ours or can_go_on(folder, setting, seed, fingerprint):
                continue
            done = is_done(folder, setting, seed)
            if not (done and is_whole(Run(place))):
                lost = done or is_damaged(place)
                clear(folder, setting, seed)
                damaged += [place.name] if lost else []
    return damaged


def is_damaged(place: Path) -> bool:
    """Tell whether a run has a record that cannot be read."""
    try:
        files.read_record(place)
    except RunError:
        return (place / files.RECORD).exists()
    return False


def is_worked_on(folder: Path, setting: Setting, seed: int) -> bool:
    """Tell whether a process does this run at this moment."""
    with claim(folder, setting, seed) as ours:
        return not ours


def clear(folder: Path, setting: Setting, seed: int) -> None:
    """Remove what there is of a run.

    Raises
    ------
    RunError
        If it cannot be removed.
    """
    place = folder / RUNS / setting.run_name(seed)
    try:
        if place.exists():
            shutil.rmtree(place)
    except OSError as error:
        raise RunError(f"{place}: cannot be removed: {error.strerror or error}") from error


@contextmanager
def claim(folder: Path, setting: Setting, seed: int) -> Iterator[bool]:
    """Take the lock of a run if nobody has it; yields whether it is ours.

    Raises
    ------
    RunError
        If the disk has no locks, or the study's folder was deleted or may not be written to.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(folder, setting.run_name(seed), timeout=0))
            ours = True
        except Timeout:
            ours = False
        yield ours


@contextmanager
def locked(folder: Path, name: str, timeout: float = -1) -> Iterator[None]:
    """Hold a lock of a study's, or of what else is shared: as `runs.lock.locked` does."""
    path = folder / LOCKS / f"{name}.lock"
    with suppress(OSError):  # where it cannot be made, the lock says why
        path.parent.mkdir(exist_ok=True)
    with lock.locked(path, timeout):
        yield
