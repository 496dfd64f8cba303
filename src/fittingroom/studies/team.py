"""Several processes that work on one study: start them, follow them, stop them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from fittingroom.errors import StudyError
from fittingroom.studies.plan import StudyPlan

FOLLOW_SECONDS = 0.1

# A worker that is asked to stop saves its run first.
STOP_SECONDS = 20.0


class Team:
    """Worker processes; leaving the `with` block stops those that still work.

    Parameters
    ----------
    folder
        The study's.
    count
        How many.
    device, threads
        Of each worker.
    stack
        Runs of a setting that a worker trains at once; None for as many as is fastest.
    """

    def __init__(
        self, folder: Path, count: int, device: str, threads: int, stack: int | None = None
    ) -> None:
        self.folder, self.count, self.device, self.threads = folder, count, device, threads
        self.stack = stack

    def __enter__(self) -> Team:
        self.complaints = [tempfile.TemporaryFile() for _ in range(self.count)]  # noqa: SIM115
        self.workers = [self._start(complaints) for complaints in self.complaints]
        return self

    def _start(self, complaints: IO[bytes]) -> subprocess.Popen[bytes]:
        stack = str(self.stack or "auto")
        words = [str(self.folder), self.device, str(self.threads), str(self.count), stack]
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "fittingroom.studies.worker", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            env=os.environ | self._environment(),
            # Ctrl-C is for the one who follows the workers; they hear of it from their input.
            start_new_session=True,
        )

    def _environment(self) -> dict[str, str]:
        """Return what a worker needs: this process's modules, and no others from where it runs."""
        return {
            "OMP_NUM_THREADS": str(self.threads),
            "PYTHONUTF8": "1",
            "PYTHONSAFEPATH": "1",
            "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),  # noqa: PTH109
        }

    def tell(self, plan: StudyPlan) -> None:
        """Give each worker the plan, on one line."""
        line = plan.model_dump_json().encode() + b"\n"
        for worker in self.workers:
            if worker.stdin is not None:
                with suppress(OSError):  # it has ended already, and follow() says why
                    worker.stdin.write(line)
                    worker.stdin.flush()

    def follow(self, pulse: Callable[[], None]) -> None:
        """Wait until all are done.

        Raises
        ------
        StudyError
            With the worker's own words, if one fails.
        """
        codes: list[int | None] = [None]
        while None in codes:
            pulse()
            time.sleep(FOLLOW_SECONDS)
            codes = [worker.poll() for worker in self.workers]
            for code, complaints in zip(codes, self.complaints, strict=True):
                if code:
                    raise StudyError(
                        f"a worker of the study stopped: {last_words(complaints, code)}"
                    )

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
