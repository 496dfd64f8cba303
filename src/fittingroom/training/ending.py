"""The signals that ask this process to end: what is under way is saved first.

Ctrl-C (SIGINT), `kill`, a cluster or a system that shuts down (SIGTERM), a terminal that closes
(SIGHUP): for a run they are the same. While it is trained the first of them is heard between two
steps; everywhere else it interrupts at once, as Ctrl-C does in Python. A terminal that closes sends
SIGHUP twice, by its shell and by the system: what follows the first signal within seconds would
only disturb the saving and is not heard. Ctrl-C is, and what comes later: somebody insists. (Python
may lose an interruption, in a finalizer for one, and then it needs a second one.)
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Windows has no SIGHUP.
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)

# Signals that follow each other faster are one wish.
TWICE_SECONDS = 5.0


class AskedToEnd(KeyboardInterrupt):
    """A signal asked this process to end: `signal`, or Ctrl-C if another process heard it."""

    def __init__(self, number: int | None = None) -> None:
        super().__init__()
        self.signal = number or int(signal.SIGINT)


def signal_of(interruption: KeyboardInterrupt | None) -> int:
    """Return the number of the signal behind an interruption: Ctrl-C's, unless it says another."""
    return getattr(interruption, "signal", int(signal.SIGINT))


class Ending:
    """The handler of these signals.

    While it is `patient` the first one is written down only, for who asks whether to stop. While it
    is `deaf` only Ctrl-C is heard.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.heard_at = 0.0
        self.patient = False
        self.deaf: Callable[[], bool] = lambda: False

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Hear a signal."""
        if self.deaf() and number != signal.SIGINT:
            return
        first = self.signal is None
        if first:
            self.signal, self.heard_at = number, time.monotonic()
        insists = number == signal.SIGINT or time.monotonic() - self.heard_at > TWICE_SECONDS
        if not self.patient if first else insists:
            raise AskedToEnd(number)

    def should_stop(self) -> bool:
        """Tell whether a signal came."""
        return self.signal is not None


@contextmanager
def ending_by_signals() -> Iterator[Ending]:
    """Let the signals interrupt what runs inside, by `AskedToEnd`; yields who hears them.

    Who hears them already goes on to. Afterwards all is as before. Python delivers signals to the
    main thread only; elsewhere nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield Ending()
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    listening = next((one for one in before.values() if isinstance(one, Ending)), None)
    if listening is not None:
        yield listening
        return
    ending = Ending()
    taken = {number: old for number, old in before.items() if may_be_heard(number, old)}
    for number in taken:
        signal.signal(number, ending)
    try:
        yield ending
    finally:
        if not ending.deaf():
            for number, old in taken.items():
                signal.signal(number, old)


def may_be_heard(number: int, handler: object) -> bool:
    """Tell whether a signal that has this handler is left to us.

    One that was ignored from the start stays ignored, as `nohup` and a shell's `&` want it, and
    what a program made of SIGTERM or SIGHUP for itself stays.
    """
    if number == signal.SIGINT:
        return handler == signal.SIG_DFL or callable(handler)
    return handler == signal.SIG_DFL


@contextmanager
def stopping_between_steps() -> Iterator[Ending]:
    """Let the first signal ask for a stop between two steps; Ctrl-C after it interrupts at once."""
    with ending_by_signals() as ending:
        before, ending.patient = ending.patient, True
        try:
            yield ending
        finally:
            ending.patient = before
