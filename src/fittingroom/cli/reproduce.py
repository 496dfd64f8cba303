"""`reproduce`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fittingroom.cli.options import (
    RUNS,
    DataNowOption,
    JsonOption,
    OwnNetworkOption,
    QuietOption,
)
from fittingroom.cli.terminal import Terminal, one_line_errors
from fittingroom.cli.training import announce_run

OTHERWISE = 1


def reproduce(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="a run's name, folder, or latest; or a copy of its run.json"
        ),
    ] = "latest",
    data: DataNowOption = None,
    device: Annotated[
        str | None, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps, if not its own")
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="CPU threads, if not as many as it had")
    ] = None,
    model: OwnNetworkOption = None,
    runs: Annotated[Path, typer.Option("--runs", help="folder of the runs")] = RUNS,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="folder to keep the repetition in; without it only one that is different is "
            "kept, in ./reproduced",
        ),
    ] = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a run again and compare.

    Says: identical, bit for bit; or equal within noise, and what was computed otherwise; or
    different, and in what. Exit code 1 if it is different.
    """
    with one_line_errors():
        from fittingroom.runs.comparison import DIFFERENT
        from fittingroom.runs.reproduce import reproduce as repeat

        terminal = Terminal(quiet=quiet, as_json=as_json)
        with terminal.follow_training() as on_progress:
            found = repeat(
                run,
                data,
                runs=runs,
                device=device,
                threads=threads,
                network=model,
                out=out,
                on_start=lambda started: announce_run(terminal, started),
                on_progress=on_progress,
            )
        terminal.say()
        terminal.result(str(found), found.to_dict())
        if found.kept is not None:
            terminal.say(f"the repetition lies in {found.kept}")
        if found.verdict == DIFFERENT:
            raise typer.Exit(OTHERWISE)
