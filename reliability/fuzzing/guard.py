"""See that a reader starts no program, connects nowhere, and writes in one folder only.

It hears Python's audit events (https://docs.python.org/3/library/audit_events.html), so what
compiled libraries do by themselves is not seen here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

NEVER = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.startfile",
    "pickle.find_class",
    "ctypes.dlopen",
    "socket.connect",
    "socket.bind",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.sendto",
)
CHANGING = (
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "shutil.rmtree",
    "shutil.move",
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class NotAllowedError(BaseException):
    """A reader did what no reader may; nothing in the program catches it."""


class Guard:
    """Forbids, while it is on, what a file must never bring about.

    Parameters
    ----------
    folder
        The one in which files may be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.on = False
        sys.addaudithook(self.hear)

    def __enter__(self) -> None:
        self.on = True

    def __exit__(self, *_: object) -> None:
        self.on = False

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Refuse an event that is not allowed."""
        if not self.on:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & WRITING:
                self.check_place(event, path)
        elif event in CHANGING:
            self.check_place(event, arguments[0])
        elif event in NEVER:
            self.refuse(event, arguments)

    def check_place(self, event: str, path: Any) -> None:
        """Refuse to write at a path outside the folder."""
        if isinstance(path, int):
            return
        place = os.path.realpath(os.fsdecode(path))
        if place != os.devnull and not place.startswith(self.folder):
            self.refuse(event, (path,))

    def refuse(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Raise what ends the reading."""
        self.on = False
        raise NotAllowedError(f"{event} {arguments!r:.200}")
