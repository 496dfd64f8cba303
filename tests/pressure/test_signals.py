"""A process that is asked to end: by `kill`, by a cluster, by a terminal that closes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.pressure.runs import quick, same_weights

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.runs import conduct
from fittingroom.runs.conduct import Interrupted
from fittingroom.training import ending
from fittingroom.training.ending import SIGNALS, AskedToEnd, ending_by_signals
from fittingroom.training.history import Progress

pytestmark = [
    pytest.mark.usefixtures("isolated"),
    pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's"),
]

OTHERS = [number for number in SIGNALS if number != signal.SIGINT]


@contextmanager
def handled(number: int, handler: Any) -> Iterator[None]:
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def at_the_first_epoch(*numbers: int) -> Any:
    def send(progress: Progress) -> None:
        if progress.finished and progress.epoch == 1:
            for number in numbers:
                signal.raise_signal(number)

    return send


@pytest.mark.parametrize("number", OTHERS)
def test_a_signal_saves_the_run_as_ctrl_c_does_though_it_comes_again(
    shapes: DataSplits, number: signal.Signals
) -> None:
    """A terminal that closes sends SIGHUP twice: its shell and the system do."""
    before = [signal.getsignal(one) for one in SIGNALS]
    with pytest.raises(Interrupted, match="fittingroom train --resume") as caught:
        quick(shapes, on_progress=at_the_first_epoch(number, number))
    assert caught.value.signal == number
    assert [signal.getsignal(one) for one in SIGNALS] == before
    assert fr.Run(caught.value.folder).status == "interrupted"
    assert (caught.value.folder / "checkpoint.safetensors").exists()
    resumed = fr.resume(caught.value.folder, shapes, figures=False)
    assert same_weights(resumed, quick(shapes))


@pytest.mark.parametrize(("number", "seconds"), [(signal.SIGINT, 60.0), (signal.SIGTERM, -1.0)])
def test_who_insists_by_ctrl_c_or_a_while_later_need_not_wait_for_the_step(
    shapes: DataSplits, number: int, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "TWICE_SECONDS", seconds)
    with pytest.raises(Interrupted) as caught:
        quick(shapes, on_progress=at_the_first_epoch(signal.SIGTERM, number))
    assert caught.value.signal == number
    assert fr.Run(caught.value.folder).status == "interrupted"
    assert not (caught.value.folder / "checkpoint.safetensors").exists()


@pytest.mark.parametrize("number", OTHERS)
def test_while_a_run_is_judged_a_signal_interrupts_at_once(
    shapes: DataSplits, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conduct, "judge", lambda *_: signal.raise_signal(number))
    with pytest.raises(Interrupted) as caught:
        quick(shapes)
    assert caught.value.signal == number
    assert fr.Run(caught.value.folder).status == "interrupted"


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_was_ignored_stays_ignored(
    shapes: DataSplits, number: signal.Signals
) -> None:
    """As `nohup` does with SIGHUP, and a shell's `&` with Ctrl-C."""
    with handled(number, signal.SIG_IGN):
        assert quick(shapes, on_progress=at_the_first_epoch(number)).status == "finished"
        assert signal.getsignal(number) == signal.SIG_IGN


def test_what_a_program_does_at_sigterm_by_itself_it_still_does(shapes: DataSplits) -> None:
    heard: list[int] = []
    with handled(signal.SIGTERM, lambda number, _frame: heard.append(number)):
        assert quick(shapes, on_progress=at_the_first_epoch(signal.SIGTERM)).status == "finished"
    assert heard == [signal.SIGTERM]


def test_a_thread_leaves_signals_alone(shapes: DataSplits) -> None:
    during: list[Any] = []

    def look(_progress: Progress) -> None:
        during.append([signal.getsignal(number) for number in SIGNALS])

    before = [signal.getsignal(number) for number in SIGNALS]
    thread = threading.Thread(target=quick, args=(shapes,), kwargs={"on_progress": look})
    thread.start()
    thread.join()
    assert during
    assert all(handlers == before for handlers in during)


def test_deaf_means_to_all_but_ctrl_c() -> None:
    with ending_by_signals() as hearing:
        hearing.deaf = lambda: True
        for number in OTHERS:
            signal.raise_signal(number)
        with pytest.raises(AskedToEnd):
            signal.raise_signal(signal.SIGINT)
        hearing.deaf = lambda: False


@pytest.mark.slow
def test_a_terminal_that_closes_does_not_take_the_run_with_it(shapes_folder: Path) -> None:
    import fcntl
    import pty
    import termios

    keyboard, screen = pty.openpty()
    words = ("train", "--data", shapes_folder, "--model", "two-layer", "--epochs", 1_000_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "fittingroom", *map(str, words)],
        stdin=screen,
        stdout=screen,
        stderr=screen,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - execs at once
    )
    try:
        os.close(screen)
        shown = b""
        while b"images/s" not in shown:
            shown += os.read(keyboard, 10_000)
        os.close(keyboard)
        assert process.wait(60) == 128 + signal.SIGHUP
    finally:
        process.kill()
        process.wait()
    run = fr.open_run()
    assert run.status == "interrupted"
    assert (run.folder / "checkpoint.safetensors").exists()
