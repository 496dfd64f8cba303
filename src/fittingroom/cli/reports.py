"""`report`: the written report of runs, studies and tunings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fittingroom.cli.options import (
    RUNS,
    ClassesOption,
    DataNowOption,
    FormatOption,
    LanguageOption,
    RunsOption,
    chosen_language,
)
from fittingroom.cli.terminal import Terminal, one_line_errors

if TYPE_CHECKING:
    from fittingroom.data.dataset import DataSplits
    from fittingroom.runs.run import Run
    from fittingroom.studies.study import Study
    from fittingroom.tuning.tuning import Tuning


def report(
    subjects: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|STUDY|TUNING",
            help="a run's name, folder or latest; a study's or tuning's folder; or several runs "
            "to compare",
        ),
    ],
    to: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="the file to write; by default in the folder"),
    ] = None,
    language: LanguageOption = None,
    kind: FormatOption = "html",
    data: DataNowOption = None,
    classes: ClassesOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Write the report of a run, a study, a tuning, or several runs."""
    with one_line_errors(lasting=True):
        terminal = Terminal()
        spoken = chosen_language(language)
        from fittingroom.cli.data import load_data

        splits = load_data(terminal, data, classes, None) if data is not None else None
        subject = subject_of(subjects, runs)
        write_report(terminal, subject, spoken, splits, to=to, kind=kind)


def subject_of(names: list[str], runs: Path) -> Run | Study | Tuning:
    """Open what a report is asked about: a study, a tuning, a run, or runs to compare."""
    from fittingroom.runs.run import open_run
    from fittingroom.studies.study import RECORD, gather, open_study
    from fittingroom.tuning.tuning import RECORD as TUNING
    from fittingroom.tuning.tuning import open_tuning

    if len(names) == 1 and (Path(names[0]) / RECORD).is_file():
        return open_study(names[0])
    if len(names) == 1 and (Path(names[0]) / TUNING).is_file():
        return open_tuning(names[0])
    opened = [open_run(name, runs=runs) for name in names]
    return opened[0] if len(opened) == 1 else gather(opened)


def write_report(
    terminal: Terminal,
    subject: Run | Study | Tuning,
    language: str,
    splits: DataSplits | None = None,
    *,
    to: Path | None = None,
    kind: str = "html",
) -> None:
    """Write a report and say where it lies."""
    from fittingroom.reports.report import report

    path = report(subject, to, language=language, format=kind, data=splits)
    terminal.say(f"report: {path}")
