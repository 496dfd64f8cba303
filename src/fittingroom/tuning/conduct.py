"""Do a tuning: begin or go on with it, share its trials among processes, judge the winner."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.data.dataset import DataSplits
from fittingroom.data.sources import load
from fittingroom.errors import RecipeError, TuningError
from fittingroom.models.defaults import defaults
from fittingroom.runs.folder import write_record
from fittingroom.runs.prepare import build_classifier
from fittingroom.runs.tracking import Track, tracking_by
from fittingroom.studies.cluster.address import LOCAL
from fittingroom.studies.plan import folder_name
from fittingroom.studies.watch import Snapshot as FinalSnapshot
from fittingroom.studies.work import locked
from fittingroom.training.compatibility import check_they_fit
from fittingroom.training.device import cpu_threads
from fittingroom.training.ending import ending_by_signals
from fittingroom.training.recipe import Recipe
from fittingroom.tuning import search
from fittingroom.tuning.crew import Crew
from fittingroom.tuning.final import compare
from fittingroom.tuning.finalists import are_missing
from fittingroom.tuning.plan import DEFAULT_FINAL_SEEDS, DEFAULT_FINALISTS, TuningPlan, plan_of
from fittingroom.tuning.record import (
    check_folder,
    is_searched,
    keep_choice,
    make_folder,
    new_record,
)
from fittingroom.tuning.searching import Searching
from fittingroom.tuning.space import Space
from fittingroom.tuning.storage import address_of, open_storage
from fittingroom.tuning.trial import learning_only
from fittingroom.tuning.tuning import (
    BEST,
    DEFAULT_FOLDER,
    FRONT,
    RECORD,
    Tuning,
    open_tuning,
)
from fittingroom.tuning.watch import Snapshot
from fittingroom.tuning.written import write_best, write_front

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import RDBStorage
    from sqlalchemy.engine import URL

    from fittingroom.training.device import Device


def tune(
    start: str | Path | Recipe = "three-layer",
    data: DataSplits | str | Path = "auto",
    *,
    vary: Mapping[str, Any] | None = None,
    trials: int | None = None,
    seconds: float | None = None,
    seeds: int = 1,
    final_seeds: int = DEFAULT_FINAL_SEEDS,
    finalists: int = DEFAULT_FINALISTS,
    objective: str = "accuracy",
    prune: bool = True,
    sampler_seed: int = 0,
    name: str | None = None,
    jobs: int | None = None,
    threads: int = 1,
    device: str = "auto",
    on: str = LOCAL,
    gpus_per_run: float | None = None,
    storage: str | None = None,
    out: str | Path = DEFAULT_FOLDER,
    track: Track = (),
    on_progress: Callable[[Snapshot], None] = lambda _snapshot: None,
    on_final: Callable[[FinalSnapshot], None] = lambda _snapshot: None,
    **fields: Any,
) -> Tuning:
    """Find the best values of a recipe's fields, and hold the winner against the recipe as it was.

    Trials are judged on the validation pictures. At the end winner and start are trained with
    fresh seeds, and the test set is opened for them.

    What was tried is not tried again: call it again to go on after an interruption, with a larger
    budget to look further, from two places at once to share the work.

    Parameters
    ----------
    start
        The name of a network (its own recipe is followed) or of a recipe, a TOML file, or a recipe.
    data
        What `fittingroom.load` returns, or the argument for it.
    vary
        Name -> values: "1e-4..1e-1:log", a list, or a dict with low, high and perhaps log or step.
        None for what the file says, or for the network's usual parameters.
    trials, seconds
        The budget; 30 trials where neither is given.
    seeds
        Of each trial, so many.
    final_seeds
        Of winner and start, so many others; 0 leaves the test set closed.
    finalists
        So many of the best trials are trained with two further seeds before the best mean wins; 0
        or 1 for none. Never of two objectives.
    objective
        accuracy, or accuracy-seconds: the best trade-offs between the two.
    prune
        Whether trials that look hopeless are stopped early; never of two objectives.
    sampler_seed
        Decides which values are tried.
    name
        The tuning's; by default that of the start.
    jobs
        Processes that work side by side; None for one a CPU core, or one on a GPU. In one process
        the same trials come out each time.
    threads
        CPU threads of each process.
    device
        auto, cpu, cuda, cuda:N or mps; on a cluster auto, cpu or cuda.
    on
        local for this machine; "ray" for a Ray that is started here and ends with the tuning;
        "auto", HOST:PORT or ray://HOST:PORT for a Ray cluster that runs already. Its nodes need
        not reach the storage.
    gpus_per_run
        GPUs, or which share of one, each trial and run on a cluster has; None for one.
    storage
        Where the trials are kept: postgresql://... for many machines; None for the folder.
    out
        The folder for tunings.
    track
        "mlflow", "tensorboard", or both in a list: where to write down the runs at its end.
    on_progress, on_final
        Called about once a second with where the tuning, and the comparison at its end, stand.
    fields
        Fields of the start recipe to change, e.g. `epochs=5`.

    Raises
    ------
    FittingroomError
        Of the kinds that `fittingroom.errors` names, in one line.
    Interrupted
        (a KeyboardInterrupt) at Ctrl-C.
    """
    plan = plan_of(
        start,
        vary,
        name=name,
        trials=trials,
        seconds=seconds,
        seeds=seeds,
        final_seeds=final_seeds,
        finalists=finalists,
        objective=objective,
        prune=prune,
        sampler_seed=sampler_seed,
        **fields,
    )
    return carry_out(
        plan,
        data,
        Crew(jobs, threads, device, on, gpus_per_run, storage),
        out=out,
        track=track,
        on_progress=on_progress,
        on_final=on_final,
    )


@ending_by_signals()
@defaults()
def carry_out(
    plan: TuningPlan,
    data: DataSplits | str | Path,
    crew: Crew,
    *,
    out: str | Path = DEFAULT_FOLDER,
    track: Track = (),
    command: str | None = None,
    on_progress: Callable[[Snapshot], None] = lambda _snapshot: None,
    on_final: Callable[[FinalSnapshot], None] = lambda _snapshot: None,
) -> Tuning:
    """Do what a plan says; the other arguments are those of `tune`.

    Parameters
    ----------
    crew
        Who does it.
    command
        The command line that repeats the tuning, if there is one, without a password.

    Raises
    ------
    FittingroomError, Interrupted
        As `tune` does.
    """
    tracking = tracking_by(track)
    search.import_optuna()
    place = crew.place(plan)
    folder = Path(out) / folder_name(plan.name)
    address = address_of(crew.storage, folder)
    splits = data if isinstance(data, DataSplits) else load(data)
    learning = learning_only(splits, plan.start)
    check_space(plan, learning, place)
    check_folder(folder, plan, splits.fingerprint)
    searched = is_searched(folder, plan)
    if searched:
        keep_choice(folder, plan)
    if not searched or are_missing(open_tuning(folder), plan):
        record = new_record(folder, plan, splits, place, command, crew, address)
        with cpu_threads(crew.threads), begun(folder, plan, record, crew.storage, address) as kept:
            searching = Searching(folder, plan, *kept, learning, place, crew, on_progress)
            if not searched:
                searching.look_for_values()
            searching.train_finalists_again(record["data"]["fingerprint"])
    tuning = open_tuning(folder)
    write_findings(tuning)
    compare(tuning, splits, crew, track=tracking, on_progress=on_final)
    return open_tuning(folder)


def check_space(plan: TuningPlan, learning: DataSplits, device: Device) -> None:
    """See that the ends of everything that varies make a network that can be trained on the data.

    Raises
    ------
    FittingroomError
        If one does not: better now than after hours.
    """
    start = build_classifier(plan.start, learning)
    check_they_fit(start, learning, plan.start, device)
    for parameter in plan.space.parameters:
        for value in parameter.ends:
            recipe = Space((parameter,)).recipe(plan.start, {parameter.name: value})
            classifier = build_classifier(recipe, learning) if parameter.in_options else start
            try:
                check_they_fit(classifier, learning, recipe, device)
            except RecipeError as error:
                raise TuningError(f"vary {parameter.name}: {error}") from None


@contextmanager
def begun(
    folder: Path, plan: TuningPlan, record: dict[str, Any], storage: str | None, address: URL
) -> Iterator[tuple[RDBStorage, Study]]:
    """Begin a tuning in its storage and folder, or go on with what is there.

    Raises
    ------
    TuningError
        If the storage cannot be used, or has something else.
    RunError
        If the folder cannot be made.
    """
    fingerprint = record["data"]["fingerprint"]
    with ExitStack() as stack:
        if storage:  # first: nothing is written here where it refuses
            opened = stack.enter_context(open_storage(address))
            study = search.begin(opened, plan, fingerprint)
        make_folder(folder)
        with locked(folder, "tuning"):
            if not storage:
                opened = stack.enter_context(open_storage(address))
                study = search.begin(opened, plan, fingerprint)
            write_record(folder / RECORD, record)
        yield opened, study


def write_findings(tuning: Tuning) -> None:
    """Write best.toml, and of two objectives front.toml.

    Raises
    ------
    TuningError
        If no trial has a result.
    """
    plan, data = tuning.plan, tuning.record["data"]["name"]
    if tuning.best is None:
        failed = [trial for trial in tuning.trials if trial.state == "failed"]
        if failed:
            raise TuningError(
                f"{tuning.folder}: none of {len(failed)} trials has a result; the last one: "
                f"{failed[-1].reason}"
            )
        raise TuningError(
            f"{tuning.folder}: time was up before the first trial came to its end; give it more "
            "than --time had, or fewer --epochs"
        )
    write_best(tuning.folder / BEST, tuning.best, data)
    if plan.objective == "accuracy-seconds":
        write_front(tuning.folder / FRONT, tuning.front, plan.final_seeds, data)
