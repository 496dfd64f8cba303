"""The process in which a tracker works."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from typing import Any
from urllib.error import URLError

import pytest
from tests.conftest import free_port

from fittingroom.runs.tracking.worker import reason


def failing(problem: Any) -> BaseException:
    """Return an error as a library raises it: its own, around what was wrong."""
    try:
        try:
            problem()
        except Exception as error:
            raise RuntimeError("API request failed\nwith a lot of words") from error
    except RuntimeError as error:
        return error
    raise AssertionError("nothing failed")


def test_what_the_system_said_is_the_reason() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    assert reason(failing(lambda: urllib.request.urlopen(address))) == "Connection refused"
    missing = reason(failing(lambda: open("/nowhere/at all")))  # noqa: SIM115, PTH123
    assert missing == "/nowhere/at all: No such file or directory"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("first line\nsecond line"), "first line"),
        (ValueError(), "ValueError"),
        (RuntimeError("no http://ann:secret@host/x here"), "no http://host/x here"),
        (URLError("unknown url type"), "<urlopen error unknown url type>"),
    ],
)
def test_else_the_first_line_is_without_a_password(error: Exception, words: str) -> None:
    assert reason(error) == words


def test_it_answers_each_line_and_ends_with_its_input_without_torch() -> None:
    program = (
        "import sys\n"
        "from fittingroom.runs.tracking import worker\n"
        "end = worker.os._exit\n"
        "worker.os._exit = lambda code: end(int('torch' in sys.modules))\n"
        "worker.main('tensorboard')\n"
    )
    messages = [{"do": "load"}, {"do": "end", "folder": "nowhere"}]
    done = subprocess.run(
        [sys.executable, "-c", program],
        input="".join(json.dumps(message) + "\n" for message in messages),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers == [{}, {"problem": "nowhere: no run here: expected a folder with run.json"}]
