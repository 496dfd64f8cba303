"""The flags that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataOption = Annotated[
    str,
    typer.Option(
        "--data",
        help="auto, fashion-mnist, sketches, or a path: a folder, zip, CSV or npz",
        show_default=False,
    ),
]
ClassesOption = Annotated[
    Path | None, typer.Option("--classes", help="text file with one class name a line")
]
SizeOption = Annotated[
    str | None, typer.Option("--size", help="resize pictures of folders: 28 or HEIGHTxWIDTH")
]
RunsOption = Annotated[Path, typer.Option("--out", "--runs", help="folder of the runs")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="only warnings and errors")]
JsonOption = Annotated[bool, typer.Option("--json", help="the result as JSON, for programs")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="a run's name, folder, or latest")]

RUNS = Path("runs")
