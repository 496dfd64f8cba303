"""`tune`: the best values, found."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fittingroom.cli import study_progress, tuning_progress
from fittingroom.cli.data import load_data
from fittingroom.cli.live import following
from fittingroom.cli.options import (
    ClassesOption,
    DataOption,
    DeviceOption,
    GpusPerRunOption,
    JobsOption,
    JsonOption,
    LanguageOption,
    OnOption,
    QuietOption,
    ReportOption,
    SizeOption,
    ThreadsOption,
    TrackOption,
    chosen_language,
)
from fittingroom.cli.reports import write_report
from fittingroom.cli.studies import counted, show_study
from fittingroom.cli.terminal import Terminal, duration, one_line_errors
from fittingroom.cli.training import say_where
from fittingroom.cli.tuning_progress import percent
from fittingroom.errors import TuningError

if TYPE_CHECKING:
    from fittingroom.tuning.plan import TuningPlan
    from fittingroom.tuning.tuning import Trial, Tuning

TUNINGS = Path("tunings")

# Hours, minutes and seconds, as people write them: 90s, 30m, 2h, 1h30m; a bare number is seconds.
TIME = re.compile(r"(?:(?P<h>[\d.]+)h)?(?:(?P<m>[\d.]+)m)?(?:(?P<s>[\d.]+)s?)?")
SECONDS = {"h": 3600, "m": 60, "s": 1}

# Of the complete trials so many are printed.
MOST_SHOWN = 5


def tune(
    *,
    start: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|RECIPE", help="a network or a recipe by name, or a TOML file with one"
        ),
    ],
    vary: Annotated[
        list[str] | None,
        typer.Option(
            "--vary",
            metavar="NAME=VALUES",
            help="lr=1e-4..1e-1:log, epochs=3..12, batch_size=64,128,256, hidden=[128],[256,128]; "
            "may be given several times; by default what is usual for the network",
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option("--trials", help="how many values to try; 30 without --time")
    ] = None,
    time: Annotated[
        str | None, typer.Option("--time", help="how long to look for values: 90s, 30m, 2h")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", help="of each trial")] = 1,
    final_seeds: Annotated[
        int,
        typer.Option(
            "--final-seeds",
            help="over which winner and start are compared on the test set; 0 leaves it closed",
        ),
    ] = 5,
    finalists: Annotated[
        int,
        typer.Option(
            "--finalists",
            help="so many of the best are trained with 2 more seeds before one of them wins",
        ),
    ] = 3,
    objective: Annotated[
        str, typer.Option("--objective", help="accuracy, or accuracy-seconds: best trade-offs")
    ] = "accuracy",
    prune: Annotated[bool, typer.Option(help="stop hopeless trials early")] = True,
    sampler_seed: Annotated[
        int, typer.Option("--sampler-seed", help="decides which values are tried")
    ] = 0,
    jobs: JobsOption = None,
    threads: ThreadsOption = 1,
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            help="postgresql://USER@HOST/DATABASE, for many machines; by default the folder",
        ),
    ] = None,
    data: DataOption = "auto",
    classes: ClassesOption = None,
    size: SizeOption = None,
    device: DeviceOption = "auto",
    on: OnOption = "local",
    gpus_per_run: GpusPerRunOption = None,
    out: Annotated[Path, typer.Option("--out", help="folder of the tunings")] = TUNINGS,
    name: Annotated[str | None, typer.Option("--name", help="the tuning's name")] = None,
    track: TrackOption = None,
    report: ReportOption = True,
    language: LanguageOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    **fields: Any,
) -> None:
    """Find the best values of a recipe's fields.

    The winner is compared with the recipe as it was. Values are chosen on validation pictures; the
    test set is opened once, for the winner. What was tried is not tried again: give the same
    command to go on after an interruption, with more --trials to look further, or in a second
    window to share the work.
    """
    with one_line_errors(lasting=True):
        terminal = Terminal(quiet=quiet, as_json=as_json)
        spoken = chosen_language(language)
        from fittingroom.runs.tracking import Tracking
        from fittingroom.tuning.plan import plan_of

        tracking = Tracking(track or (), terminal.whisper)
        plan = plan_of(
            start,
            read_vary(vary or []),
            name=name,
            trials=trials,
            seconds=None if time is None else read_time(time),
            seeds=seeds,
            final_seeds=final_seeds,
            finalists=finalists,
            objective=objective,
            prune=prune,
            sampler_seed=sampler_seed,
            **fields,
        )
        announce(terminal, plan, asked_to_prune=prune)
        from fittingroom.tuning import conduct
        from fittingroom.tuning.crew import Crew

        crew = Crew(jobs, threads, device, on, gpus_per_run, storage, terminal.whisper)
        crew.place(plan)
        splits = load_data(terminal, data, classes, size)
        with following(terminal) as show:
            tuning = conduct.carry_out(
                plan,
                splits,
                crew,
                out=out,
                track=tracking,
                command=command_line(storage),
                on_progress=partial(show, tuning_progress.VIEW),
                on_final=partial(show, study_progress.VIEW),
            )
        show_tuning(terminal, tuning, spoken)
        if report:
            write_report(terminal, tuning, spoken, splits)
        say_where(terminal, tracking)
        terminal.say(f"everything lies in {tuning.folder}")


def read_vary(words: Sequence[str]) -> dict[str, str]:
    """Read NAME=VALUES, one after another.

    Raises
    ------
    TuningError
        If there is no name, or one comes twice.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, values = word.partition("=")
        name = name.strip().replace("-", "_")
        if not (name and equals and values.strip()):
            raise TuningError(f"--vary must be NAME=VALUES, e.g. lr=1e-4..1e-1:log, found {word!r}")
        if name in found:
            raise TuningError(f"--vary names {name} twice; give all its values at once")
        found[name] = values
    return found


