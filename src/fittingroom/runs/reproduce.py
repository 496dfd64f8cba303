"""Repeat a run from what it left behind, and say whether it came to the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DeviceError, RunError
from fittingroom.runs import folder as files
from fittingroom.runs.comparison import DIFFERENT, Comparison, compare
from fittingroom.runs.conduct import Interrupted
from fittingroom.runs.outcome import Outcome, outcome_of, recorded_outcome
from fittingroom.runs.prepare import OwnNetwork, settle_device
from fittingroom.runs.run import DEFAULT_FOLDER, Run, divide, load_again, open_run
from fittingroom.runs.train import train
from fittingroom.training.device import cpu_threads
from fittingroom.training.history import Progress
from fittingroom.training.recipe import Recipe

# Not among the runs: the latest run stays the one that a person trained.
REPRODUCED = Path("reproduced")


def reproduce(
    run: Run | str | Path = "latest",
    data: DataSplits | str | Path | None = None,
    *,
    runs: str | Path = DEFAULT_FOLDER,
    device: str | None = None,
    threads: int | None = None,
    network: OwnNetwork | str | None = None,
    out: str | Path | None = None,
    on_start: Callable[[Run], None] = lambda _run: None,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
) -> Comparison:
    """Train a finished run anew and compare: identical, equal within noise, or different.

    Its own recipe is followed on the same data, kind of device, precision and number of threads,
    alone and in one process. Nothing of it is touched.

    Parameters
    ----------
    run
        A run, its folder or name, or "latest"; or a copy of its run.json, whatever that is called.
    data
        Where its data are now; None for where they were.
    runs
        Where runs are looked for by name.
    device, threads
        None for its own kind of device and, on a CPU, its number of threads.
    network
        Only for a run of a network of your own: its class, an instance with the weights that
        training began with, or its name, "module:Class". A run never makes fittingroom import code.
    out
        The folder to keep the repetition in. By default only one that is different is kept, in
        ./reproduced.
    on_start, on_progress
        As in `train`, of the repetition.

    Returns
    -------
    What came of it; its `verdict` is a word for it, and printed it says what is other.

    Raises
    ------
    RunError, ModelError
        If there is no such run, or it is unfinished or damaged.
    DataError
        If the data are not those of the run.
    DeviceError
        If there is no such device here.
    KeyboardInterrupt
        At Ctrl-C; nothing is left of the repetition.
    """
    original, then = find_original(run, runs)
    record = original.record
    original.check_network(network)
    splits = divide(
        load_again(record["data"], data, whose=f"run {record['name']}"), original.recipe
    )
    kind = device or record["environment"]["device"]
    recipe = in_the_same_precision(original.recipe, record["environment"]["precision"], kind)
    model, fields = what_to_train(recipe, network)
    with (
        scratch_in(Path(REPRODUCED if out is None else out)) as scratch,
        cpu_threads(threads or threads_of(record)),
    ):
        try:
            again = train(
                model,
                splits,
                device=kind,
                out=scratch,
                name=record["name"],
                figures=False,
                on_start=on_start,
                on_progress=on_progress,
                **fields,
            )
        except Interrupted:
            raise KeyboardInterrupt("interrupted; the run is as it was") from None
        found = compare(record, then, again.record, outcome_of(again))
        if found.verdict == DIFFERENT or out is not None:
            found = replace(found, kept=str(keep(again, scratch.parent)))
    return found


def find_original(run: Run | str | Path, runs: str | Path) -> tuple[Run, Outcome]:
    """Return a finished run and what it came to, after a look whether it is whole.

    Raises
    ------
    RunError, ModelError
        If it is not there, unfinished or damaged.
    """
    if isinstance(run, Run):
        opened = run
    else:
        path = Path(run)
        with suppress(OSError):  # a name too long for any file
            if path.is_file() and not (path.parent / files.MODEL).exists():
                record = files.read_record(path.parent, path.name)
                check_finished(path, record, "give the record of a finished one")
                return Run(path.parent, record=record), recorded_outcome(record)
            run = path.parent if path.is_file() else run
        opened = open_run(run, runs=runs)
    check_finished(opened.folder, opened.record, opened.how_to_go_on)
    return opened, outcome_of(opened)


def check_finished(where: Path, record: dict[str, Any], hint: str) -> None:
    """See that there is a result to compare with.

    Raises
    ------
    RunError
        If there is none.
    """
    if record["status"] != files.FINISHED:
        raise RunError(
            f"{where}: the run is {record['status']}, and so has no result to compare with; {hint}"
        )


def in_the_same_precision(recipe: Recipe, precision: str, device: str) -> Recipe:
    """Say instead of "auto" what that came to then, for here a clock may choose otherwise.

    Where this device cannot compute so, "auto" stays.
    """
    if recipe.precision != "auto":
        return recipe
    pinned = recipe.but(precision=precision)
    try:
        settle_device(pinned, device)
    except DeviceError:
        return recipe
    return pinned


def what_to_train(
    recipe: Recipe, network: OwnNetwork | str | None
) -> tuple[Recipe | OwnNetwork, dict[str, Any]]:
    """Return the first argument of `train`, and the fields that are to be given beside it."""
    if network is None or isinstance(network, str):
        return recipe, {}
    return network, recipe.model_dump(exclude={"model"})


def threads_of(record: dict[str, Any]) -> int | None:
    """Return the number of threads that a run was computed on, if it was on a CPU."""
    environment = record["environment"]
    return environment.get("threads") if environment["device"] == "cpu" else None


@contextmanager
def scratch_in(folder: Path) -> Iterator[Path]:
    """Make a folder in a folder for a while; what was made for it is gone afterwards.

    Raises
    ------
    RunError
        If it cannot be made.
    """
    was_there = folder.is_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(prefix=".", dir=folder)
    except OSError as error:
        raise files.not_made(folder, "the repetition's folder", error) from error
    try:
        with scratch as name:
            yield Path(name)
    finally:
        if not was_there:
            with suppress(OSError):  # something was kept in it
                folder.rmdir()


def keep(run: Run, folder: Path) -> Path:
    """Move a run's folder into `folder`, under its name, numbered if that is taken."""
    kept = files.new_folder(folder, run.name)
    kept.rmdir()
    return run.folder.rename(kept)
