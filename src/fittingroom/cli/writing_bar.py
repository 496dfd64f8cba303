"""How far the writing of a large data set is: a bar on a terminal, some lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fittingroom.cli.terminal import Terminal, duration

# Seconds between two lines where there is no terminal.
BETWEEN_LINES = 30.0


@contextmanager
def follow_writing(terminal: Terminal) -> Iterator[Callable[[int, int], None]]:
    """Give a function to call with the number of pictures that are written, and of all."""
    if terminal.quiet:
        yield lambda _done, _all: None
    elif terminal.console.is_terminal:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.completed:,} of {task.total:,} pictures"), BarColumn())
        with Progress(
            *columns, TimeRemainingColumn(), console=terminal.console, transient=True
        ) as bar:
            task = bar.add_task("", visible=False)
            yield lambda done, total: bar.update(task, visible=True, completed=done, total=total)
    else:
        yield Lines(terminal)


class Lines:
    """Whispers a line at the beginning and then every half minute."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.started = self.said = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Hear how many of all pictures are written."""
        now = time.monotonic()
        if done == 0:
            self.terminal.whisper(f"Writing {total:,} pictures ...")
        elif now - self.said >= BETWEEN_LINES and done < total:
            self.said = now
            left = duration((now - self.started) * (total - done) / done)
            self.terminal.whisper(f"{done:,} of {total:,} pictures, {left} left")
