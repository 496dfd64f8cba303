"""The flags that commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from fittingroom.errors import FittingroomError

DataOption = Annotated[
    str,
    typer.Option(
        "--data",
        help="auto, fashion-mnist, sketches, or a path: a folder, zip, CSV, npz or shards",
        show_default=False,
    ),
]
DataNowOption = Annotated[
    str | None, typer.Option("--data", help="where the data are now, if not where they were")
]
OwnNetworkOption = Annotated[
    str | None, typer.Option("--model", help="module:Class, for a run of a network of your own")
]
ClassesOption = Annotated[
    Path | None, typer.Option("--classes", help="text file with one class name a line")
]
SizeOption = Annotated[
    str | None, typer.Option("--size", help="resize pictures of folders: 28 or HEIGHTxWIDTH")
]
RunsOption = Annotated[Path, typer.Option("--out", "--runs", help="folder of the runs")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps")]
OnOption = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="WHERE",
        help="local; ray: a Ray started here; or a Ray cluster: auto, HOST:PORT, ray://HOST:PORT",
    ),
]
GpusPerRunOption = Annotated[
    float | None,
    typer.Option(
        "--gpus-per-run", help="GPUs of each process on a cluster, 0.1 for a tenth of one"
    ),
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", min=1, help="processes at work; by default one a core")
]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="CPU threads of each process")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="only warnings and errors")]
JsonOption = Annotated[bool, typer.Option("--json", help="the result as JSON, for programs")]
ReportOption = Annotated[bool, typer.Option(help="write the report, report.html")]
LanguageOption = Annotated[
    str | None,
    typer.Option("--lang", help="language of the report: en or ko; by default the terminal's"),
]
TrackOption = Annotated[
    list[str] | None,
    typer.Option(
        "--track",
        metavar="TRACKER",
        help="write runs down with mlflow or tensorboard too; may be given twice",
    ),
]
FormatOption = Annotated[str, typer.Option("--format", help="html or md")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="a run's name, folder, or latest")]

RUNS = Path("runs")


def chosen_language(language: str | None) -> str:
    """Return the language asked for; else Korean where the terminal speaks it, or English.

    Raises
    ------
    FittingroomError
        If it is another one.
    """
    if language is None:
        settings = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
        return "ko" if next(filter(None, settings), "").startswith("ko") else "en"
    from fittingroom.reports.texts import LANGUAGES

    if language not in LANGUAGES:
        raise FittingroomError(f"unknown language {language!r}; known are {', '.join(LANGUAGES)}")
    return language
