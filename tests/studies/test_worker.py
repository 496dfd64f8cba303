"""What a process that works for a study answers to, and with which exit code it ends."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import signal, sys, time
from fittingroom.errors import StudyError
from fittingroom.studies.worker import obey
from fittingroom.training.ending import AskedToEnd

def do(order, pulse):
    print(order.decode().strip(), flush=True)
    {what}

sys.exit(obey(do))
"""

UNTIL_STOPPED = "while True:\n        time.sleep(0.01)\n        pulse()"


def worker(what: str) -> subprocess.Popen[str]:
    """Start a worker that does something when it has its order."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(what=what)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("what", "code", "complaint"),
    [
        ("return", 0, ""),
        ("raise StudyError('no such plan')", 2, "no such plan\n"),
        ("raise KeyboardInterrupt", 128 + signal.SIGINT, ""),
        ("raise AskedToEnd(signal.SIGTERM)", 128 + signal.SIGTERM, ""),
    ],
)
def test_how_the_work_ended_is_the_exit_code(what: str, code: int, complaint: str) -> None:
    process = worker(what)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("an order\n")
    process.stdin.flush()  # and stays open: whoever gave it is still there
    assert process.stdout.readline() == "an order\n"
    assert process.wait() == code
    assert process.communicate()[1] == complaint


def test_without_an_order_it_ends_as_after_ctrl_c() -> None:
    process = worker("return")
    assert process.communicate("")[0] == ""
    assert process.returncode == 130


def test_it_ends_when_who_gave_the_order_is_gone() -> None:
    process = worker(UNTIL_STOPPED)
    assert process.communicate("an order\n")[1] == ""
    assert process.returncode == 128 + signal.SIGTERM
