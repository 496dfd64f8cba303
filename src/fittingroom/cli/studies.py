"""`study`: many runs, compared."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated

import typer

from fittingroom.cli.data import load_data
from fittingroom.cli.options import (
    ClassesOption,
    DataOption,
    DeviceOption,
    GpusPerRunOption,
    JsonOption,
    LanguageOption,
    OnOption,
    QuietOption,
    ReportOption,
    SizeOption,
    TrackOption,
    chosen_language,
)
from fittingroom.cli.reports import write_report
from fittingroom.cli.terminal import Terminal, duration, one_line_errors
from fittingroom.cli.training import say_where

if TYPE_CHECKING:
    from rich.table import Table

    from fittingroom.studies.study import Study
    from fittingroom.studies.watch import Snapshot, Standing

STUDIES = Path("studies")


def study(
    plan: Annotated[
        str, typer.Argument(metavar="STUDY", help="notebook, or a TOML file that describes one")
    ],
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, help="how many, instead of the study's own")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="processes at work; by default one a core")
    ] = None,
    protocol: Annotated[
        str | None, typer.Option("--protocol", help="holdout or notebook, for every setting")
    ] = None,
    data: DataOption = "auto",
    classes: ClassesOption = None,
    size: SizeOption = None,
    device: DeviceOption = "auto",
    threads: Annotated[
        int, typer.Option("--threads", min=1, help="CPU threads of each process")
    ] = 1,
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
    with one_line_errors():
        terminal = Terminal(quiet=quiet, as_json=as_json)
        spoken = chosen_language(language)
        from fittingroom.runs.tracking import Tracking
        from fittingroom.studies.plan import read_plan

        tracking = Tracking(track or (), terminal.whisper)
        settled = read_plan(plan).but(seeds=seeds, protocol=protocol)
        terminal.say(
            f"study {settled.name}: {counted(len(settled.settings), 'setting')} x "
            f"{counted(len(settled.seeds), 'seed')} = {counted(len(settled.wanted), 'run')}"
        )
        from fittingroom.studies import conduct

        conduct.settle_place(settled.recipes, device, on, gpus_per_run)
        splits = load_data(terminal, data, classes, size)
        with follow_study(terminal) as on_progress:
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
                on_progress=on_progress,
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


@contextmanager
def follow_study(terminal: Terminal) -> Iterator[Callable[[Snapshot], None]]:
    """Show a live table on a terminal, one line a finished run elsewhere."""
    if terminal.quiet:
        yield lambda _snapshot: None
    elif terminal.console.is_terminal:
        from rich.live import Live

        with Live(console=terminal.console, auto_refresh=False, transient=True) as live:
            yield lambda snapshot: live.update(
                live_table(snapshot, terminal.console.height), refresh=True
            )
    else:
        yield lambda snapshot: print_news(terminal, snapshot)


def print_news(terminal: Terminal, snapshot: Snapshot) -> None:
    """Print a line for each run that has come to an end."""
    before = snapshot.done - len(snapshot.news)
    left = "" if snapshot.seconds_left is None else f", {duration(snapshot.seconds_left)} left"
    for number, (name, seed, accuracy) in enumerate(snapshot.news, start=before + 1):
        result = "diverged" if accuracy is None else f"{accuracy:.2%}"
        terminal.say(f"{number}/{snapshot.total}  {name}, seed {seed}: {result}{left}")


def live_table(snapshot: Snapshot, height: int) -> Table:
    """Return where a study stands as a table that fits a terminal of so many lines."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for index, column in enumerate(("setting", "done", "running", "mean so far")):
        table.add_column(column, justify="right" if index else "left", overflow="fold")
    for standing in those_that_fit(snapshot.standings, height - 6):
        table.add_row(*standing_cells(standing))
    left = (
        "" if snapshot.seconds_left is None else f", about {duration(snapshot.seconds_left)} left"
    )
    table.caption = f"{snapshot.done} of {snapshot.total} runs done{left}"
    table.caption_justify = "left"
    return table


def those_that_fit(standings: Sequence[Standing], lines: int) -> list[Standing]:
    """Return the settings to show: all, or first those that are being worked on."""
    if len(standings) <= lines:
        return list(standings)

    def urgency(index: int) -> tuple[bool, bool]:
        standing = standings[index]
        return not standing.running, len(standing.accuracies) + standing.failed == standing.total

    urgent = sorted(range(len(standings)), key=urgency)
    return [standings[index] for index in sorted(urgent[: max(lines, 1)])]


def standing_cells(standing: Standing) -> list[str]:
    """Return one setting's standing as text: done of total, running, mean ± half its interval."""
    from fittingroom.evaluation.significance import t_interval

    done = f"{len(standing.accuracies) + standing.failed}/{standing.total}"
    so_far = "-"
    if standing.accuracies:
        so_far = f"{fmean(standing.accuracies):.2%}"
        interval = t_interval(standing.accuracies)
        if interval:
            so_far += f" ± {50 * (interval[1] - interval[0]):.2f}"
    failed = f" ({standing.failed} diverged)" if standing.failed else ""
    running = str(standing.running) if standing.running else ""
    return [standing.setting.name, done + failed, running, so_far]
