"""Several processes that share some work: start them, follow them, stop them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO

from fittingroom.errors import FittingroomError, StudyError
from fittingroom.runs.process import our_modules
from fittingroom.training.ending import SIGNALS, AskedToEnd

FOLLOW_SECONDS = 0.1

# A worker that is asked to stop saves its run first.
STOP_SECONDS = 20.0

# Exit code -> signal.
ASKED_TO_END = {128 + number: int(number) for number in SIGNALS}


class Team:
    """Worker processes; leaving the `with` block stops those that still work.

    Parameters
    ----------
    module
        What each of them runs, as `python -m` does.
    words
        On its command line.
    count
        How many.
    threads
        CPU threads of each.
    whose
        What an error message calls the work.
    error
        Its kind.
    """

    def __init__(
        self,
        module: str,
        words: Sequence[str],
        count: int,
        threads: int,
        *,
        whose: str = "study",
        error: type[FittingroomError] = StudyError,
    ) -> None:
        self.module, self.words, self.count, self.threads = module, words, count, threads
        self.whose, self.error = whose, error

    def __enter__(self) -> Team:
        self.complaints = [tempfile.TemporaryFile() for _ in range(self.count)]  # noqa: SIM115
        self.workers = [self._start(complaints) for complaints in self.complaints]
        return self

    def _start(self, complaints: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - a module of ours
            [sys.executable, "-m", self.module, *self.words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            env=os.environ | {"OMP_NUM_THREADS": str(self.threads)} | our_modules(),
            # Ctrl-C is for the one who follows the workers; they hear of it from their input.
            start_new_session=True,
        )

    def tell(self, order: str) -> None:
        """Give each worker its order, JSON on one line."""
        line = order.encode() + b"\n"
        for worker in self.workers:
            if worker.stdin is not None:
                with suppress(OSError):  # it has ended already, and follow() says why
                    worker.stdin.write(line)
                    worker.stdin.flush()

    def follow(self, pulse: Callable[[], None]) -> None:
        """Wait until all are done.

        Raises
        ------
        FittingroomError
            Of the team's kind, with the worker's own words, if one fails.
        AskedToEnd
            If a worker ends because it was asked to: so are all, by who stops a service or a job.
        """
        codes: list[int | None] = [None]
        while None in codes:
            pulse()
            time.sleep(FOLLOW_SECONDS)
            codes = [worker.poll() for worker in self.workers]
            for code, complaints in zip(codes, self.complaints, strict=True):
                if code in ASKED_TO_END:
                    raise AskedToEnd(ASKED_TO_END[code])
                if code:
                    reason = last_words(complaints, code)
                    raise self.error(f"a worker of the {self.whose} stopped: {reason}")

    def __exit__(self, *_error: object) -> None:
        for worker in self.workers:
            if worker.stdin is not None:
                with suppress(OSError):  # what tell() could not write
                    worker.stdin.close()
        end = time.monotonic() + STOP_SECONDS
        for worker, complaints in zip(self.workers, self.complaints, strict=True):
            try:
                worker.wait(max(end - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
            complaints.close()


def last_words(complaints: IO[bytes], code: int) -> str:
    """Return the last line that a worker wrote before it ended with `code`."""
    complaints.seek(0)
    lines = complaints.read().decode("utf-8", "replace").split("\n")
    if code < 0:  # as POSIX has it
        return (
            f"killed by signal {-code}, as Linux does where memory runs out; "
            "give the same command again to go on, if need be with a lower --jobs"
        )
    return next((line for line in reversed(lines) if line.strip()), f"exit code {code}")
