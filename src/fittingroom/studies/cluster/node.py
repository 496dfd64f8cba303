"""What a task on a node has of the one who gave it: letters to send, output to hand on."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Said:
    """A message that a task sent."""

    ticket: int
    message: Any


@dataclass(frozen=True)
class Printed:
    """A line that a task printed, or a warning that it gave."""

    ticket: int
    line: str


@dataclass(frozen=True)
class Shared:
    """Stands for a value that nodes fetch once."""

    reference: Any


class Mailbox:
    """Lies in the cluster: what tasks said until it is read, and which of them are to stop."""

    def __init__(self) -> None:
        self.letters: list[Said | Printed] = []
        self.stopping: set[int] = set()

    def put(self, letter: Said | Printed) -> None:
        """Take a letter."""
        self.letters.append(letter)

    def empty(self) -> list[Said | Printed]:
        """Return the letters, which are forgotten."""
        letters, self.letters = self.letters, []
        return letters

    def stop(self, ticket: int) -> None:
        """Remember that this task is to stop."""
        self.stopping.add(ticket)

    def is_to_stop(self, ticket: int) -> bool:
        """Tell whether this task is to stop."""
        return ticket in self.stopping


class Post:
    """A task's connection with the one who gave it.

    Parameters
    ----------
    mailbox
        The actor.
    ticket
        Of the task.
    """

    def __init__(self, mailbox: Any, ticket: int, get: Callable[[Any], Any]) -> None:
        self._mailbox, self._ticket, self._get = mailbox, ticket, get

    def send(self, message: Any) -> None:
        """Say something, without waiting until it is heard."""
        self._mailbox.put.remote(Said(self._ticket, message))

    def print(self, line: str) -> None:
        """Hand on a line of output."""
        self._mailbox.put.remote(Printed(self._ticket, line))

    def asked_to_stop(self) -> bool:
        """Tell whether `Cluster.ask_to_stop` named this task."""
        return bool(self._get(self._mailbox.is_to_stop.remote(self._ticket)))


class Lines(io.TextIOBase):
    """A text file that hands on what is written to it line by line."""

    def __init__(self, hand_on: Callable[[str], None]) -> None:
        self.hand_on = hand_on
        self.rest = ""

    def write(self, text: str) -> int:
        """Take text, and hand on the lines that it completes."""
        *lines, self.rest = (self.rest + text).split("\n")
        for line in filter(str.strip, lines):
            self.hand_on(line)
        return len(text)

    def close(self) -> None:
        """Hand on the last line, which had no end."""
        self.write("\n")
        super().close()


@contextmanager
def output_to(hand_on: Callable[[str], None]) -> Iterator[None]:
    """Hand on what is printed within, and warnings."""
    lines = Lines(hand_on)
    with redirect_stdout(lines), redirect_stderr(lines), warnings.catch_warnings():
        warnings.showwarning = lambda message, *_more, **_ways: hand_on(f"warning: {message}")
        try:
            yield
        finally:
            lines.close()
