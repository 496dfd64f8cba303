"""What a person sees: messages, a live bar, tables; plain lines where there is no terminal."""

from __future__ import annotations

import errno
import json
import logging
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fittingroom.cli.streams import close_streams, go_on_unread
from fittingroom.errors import FittingroomError
from fittingroom.training.ending import ending_by_signals, signal_of
from fittingroom.training.torchrun import first_to_tell, is_first, leave_word

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

    from fittingroom.training.history import Epoch, Progress

# Where there is no terminal a row is one line, for grep and for logs.
PLAIN_WIDTH = 1000
BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells have it

# What a disk or its owner may say to a file.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS}


class Terminal:
    """Where a command's words go.

    Parameters
    ----------
    quiet
        Nothing but warnings, errors and what was asked for.
    as_json
        Results as JSON on the standard output; words for people go to the standard error.
    """

    def __init__(self, *, quiet: bool = False, as_json: bool = False) -> None:
        from rich.console import Console

        self.quiet = quiet
        self.as_json = as_json
        self.console: Console = Console(stderr=as_json, highlight=False, markup=False)
        if not self.console.is_terminal:
            self.console.width = PLAIN_WIDTH

    def say(self, text: str = "") -> None:
        """Print words for people; on a terminal lines break between words, never within."""
        if self.quiet:
            return
        if self.console.is_terminal:
            text = "\n".join(fold(line, self.console.width) for line in text.split("\n"))
        self.console.print(text, soft_wrap=True)

    def whisper(self, text: str) -> None:
        """Print what goes on, for people who wait, to the standard error."""
        if not self.quiet:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def result(self, text: str, value: Any) -> None:
        """Print what the command was asked for: `text`, or `value` as JSON."""
        if self.as_json:
            sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
        elif not self.quiet:
            self.console.print(text, soft_wrap=True)

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1
    ) -> None:
        """Print a table; its first `words` columns stand left, the others, numbers, right."""
        from rich import box
        from rich.table import Table

        if self.quiet:
            return
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for index, column in enumerate(columns):
            table.add_column(column, justify="left" if index < words else "right", overflow="fold")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    @contextmanager
    def follow_training(self) -> Iterator[Callable[[Progress], None]]:
        """Show a live bar on a terminal, one line an epoch elsewhere."""
        if self.quiet:
            yield lambda _progress: None
        elif self.console.is_terminal:
            with new_bar(self.console) as bar:
                yield BarUpdater(bar)
        else:
            yield self._print_epoch

    def _print_epoch(self, progress: Progress) -> None:
        if progress.finished is not None:
            cells = zip(EPOCH_COLUMNS, epoch_cells(progress.finished), strict=True)
            line = "  ".join(f"{name} {cell}" for name, cell in cells)
            self.console.print(f"{line}  ({progress.epochs} epochs)", soft_wrap=True)


def fold(line: str, width: int) -> str:
    """Break a line between words, under its own indentation; paths stay whole."""
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.fill(
        line,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


EPOCH_COLUMNS = ("epoch", "loss", "accuracy", "val. loss", "val. accuracy", "lr", "seconds")


def epoch_cells(epoch: Epoch) -> list[str]:
    """Return one epoch's numbers as text, in the order of EPOCH_COLUMNS."""

    def number(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    return [
        str(epoch.epoch),
        number(epoch.train_loss, ".4f"),
        number(epoch.train_accuracy, ".2%"),
        number(epoch.validation_loss, ".4f"),
        number(epoch.validation_accuracy, ".2%"),
        number(epoch.learning_rate, ".2g"),
        number(epoch.seconds, ".2f"),
    ]


def new_bar(console: Console) -> Bar:
    """Return a bar that disappears when it is done."""
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("epoch {task.fields[epoch]}"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]}"),
        TextColumn("{task.fields[validation]}"),
        TextColumn("{task.fields[rate]} images/s"),
        TextColumn("{task.fields[left]} left"),
        console=console,
        transient=True,
    )


class BarUpdater:
    """Moves a bar as training goes on.

    Parameters
    ----------
    bar
        A started rich Progress.
    """

    def __init__(self, bar: Bar) -> None:
        self.bar = bar
        self.validation = ""
        self.task = bar.add_task(
            "", visible=False, epoch="", loss="", validation="", rate="", left=""
        )

    def __call__(self, progress: Progress) -> None:
        """Show this moment."""
        if progress.finished is not None and progress.finished.validation_accuracy is not None:
            self.validation = f"val. accuracy {progress.finished.validation_accuracy:.2%}"
        self.bar.update(
            self.task,
            visible=True,
            total=progress.epochs * progress.steps,
            completed=(progress.epoch - 1) * progress.steps + progress.step,
            epoch=f"{progress.epoch}/{progress.epochs}",
            loss=f"{progress.loss:.4f}",
            validation=self.validation,
            rate=f"{progress.images_per_second:,.0f}",
            left=duration(progress.seconds_left),
        )


def duration(seconds: float) -> str:
    """Return seconds as people say them: "8 s", "2:05", "1:02:05"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def one_line_errors(*, lasting: bool = False) -> Iterator[None]:
    """Turn what a person can mend into one line on the standard error and exit code 2.

    Warnings are one line each too. Errors of the program itself keep their traceback. Of several
    processes one says the line. A signal that asks the process to end has a line as Ctrl-C has.

    Parameters
    ----------
    lasting
        The command's work is kept, and goes on even if nobody reads what it prints.
    """
    import typer

    warnings.showwarning = show_warning  # type: ignore[assignment]
    # Of a home that cannot be written to: it works, by a folder that it makes for itself.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if lasting:
        go_on_unread()
    try:
        with ending_by_signals():
            yield
        close_streams()
    except FittingroomError as error:
        complain_once(str(error))
        raise typer.Exit(BAD_INPUT) from None
    except KeyboardInterrupt as error:
        complain_once(str(error) or "interrupted")
        raise typer.Exit(128 + signal_of(error)) from None
    except MemoryError:
        complain_once("out of memory; try less data, smaller pictures or a smaller --batch-size")
        raise typer.Exit(BAD_INPUT) from None
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        complain_once(f"{error.filename or 'a file'}: cannot be written: {error.strerror}")
        raise typer.Exit(BAD_INPUT) from None


def complain(text: str) -> None:
    """Print one line to the standard error."""
    sys.stderr.write(f"fittingroom: {' '.join(text.split())}\n")


def complain_once(text: str) -> None:
    """Print the line for which this process ends, unless another has: all end for the same."""
    if first_to_tell():
        complain(text)
    leave_word(text)


def show_warning(message: Warning | str, *_where: Any) -> None:
    """Print a warning as one line, without the place in the code that a user has no use for."""
    if is_first():
        complain(f"warning: {message}")
