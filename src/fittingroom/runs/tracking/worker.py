"""The process in which a tracker works: `python -m fittingroom.runs.tracking.worker NAME`.

It reads one message a line, JSON, from its standard input, and answers each with one line: what
went wrong, if anything did, and where to look at what is tracked. Whatever the tracker's library
prints, warns of, starts at its import or leaves running ends here, with this process. It ends when
its standard input closes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from fittingroom.errors import FittingroomError
from fittingroom.runs import folder as files
from fittingroom.runs.run import Run
from fittingroom.runs.tracking import TRACKERS
from fittingroom.runs.tracking.mlflow import without_password
from fittingroom.runs.tracking.tracker import Tracker, moments
from fittingroom.training.ending import SIGNALS
from fittingroom.training.history import Epoch

# Two commands on one study meet at each run; none needs the lock for longer.
LOCK_SECONDS = 20.0
MOST_LETTERS = 200


class Worker:
    """Follows the runs that it is told of, one at a time.

    Parameters
    ----------
    name
        The tracker's, in TRACKERS.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.tracker: Tracker | None = None
        self.folder: Path | None = None
        self.history: dict[int, Epoch] = {}

    def answer(self, message: Mapping[str, Any]) -> dict[str, str]:
        """Do what a message asks for; return what went wrong, or where to look."""
        what = {"load": self.load, "begin": self.begin, "add": self.add, "end": self.end}[
            message["do"]
        ]
        lock = message.get("lock")
        guard = FileLock(f"{lock}-{self.name}.lock", LOCK_SECONDS) if lock else nullcontext()
        try:
            with guard:
                what(message)
        except Exception as error:
            return {"problem": reason(error)}
        return {"place": self.tracker.place} if self.tracker else {}

    def load(self, _message: Mapping[str, Any]) -> None:
        """Import the tracker's library."""
        TRACKERS[self.name].load()

    def begin(self, message: Mapping[str, Any]) -> None:
        """Begin to follow a run, or go on where an earlier process stopped."""
        self.tracker = self.folder = None
        run = Run(Path(message["folder"]))
        tracker = TRACKERS[self.name](run, message.get("labels", {}))
        if tracker.status == run.status and run.status in {files.FINISHED, files.FAILED}:
            self.tracker = tracker
            return  # all of it is there
        tracker.begin()
        self.tracker, self.folder = tracker, run.folder
        self.history = {epoch.epoch: epoch for epoch in history_of(run)}

    def add(self, message: Mapping[str, Any]) -> None:
        """Add epochs to the run that is followed."""
        self._note([Epoch(**fields) for fields in message["epochs"]])

    def end(self, message: Mapping[str, Any]) -> None:
        """End a run; one that was not followed, or not from its beginning, is read in whole."""
        run = Run(Path(message["folder"]))
        if self.folder != run.folder:
            self.begin(message)
        if self.tracker is not None and self.folder is not None:
            self._note(history_of(run))
            self.tracker.end(run)
            self.folder = None

    def abandon(self) -> None:
        """End the run that is followed, if any: whoever trained it is no more."""
        if self.folder is not None:
            self.answer({"do": "end", "folder": self.folder})

    def _note(self, epochs: Sequence[Epoch]) -> None:
        """Track the epochs that are not tracked yet."""
        self.history |= {epoch.epoch: epoch for epoch in epochs}
        known = [self.history[number] for number in sorted(self.history)]
        if self.tracker is None or self.folder is None:
            return
        ends = moments(self.tracker.run, known)
        new = [epoch for epoch in known if epoch.epoch not in self.tracker.epochs]
        self.tracker.add([(ends[epoch.epoch], epoch) for epoch in new])
        self.tracker.epochs |= {epoch.epoch for epoch in new}


def history_of(run: Run) -> Sequence[Epoch]:
    """Return a run's epochs; none where there is no history yet."""
    with suppress(FittingroomError):
        return run.history
    return ()


def reason(error: BaseException) -> str:
    """Say in a few words what was wrong.

    Where the system refused something, its own words are the shortest: "Connection refused".
    """
    told, inner = error, behind(error)
    while inner is not None:
        told = inner if isinstance(inner, OSError) else told
        inner = behind(inner)
    words = str(told).strip() or type(told).__name__
    if isinstance(told, OSError) and told.strerror:
        words = f"{told.filename}: {told.strerror}" if told.filename else told.strerror
    return without_password(words.splitlines()[0])[:MOST_LETTERS]


def behind(error: BaseException) -> BaseException | None:
    """Return the error from which this one came, unless it was to be forgotten."""
    return error.__cause__ if error.__suppress_context__ else error.__context__


def main(name: str) -> None:
    """Work until the standard input closes."""
    for number in SIGNALS:  # these are for the one who trains, who then has things to say
        signal.signal(number, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints is no answer
    worker = Worker(name)
    with suppress(BrokenPipeError):
        for line in sys.stdin.buffer:
            print(json.dumps(worker.answer(json.loads(line))), file=answers, flush=True)
    worker.abandon()
    os._exit(0)  # nothing that a library left running holds this process


if __name__ == "__main__":
    main(sys.argv[1])
