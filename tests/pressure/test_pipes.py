"""Output that nobody reads to its end: `| head`, a closed terminal, a log on a full disk."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import fittingroom as fr
from fittingroom.cli import main
from fittingroom.cli.streams import Stream

pytestmark = pytest.mark.usefixtures("isolated")

TRAIN = ("--model", "two-layer", "--epochs", "2", "--no-report", "--no-figures")


@pytest.fixture
def unread() -> Iterator[io.TextIOWrapper]:
    """A pipe whose reader has left."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        yield stream


def run(
    monkeypatch: pytest.MonkeyPatch, out: io.TextIOWrapper | None, *words: object
) -> tuple[object, str]:
    """Call the command with this standard output; return its exit code and what it complains of."""
    complaints = io.StringIO()
    monkeypatch.setattr(sys, "argv", ["fittingroom", *map(str, words)])
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", complaints)
    with pytest.raises(SystemExit) as exit_:
        main()
    return exit_.value.code or 0, complaints.getvalue()


@pytest.mark.parametrize(
    "words",
    [("--help",), ("train", "--help"), ("recipes",), ("recipes", "--json"), ("runs",), ("data",)],
)
def test_what_only_tells_something_ends_quietly_where_nobody_reads_it(
    monkeypatch: pytest.MonkeyPatch,
    unread: io.TextIOWrapper,
    shapes_folder: Path,
    words: tuple[str, ...],
) -> None:
    if words == ("data",):
        words = ("data", "show", str(shapes_folder))
    assert run(monkeypatch, unread, *words) == (0, "")


@pytest.mark.parametrize("words", [(), ("--json", "--quiet")])
def test_a_training_whose_words_nobody_reads_comes_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
    unread: io.TextIOWrapper,
    shapes_folder: Path,
    words: tuple[str, ...],
) -> None:
    """Who pipes a night's training into `head -1` still wants the run."""
    assert run(monkeypatch, unread, "train", "--data", shapes_folder, *TRAIN, *words) == (0, "")
    assert fr.open_run().status == "finished"


def test_a_command_without_a_standard_output_works(
    monkeypatch: pytest.MonkeyPatch, shapes_folder: Path
) -> None:
    """As `fittingroom train >&-` starts it."""
    assert run(monkeypatch, None, "train", "--data", shapes_folder, *TRAIN) == (0, "")
    assert fr.open_run().status == "finished"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
@pytest.mark.parametrize("command", ["recipes", "train"])
def test_a_log_on_a_full_disk_loses_no_run_and_is_told_at_the_end(
    monkeypatch: pytest.MonkeyPatch, shapes_folder: Path, command: str
) -> None:
    words = ("--data", shapes_folder, *TRAIN) if command == "train" else ()
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        code, complaint = run(monkeypatch, full, command, *words)
    where = "fittingroom: the standard output: cannot be written:"
    assert (code, complaint) == (2, f"{where} {os.strerror(errno.ENOSPC)}\n")
    if command == "train":
        assert fr.open_run().status == "finished"


def test_a_stream_drops_what_nobody_reads_or_says_that_it_is_over(
    unread: io.TextIOWrapper,
) -> None:
    stream = Stream(unread, lasting=False)
    stream.write("waits in the buffer")
    with pytest.raises(typer.Exit):
        stream.flush()
    stream.write("all that follows goes nowhere")
    stream.flush()
    assert stream.problem is None
