"""`verify`: whether what lies on the disk is still what was written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fittingroom.cli.options import RUNS, JsonOption
from fittingroom.cli.terminal import Terminal, one_line_errors
from fittingroom.errors import RunError

DAMAGED = 1


def verify(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FOLDER]...",
            help="of a run, a study, or several; by default runs, studies and the downloaded data",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """See whether runs, studies and data are whole.

    Every byte is read: is it still what was written? The exit code is 1 if anything is damaged.
    """
    with one_line_errors():
        terminal = Terminal(as_json=as_json)
        damaged = look_at(folders)
        for folder, problems in damaged.items():
            for problem in problems or [f"{folder}: whole"]:
                terminal.say(problem)
        if not damaged:
            terminal.say("nothing to look at: no runs, no studies, no downloaded data")
        if as_json:
            terminal.result("", damaged)
    if any(damaged.values()):
        raise typer.Exit(DAMAGED)


def look_at(folders: list[Path] | None) -> dict[str, list[str]]:
    """Return for each run, study and data set what is damaged in it, one line each."""
    from fittingroom.studies import verify as studies

    found: dict[str, list[str]] = {}
    for folder in folders or (RUNS, Path("studies")):
        inside = studies.verify(folder)
        if folders and not inside:
            raise RunError(f"{folder}: expected the folder of a run, a study, or of several")
        found |= {str(place): [one.reason for one in some] for place, some in inside.items()}
    return found if folders else found | damaged_downloads()


def damaged_downloads() -> dict[str, list[str]]:
    """Return what is damaged of the downloaded Fashion-MNIST."""
    from fittingroom.data import fashion_mnist
    from fittingroom.data.download import cache_folder

    folder = cache_folder() / fashion_mnist.NAME
    if not folder.is_dir():
        return {}
    changed = fashion_mnist.changed_files(folder)
    return {str(folder): [f"{path}: damaged; it is fetched again when needed" for path in changed]}
