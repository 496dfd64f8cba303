"""Processes that are silent, die or lag behind, and the one who trains does not notice."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import fittingroom as fr
from fittingroom.runs.tracking import courier
from fittingroom.runs.tracking.courier import Courier

Quick = Callable[..., fr.Run]

SILENT = "import time; time.sleep(600)"
DYING = "import sys; sys.stdin.readline(); print('{}', flush=True); sys.exit(3)"
# Writes down what it is told.
LISTENING = """
import sys
for line in sys.stdin:
    open('heard', 'a').write(line)
    print('{"place": "here"}', flush=True)
"""
# Needs half a second for each message.
SLOW = LISTENING.replace(
    "for line in sys.stdin:", "import time\nfor line in sys.stdin:\n    time.sleep(.5)"
)
# Fails at every message.
FAILING = LISTENING.replace('"place": "here"', '"problem": "no luck"')

pytestmark = pytest.mark.usefixtures("isolated")

Start = Callable[[str], list[subprocess.Popen[bytes]]]


@pytest.fixture
def instead(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Let couriers start a process of this program instead of a tracker's."""
    started: list[subprocess.Popen[bytes]] = []

    def use(program: str) -> list[subprocess.Popen[bytes]]:
        def start(_name: str) -> subprocess.Popen[bytes]:
            pipe = subprocess.PIPE
            words = [sys.executable, "-S", "-c", program]
            started.append(subprocess.Popen(words, stdin=pipe, stdout=pipe))
            return started[-1]

        monkeypatch.setattr(courier, "start_worker", start)
        return started

    yield use
    assert all(process.poll() is not None for process in started), "a process was left behind"


def end(courier_: Courier) -> None:
    courier_.finish()
    courier_.close()


def heard() -> list[str]:
    return Path("heard").read_text().splitlines()


def test_messages_arrive_in_their_order_and_epochs_that_wait_in_one(
    instead: Start, untracked: fr.Run
) -> None:
    instead(SLOW)
    carrying = Courier("mlflow")
    carrying.send({"do": "begin", "folder": Path("a")})
    for epoch in untracked.history:
        carrying.send_epoch(epoch)
    carrying.send({"do": "end", "folder": Path("a")})
    end(carrying)
    assert (carrying.problem, carrying.place, carrying.complete) == (None, "here", True)
    load, begin, epochs, last = heard()
    assert load == '{"do": "load"}'
    assert begin == '{"do": "begin", "folder": "a"}'
    assert epochs.count('"epoch":') == 3
    assert last == '{"do": "end", "folder": "a"}'


def test_a_silent_process_is_left_behind(instead: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "PATIENCE_SECONDS", 0.3)
    (instead(SILENT),)
    carrying = Courier("mlflow")
    carrying.send({"do": "end", "folder": Path("a")})
    end(carrying)
    assert carrying.problem == "no answer for 0.3 seconds"
    assert not carrying.complete


def test_ctrl_c_leaves_it_behind_at_once(instead: Start) -> None:
    instead(SILENT)
    carrying = Courier("mlflow")
    said: list[str] = []

    def press_ctrl_c(line: str) -> None:
        said.append(line)
        signal.raise_signal(signal.SIGINT)

    carrying.finish()
    carrying.close(press_ctrl_c)
    assert said == ["waiting for mlflow; Ctrl-C leaves it behind"]
    assert carrying.problem == "left behind at Ctrl-C"


def test_a_system_without_threads_left_is_a_problem_of_the_tracker_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    carrying = Courier("mlflow")
    carrying.send({"do": "end", "folder": Path("a")})
    end(carrying)
    assert (carrying.problem, carrying.complete) == ("can't start new thread", False)


def test_a_process_that_dies_is_a_problem_and_costs_nothing(instead: Start) -> None:
    instead(DYING)
    carrying = Courier("mlflow")
    carrying.send({"do": "begin", "folder": Path("a")})
    carrying._ended.wait()
    carrying.send({"do": "end", "folder": Path("a")})
    end(carrying)
    assert carrying.problem == "its process ended by itself, exit code 3"
    assert not carrying.complete


def test_a_queue_that_is_full_gives_the_tracker_up_and_nobody_waits(
    instead: Start, monkeypatch: pytest.MonkeyPatch, untracked: fr.Run
) -> None:
    monkeypatch.setattr(courier, "MOST_WAITING", 5)
    instead(SILENT)
    carrying = Courier("mlflow")
    for _ in range(20):
        carrying.send_epoch(untracked.history[0])
    end(carrying)
    assert carrying.problem == "no answer while 5 messages came to wait"
    assert not carrying.complete


@pytest.mark.parametrize(("retry", "asked"), [(0.0, ["load", "begin", "end"]), (99.0, ["load"])])
def test_a_tracker_that_failed_is_asked_again_at_the_end_if_some_time_has_passed(
    instead: Start,
    monkeypatch: pytest.MonkeyPatch,
    untracked: fr.Run,
    retry: float,
    asked: list[str],
) -> None:
    monkeypatch.setattr(courier, "RETRY_SECONDS", retry)
    instead(FAILING)
    carrying = Courier("mlflow")
    carrying.send({"do": "begin", "folder": Path("a")})
    carrying.send_epoch(untracked.history[0])
    carrying.send({"do": "end", "folder": Path("a")})
    end(carrying)
    assert [line.split('"')[3] for line in heard()] == asked
    assert carrying.problem == "no luck"
    assert not carrying.complete


def test_a_process_that_cannot_be_started_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    carrying = Courier("tensorboard")
    end(carrying)
    assert carrying.problem is not None
    assert "cannot be started: [Errno 2] No such file or directory" in carrying.problem


@pytest.mark.parametrize("program", [SILENT, DYING, FAILING])
def test_a_run_is_the_same_whatever_becomes_of_its_tracker(
    instead: Start,
    quick: Quick,
    untracked: fr.Run,
    weights: Callable[[fr.Run], list[bytes]],
    monkeypatch: pytest.MonkeyPatch,
    program: str,
) -> None:
    monkeypatch.setattr(courier, "PATIENCE_SECONDS", 0.3)
    instead(program)
    with pytest.warns(UserWarning, match=r"^mlflow \(sqlite:///mlflow\.db\): .*; only") as caught:
        run = quick(track="mlflow")
    assert len(caught) == 1
    assert run.status == "finished"
    assert weights(run) == weights(untracked)


def test_where_warnings_are_errors_a_tracker_is_none(
    instead: Start, quick: Quick, capsys: pytest.CaptureFixture[str]
) -> None:
    instead(FAILING)
    assert quick(track="mlflow").status == "finished"  # pytest turns warnings into errors
    assert "mlflow (sqlite:///mlflow.db): no luck; only" in capsys.readouterr().err
