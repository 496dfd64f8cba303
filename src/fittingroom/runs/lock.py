"""Locks between processes, which the operating system takes back when a process ends, however."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from fittingroom.errors import RunError
from fittingroom.runs.folder import LOCK, remove_unfinished


@contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Keep other processes from working on a run, and remove what a killed one left unfinished.

    Raises
    ------
    RunError
        If another process works on it, or the folder cannot be written to.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(folder / LOCK, timeout=0))
        except Timeout:
            raise RunError(
                f"{folder}: another process is training this run right now; wait until it has "
                "ended, or stop it first"
            ) from None
        remove_unfinished(folder)
        yield


@contextmanager
def locked(path: Path, timeout: float = -1) -> Iterator[None]:
    """Hold a lock, for which to wait `timeout` seconds, or -1 for as long as it takes.

    Raises
    ------
    Timeout
        If another process has it for longer.
    RunError
        If the disk has no locks, or the folder was deleted or may not be written to.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout)
    except Timeout:  # an OSError too
        raise
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError(f"{path}: cannot be locked: {reason}; choose another --out") from error
    try:
        yield
    finally:
        lock.release()