def read_time(text: str) -> float:
    """Read how long something may take, in seconds.

    Raises
    ------
    TuningError
        If it is no time.
    """
    match = TIME.fullmatch(text.strip())
    try:
        parts = {unit: float(value) for unit, value in match.groupdict().items() if value}  # type: ignore[union-attr]
    except (AttributeError, ValueError):
        parts = {}
    if not parts:
        raise TuningError(f"--time must be like 90s, 30m, 2h or 1h30m, found {text!r}")
    return sum(value * SECONDS[unit] for unit, value in parts.items())


def command_line(storage: str | None) -> str:
    """Return the words of this command, without a password."""
    words = ["fittingroom", *sys.argv[1:]]
    if storage is not None:
        from fittingroom.tuning.storage import address_of, shown

        hidden = shown(address_of(storage, Path()))
        words = [word.replace(storage, hidden) for word in words]
    return shlex.join(words)


def announce(terminal: Terminal, plan: TuningPlan, *, asked_to_prune: bool) -> None:
    """Say what is about to be looked for."""
    limits = [] if plan.trials is None else [f"{plan.budget:,} trials"]
    limits += [] if plan.seconds is None else [duration(plan.seconds)]
    terminal.say(f"tuning {plan.name}: {plan.space}")
    terminal.say(
        f"{' or '.join(limits)}, {counted(len(plan.seeds), 'seed')} each, of "
        f"{counted(plan.start.epochs, 'epoch')}; judged on validation pictures"
    )
    finalists = min(plan.finalists, plan.budget)
    if finalists > 1:
        more = counted(len(plan.further_seeds), "more seed")
        terminal.say(f"the best {finalists:,} are trained again with {more} each")
    if plan.objective == "accuracy-seconds" and asked_to_prune:
        terminal.say("with two objectives no trial is stopped early")


