"""`study`: many runs, compared."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fittingroom.cli import study_progress
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
from fittingroom.cli.terminal import Terminal, one_line_errors
from fittingroom.cli.training import say_where

if TYPE_CHECKING:
    from fittingroom.studies.study import Study

STUDIES = Path("studies")


def study(
    plan: Annotated[
        str, typer.Argument(metavar="STUDY", help="notebook, or a TOML file that describes one")
    ],
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, help="how many, instead of the study's own")
    ] = None,
    jobs: JobsOption = None,
    protocol: Annotated[
        str | None, typer.Option("--protocol", help="holdout or notebook, for every setting")
    ] = None,
    data: DataOption = "auto",
    classes: ClassesOption = None,
    size: SizeOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    stack: Annotated[
        int | None,
        typer.Option(
            "--stack", min=1, help="seeds trained at once by a process; by default what is fastest"
        ),
    ] = None,
    on: OnOption = "local",
    gpus_per_run: GpusPerRunOption = None,
    out: Annotated[Path, typer.Option("--out", help="folder of the studies")] = STUDIES,
    track: TrackOption = None,
    report: ReportOption = True,
    language: LanguageOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train settings with many seeds and compare them.

    Ends with a report. What is finished is not done again: give the same command to go on after an
    interruption, or in a second window to share the work.
    """
    with one_line_errors(lasting=True):
        terminal = Terminal(quiet=quiet, as_json=as_json)
        spoken = chosen_language(language)
        from fittingroom.runs.tracking import Tracking
        from fittingroom.studies.reading import read_plan

        tracking = Tracking(track or (), terminal.whisper)
        settled = read_plan(plan).but(seeds=seeds, protocol=protocol)
        terminal.say(
            f"study {settled.name}: {counted(len(settled.settings), 'setting')} x "
            f"{counted(len(settled.seeds), 'seed')} = {counted(len(settled.wanted), 'run')}"
        )
        from fittingroom.studies import conduct

        conduct.settle_place(settled.recipes, device, on, gpus_per_run)
        splits = load_data(terminal, data, classes, size)
        with following(terminal) as show:
            done = conduct.study(
                settled,
                splits,
                jobs=jobs,
                threads=threads,
                stack=stack,
                device=device,
                on=on,
                gpus_per_run=gpus_per_run,
                out=out,
                track=tracking,
                command=shlex.join(["fittingroom", *sys.argv[1:]]),
                on_progress=partial(show, study_progress.VIEW),
                on_line=terminal.whisper,
            )
        show_study(terminal, done, spoken)
        if report:
            write_report(terminal, done, spoken, splits)
        say_where(terminal, tracking)
        terminal.say(f"everything lies in {done.folder}")


def counted(number: int, thing: str) -> str:
    """Write a number of things: "1 seed", "5 seeds"."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def show_study(terminal: Terminal, study: Study, language: str) -> None:
    """Print the ranking, the verdicts on the claims, and what is missing."""
    from fittingroom.studies.display import RANKING_HEADS, ranking_cells

    results = study.results
    if terminal.as_json:
        terminal.result("", results.to_dict() | {"folder": str(study.folder)})
        return
    rows = [ranking_cells(result, language, nothing="-") for result in results.ranking]
    terminal.table(RANKING_HEADS, rows)
    for verdict in results.verdicts:
        terminal.say(f"{OUTCOMES[verdict.outcome]:<14}  {verdict.claim.text.of(language)}")
    for problem in results.problems:
        terminal.say(f"left out: {problem}")
    for name, seed in results.missing:
        terminal.say(f"no result: {name}, seed {seed}{reason_of(study, name, seed)}")
    terminal.say()


OUTCOMES = {
    "holds": "holds",
    "does-not-hold": "does not hold",
    "undecided": "undecided",
    "untested": "untested",
}


def reason_of(study: Study, name: str, seed: int) -> str:
    """Say why a run has no result, where that is known."""
    reason = study.failures.get((name, seed))
    return f": {reason}" if reason else ""
