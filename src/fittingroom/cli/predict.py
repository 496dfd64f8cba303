"""`predict` and `export`."""

from __future__ import annotations

import csv
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fittingroom.cli.options import (
    RUNS,
    DataNowOption,
    JsonOption,
    OwnNetworkOption,
    RunArgument,
    RunsOption,
)
from fittingroom.cli.terminal import BAD_INPUT, Terminal, complain, one_line_errors
from fittingroom.errors import PhotoError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fittingroom.serving.predict import Prediction


def predict(
    model: Annotated[
        str,
        typer.Argument(metavar="RUN", help="a run's name, folder, or latest; or an exported .onnx"),
    ],
    photos: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PHOTO...", help="pictures, folders of pictures, or - for standard input"
        ),
    ] = None,
    show: Annotated[
        Path | None,
        typer.Option(
            "--show",
            metavar="FILE",
            help="draw each photo, what the model saw, its answers and what mattered: "
            "a .png, .svg or .pdf",
        ),
    ] = None,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="the answers as CSV")] = False,
    data: DataNowOption = None,
    network: OwnNetworkOption = None,
    out: RunsOption = RUNS,
) -> None:
    """Say what your own photos show."""
    with one_line_errors():
        from fittingroom.serving.predict import Predictions, answers, find_photos
        from fittingroom.serving.predictor import open_predictor

        if not photos and Path(model).is_file() and Path(model).suffix != ".onnx":
            raise PhotoError(f"name the run before the photo: `fittingroom predict latest {model}`")
        if as_json and as_csv:
            raise PhotoError("--json or --csv, not both")
        if show is not None:
            check_drawable(show)
        terminal = Terminal(as_json=as_json or as_csv)
        found = find_photos(photos or [])
        with nothing_collected():
            predictor = open_predictor(model, data=data, runs=out, network=network)
        unread: list[PhotoError] = []
        predicted = tuple(
            answers(predictor, found, explain=show is not None, on_error=unread.append)
        )
        if as_json:
            terminal.result("", [one.to_dict() for one in predicted])
        elif as_csv:
            write_csv(predicted, predictor.classes)
        elif predicted:
            print_table(terminal, predicted)
            say_what_to_mind(terminal, predictor.sketches, predictor.fitted_on)
        for error in unread:
            complain(str(error))
        if show is not None and predicted:
            from fittingroom.evaluation.figures.style import write

            write(Predictions(predicted, predictor).plot(), show)
            terminal.say(f"drawn: {show}")
        if unread:
            raise typer.Exit(BAD_INPUT)


@contextmanager
def nothing_collected() -> Iterator[None]:
    """Import libraries and load a model without a search for garbage: a tenth less of a photo."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def say_what_to_mind(terminal: Terminal, sketches: bool, fitted_on: str) -> None:
    """Say below the answers what holds for all of them."""
    if sketches:
        terminal.say("the model has learned from built-in sketches, not from Fashion-MNIST")
    if fitted_on != "validation":
        terminal.say(
            "no validation pictures were held back: the confidence is higher than it should be"
        )


def print_table(terminal: Terminal, predicted: tuple[Prediction, ...]) -> None:
    """Print one line a photo; the last column only where there is something to mind."""
    from fittingroom.serving.predict import COLUMNS, cells

    rows = [cells(one) for one in predicted]
    width = len(COLUMNS) if any(row[-1] for row in rows) else len(COLUMNS) - 1
    terminal.table(COLUMNS[:width], [row[:width] for row in rows], words=width)


def write_csv(predicted: Iterable[Prediction], classes: Iterable[str]) -> None:
    """Write one line a photo: answer, confidence, warnings, and the probability of each class."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    names = list(classes)
    writer.writerow(["file", "answer", "confidence", "believable", "warnings", *names])
    for one in predicted:
        writer.writerow(
            [
                one.name,
                one.answer,
                f"{one.confidence:.6f}",
                str(one.believable).lower(),
                " ".join(one.warnings),
                *(f"{share:.6f}" for share in one.probabilities.tolist()),
            ]
        )


def check_drawable(path: Path) -> None:
    """See that there is a place for a drawing, before anything is computed.

    Raises
    ------
    PhotoError
        If there is not.
    """
    if path.suffix.lower() not in {".png", ".svg", ".pdf"}:
        raise PhotoError(f"{path}: expected a name that ends in .png, .svg or .pdf")
    if not path.absolute().parent.is_dir():
        raise PhotoError(f"{path}: cannot be written: there is no folder {path.parent}")


def export(
    run: RunArgument,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="the .onnx file to write")],
    data: DataNowOption = None,
    network: OwnNetworkOption = None,
    out: RunsOption = RUNS,
) -> None:
    """Write a model as an ONNX file, checked on real pictures."""
    with one_line_errors(lasting=True):
        from fittingroom.serving.export import CHECKED, MOST_DIFFERENT
        from fittingroom.serving.export import export as write_export

        written = write_export(run, path, data=data, runs=out, network=network)
        size = written.stat().st_size / 2**20
        Terminal().say(
            f"exported: {written} ({size:.1f} MB); on up to {CHECKED} real pictures it answers as "
            f"the model, no probability differs by more than {MOST_DIFFERENT:g}"
        )
