"""Trackers that people already use, beside the run folder: MLflow, TensorBoard.

A tracker listens and never has a say. It works in a process of its own (`worker.py`), to which a
thread carries what happens (`courier.py`): so a server that is slow, silent or gone, and a library
that hangs, warns or crashes, costs a run no time, and its result is that of an untracked one, bit
for bit. What goes wrong is said once, as a warning.

Whatever a tracker knows of a run, but for the epochs of one that goes on, it reads in its folder.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fittingroom.errors import TrackingError
from fittingroom.runs.run import Run
from fittingroom.runs.tracking.courier import Courier
from fittingroom.runs.tracking.mlflow import MLflow
from fittingroom.runs.tracking.tensorboard import TensorBoard
from fittingroom.runs.tracking.tracker import Tracker
from fittingroom.training.history import Progress

TRACKERS: dict[str, type[Tracker]] = {"mlflow": MLflow, "tensorboard": TensorBoard}

UNHARMED = "only the tracking is affected, the run folder has everything"

OnStart = Callable[[Run], None]
OnProgress = Callable[[Progress], None]


class Tracking:
    """Tells trackers of runs.

    Parameters
    ----------
    names
        Of trackers, in TRACKERS; none for no tracking.
    say
        Called with a line for the person who waits for a tracker.

    Raises
    ------
    TrackingError
        If one is unknown, or what it needs is not installed.
    """

    def __init__(
        self, names: str | Iterable[str] = (), say: Callable[[str], None] = lambda _line: None
    ) -> None:
        self.names = tuple(dict.fromkeys([names] if isinstance(names, str) else names))
        self.say = say
        self.places: dict[str, str] = {}
        """Where to look, by tracker; those are missing that did not get all."""
        self._couriers: list[Courier] = []
        self._reported: set[str] = set()
        for name in self.names:
            check_tracker(name)

    @contextmanager
    def follow(
        self, on_start: OnStart, on_progress: OnProgress
    ) -> Iterator[tuple[OnStart, OnProgress]]:
        """Follow one run live, by the callbacks that are yielded; they call the given ones too."""
        begun: list[Run] = []

        def start(run: Run) -> None:
            begun.append(run)
            self.tell({"do": "begin", "folder": run.folder})
            on_start(run)

        def progress(moment: Progress) -> None:
            if moment.finished is not None:
                for courier in self._couriers:
                    courier.send_epoch(moment.finished)
                self.report()
            on_progress(moment)

        with self.at_work():
            try:
                yield (start, progress) if self.names else (on_start, on_progress)
            finally:
                for run in begun:
                    self.tell({"do": "end", "folder": run.folder})

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let the trackers work; at the end wait for them, but for none that is silent."""
        self.places, self._reported = {}, set()
        self._couriers = [Courier(name) for name in self.names]
        try:
            yield
        finally:
            for courier in self._couriers:
                courier.finish()
            for courier in self._couriers:
                courier.close(self.say)
                if courier.complete and courier.place:
                    self.places[courier.name] = courier.place
            self.report()

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send a message to every tracker."""
        for courier in self._couriers:
            courier.send(message)
        self.report()

    def report(self) -> None:
        """Warn of what went wrong with a tracker, once."""
        for courier in self._couriers:
            if courier.problem and courier.name not in self._reported:
                self._reported.add(courier.name)
                where = TRACKERS[courier.name].address()
                warn(f"{courier.name} ({where}): {courier.problem}; {UNHARMED}")


Track = str | Iterable[str] | Tracking


def tracking_by(track: Track) -> Tracking:
    """Return the tracking that is meant: by one tracker, several, or none."""
    return track if isinstance(track, Tracking) else Tracking(track)


def check_tracker(name: str) -> None:
    """See that there is such a tracker, and that it is installed.

    Raises
    ------
    TrackingError
        If not.
    """
    if name not in TRACKERS:
        raise TrackingError(f"unknown tracker {name!r}; known are {', '.join(TRACKERS)}")
    package = TRACKERS[name].package
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:  # not there, or a mere folder of that name
        raise TrackingError(
            f"tracking by {name} needs a package that is not installed: "
            f"pip install 'fittingroom[{package}]'"
        )


def warn(text: str) -> None:
    """Warn of a tracker; where a warning is an error, which would end the run, just say it."""
    try:
        warnings.warn(text, stacklevel=4)
    except UserWarning:
        sys.stderr.write(f"{text}\n")