def show_tuning(terminal: Terminal, tuning: Tuning, language: str) -> None:
    """Print the best trials, the winner, and what it is worth on the test set."""
    if terminal.as_json:
        terminal.result("", as_json_values(tuning))
        return
    from fittingroom.tuning.tuning import ranked

    heads = ("trial", *(p.name for p in tuning.plan.space.parameters), "val. accuracy", "seconds")
    two = tuning.plan.objective == "accuracy-seconds"
    shown = tuning.front if two else ranked(tuning.trials)[:MOST_SHOWN]
    terminal.table(heads, [trial_cells(trial) for trial in shown], words=0)
    show_finalists(terminal, tuning)
    terminal.say(told(tuning))
    if tuning.final is None:
        terminal.say("the test set stays closed (--final-seeds 0)")
        return
    from fittingroom.tuning.final import is_start

    if tuning.best is not None and is_start(tuning.plan, tuning.best):
        terminal.say("the winner is the recipe that the tuning started from")
    show_study(terminal, tuning.final, language)
    for opening in tuning.record.get("openings", [])[:-1]:
        terminal.say(
            f"the test set was opened before, for trial {opening['winner']} after "
            f"{opening['trials']} trials: the accuracy above is not of unseen pictures any more"
        )
    terminal.say(f"train the winner with `{train_command(tuning)}`")


def show_finalists(terminal: Terminal, tuning: Tuning) -> None:
    """Print what the best trials came to over all their seeds."""
    if not tuning.finalists:
        return
    seeds = counted(len(tuning.plan.seeds + tuning.plan.further_seeds), "seed")
    heads = ("finalist", "first look", f"mean of {seeds}", "lowest", "highest")
    rows = []
    for trial in tuning.finalists:
        ends = min(trial.all_accuracies), max(trial.all_accuracies)
        rows.append([str(trial.number), *map(percent, (trial.accuracy, trial.mean, *ends))])
    terminal.table(heads, rows, words=0)


def trial_cells(trial: Trial) -> list[str]:
    """Return a complete trial's numbers as text."""
    from fittingroom.tuning.space import brief

    values = [brief(value) for value in trial.values.values()]
    return [str(trial.number), *values, percent(trial.accuracy), f"{trial.seconds:.2f}"]


def told(tuning: Tuning) -> str:
    """Say how many trials there were, and what stopping them early has saved."""
    states = [trial.state for trial in tuning.trials]
    pruned, failed = states.count("pruned"), states.count("failed")
    said = f"{counted(len(states), 'trial')}, {tuning.epochs_trained:,} epochs trained"
    if pruned:
        said += f"; {pruned:,} stopped early, which saved {tuning.epochs_saved:,} epochs"
    if failed:
        last = next(trial for trial in reversed(tuning.trials) if trial.state == "failed")
        said += f"; {failed:,} failed, the last one: {last.reason}"
    if tuning.importance:
        parts = (f"{name} {share:.0%}" for name, share in tuning.importance.items())
        said += f"\nimportance: {', '.join(parts)}"
    return said


def train_command(tuning: Tuning) -> str:
    """Return what to type to train the winner."""
    from fittingroom.tuning.tuning import BEST
    from fittingroom.tuning.written import flags

    recipe = tuning.plan.start if tuning.best is None else tuning.best.recipe
    more = [word for flag in flags(recipe) for word in flag.split(" ", 1)]
    return shlex.join(["fittingroom", "train", "--recipe", str(tuning.folder / BEST), *more])


def as_json_values(tuning: Tuning) -> dict[str, Any]:
    """Return what programs want of a tuning."""
    return {
        "name": tuning.name,
        "folder": str(tuning.folder),
        "best": None if tuning.best is None else tuning.best.to_dict(),
        "finalists": [
            {"number": trial.number, "mean": trial.mean, "further": list(trial.further)}
            for trial in tuning.finalists
        ],
        "front": [trial.number for trial in tuning.front],
        "trials": [trial.to_dict() for trial in tuning.trials],
        "importance": dict(tuning.importance),
        "epochs_trained": tuning.epochs_trained,
        "epochs_saved": tuning.epochs_saved,
        "openings": tuning.record.get("openings", []),
        "final": None if tuning.final is None else tuning.final.results.to_dict(),
    }
