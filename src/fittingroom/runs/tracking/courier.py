"""Carries what happens to a tracker's process, and never lets the one who trains wait for it.

Training puts a message into a queue and goes on. A thread carries it to the process and waits for
the answer, however long that takes. At the end the tracker is given some seconds more; then its
process is ended, whatever holds it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import Full, Queue
from typing import Any

from fittingroom.runs.process import our_modules
from fittingroom.training.history import Epoch

# Silence after which a tracker is left behind, once the run is over. MLflow took 7 s to make its
# database, and more where the cores had other work.
PATIENCE_SECONDS = 30.0
# At the end of a run a tracker that failed longer ago than this is asked once more.
RETRY_SECONDS = 30.0
# So many epochs, or ended runs of a study, may wait for a tracker.
MOST_WAITING = 10_000
STOP_SECONDS = 2.0
LOOK_SECONDS = 0.1
# A wait of which nobody asks what it is for.
UNNOTICED_SECONDS = 1.0

Message = Mapping[str, Any]


class Courier:
    """Carries messages to the process of one tracker, which begins and ends with it.

    Parameters
    ----------
    name
        The tracker's.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.problem: str | None = None
        """The first thing that went wrong, in a few words."""
        self.place: str | None = None
        """Where to look at what was tracked last."""
        self.complete = True
        """Whether every run that ended is tracked in whole."""
        self._epochs: deque[Epoch] = deque()
        self._post: Queue[Message | None] = Queue(MOST_WAITING)
        self._process: subprocess.Popen[bytes] | None = None
        self._left = False
        self._failed_at = -RETRY_SECONDS
        self._heard_at = time.monotonic()
        # Not the thread's join(), after which Python 3.11 takes it for ended if Ctrl-C came.
        self._ended = threading.Event()
        thread = threading.Thread(target=self._work, name=f"courier-{name}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system has no more of them
            self._lose(str(error))
            self._ended.set()

    def send(self, message: Message) -> None:
        """Take a message along; returns at once."""
        if not self._ended.is_set():
            self._put(message)

    def send_epoch(self, epoch: Epoch) -> None:
        """Take an epoch along, with those that still wait in one message; returns at once."""
        self._epochs.append(epoch)
        self.send({"do": "add"})

    def finish(self) -> None:
        """Take nothing along any more: what is on its way is the last."""
        self._heard_at = time.monotonic()
        self._put(None)

    def close(self, say: Callable[[str], None] = lambda _line: None) -> None:
        """Wait until all is delivered, though not for a tracker that is silent; end its process.

        Ctrl-C leaves it behind at once, and `say` is told so.
        """
        try:
            if not self._ended.wait(UNNOTICED_SECONDS):
                say(f"waiting for {self.name}; Ctrl-C leaves it behind")
            while not self._left and not self._ended.wait(LOOK_SECONDS):
                if time.monotonic() - self._heard_at > PATIENCE_SECONDS:
                    self._leave(f"no answer for {PATIENCE_SECONDS:g} seconds")
        except KeyboardInterrupt:
            self._leave("left behind at Ctrl-C")
        self._ended.wait(STOP_SECONDS)

    def _put(self, message: Message | None) -> None:
        try:
            self._post.put_nowait(message)
        except Full:
            self._leave(f"no answer while {MOST_WAITING:,} messages came to wait")

    def _leave(self, problem: str) -> None:
        """Give the tracker up: kill its process, which the thread then hears of."""
        self._lose(problem)
        self._left = True
        if self._process is not None:
            self._process.kill()

    def _lose(self, problem: str) -> None:
        self._fail(problem)
        self.complete = False

    def _fail(self, problem: str) -> None:
        self.problem = self.problem or problem
        self._failed_at = time.monotonic()

    def _work(self) -> None:
        try:
            process = self._process = start_worker(self.name)
            if self._left:  # before it was started
                process.kill()
            self._deliver_all(process)
        except Exception as error:
            self._lose(f"its process cannot be started: {error}")
        finally:
            self._ended.set()

    def _deliver_all(self, process: subprocess.Popen[bytes]) -> None:
        """Deliver one message after the other; end the process."""
        try:
            self._deliver(process, {"do": "load"})
            for message in iter(self._post.get, None):
                self._deliver(process, message)
        except (OSError, ValueError):  # a broken pipe, or half a line from one that died
            self._lose(f"its process ended by itself, exit code {stop(process)}")
        else:
            stop(process)

    def _deliver(self, process: subprocess.Popen[bytes], message: Message) -> None:
        if message["do"] == "add":
            waiting = [self._epochs.popleft() for _ in range(len(self._epochs))]
            if not waiting or self.problem:
                return  # all is caught up with at the run's end, from its folder
            message = {"do": "add", "epochs": [epoch.to_dict() for epoch in waiting]}
        ends = message["do"] == "end"
        if time.monotonic() - self._failed_at < RETRY_SECONDS:
            self.complete &= not ends
            return
        answer = exchange(process, message)
        self._heard_at = time.monotonic()
        self.place = answer.get("place", self.place)
        if "problem" in answer:
            self._fail(answer["problem"])
            self.complete &= not ends


def start_worker(name: str) -> subprocess.Popen[bytes]:
    """Start the process in which a tracker works."""
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "fittingroom.runs.tracking.worker", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | our_modules(),
        start_new_session=True,  # Ctrl-C is for the one who trains
    )


def exchange(process: subprocess.Popen[bytes], message: Message) -> dict[str, str]:
    """Send a message; return the answer.

    Raises
    ------
    OSError, ValueError
        If the process is no more.
    """
    if process.stdin is None or process.stdout is None:
        raise BrokenPipeError
    process.stdin.write(json.dumps(message, default=os.fspath).encode() + b"\n")
    process.stdin.flush()
    answer: dict[str, str] = json.loads(process.stdout.readline())
    return answer


def stop(process: subprocess.Popen[bytes]) -> int | None:
    """Let a process end, or end it; return its exit code."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what could not be written
                pipe.close()
    try:
        return process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    return process.returncode
