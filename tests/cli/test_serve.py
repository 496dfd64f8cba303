"""`serve`, from its words to its end."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.cli.conftest import Cli

Command = Callable[..., subprocess.Popen[str]]


def started(process: subprocess.Popen[str]) -> tuple[list[str], str]:
    """Return the lines until the server listens, and where that is."""
    assert process.stdout is not None
    lines = []
    for line in iter(process.stdout.readline, ""):
        lines.append(line)
        if line.startswith("http://"):
            return lines, line.split()[0]
    raise AssertionError(process.communicate()[1])


@pytest.mark.slow
def test_it_says_what_it_serves_and_where_answers_and_stops(
    trained: Path, command: Command
) -> None:
    process = command("serve", trained, "--port", 0)
    try:
        lines, url = started(process)
        assert lines[0].startswith("shapes-three-layer-seed0: on shapes, ")
        assert len(lines) == 2
        # not by the proxy that leads nowhere, which keeps tests off the network
        (model,) = httpx.get(f"{url}/api/models", trust_env=False).json()
        assert model["classes"] == ["left", "right", "top", "bottom"]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        assert out == "stopped: everything that was asked is answered\n"
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_who_else_can_ask_is_said(trained: Path, command: Command) -> None:
    process = command("serve", trained, "--port", 0, "--host", "0.0.0.0")  # noqa: S104 - tested
    try:
        lines, _ = started(process)
        assert any("warning: listening at 0.0.0.0" in line for line in lines)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 0


def test_a_port_in_use_is_one_line(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, out, err = cli("serve", "--port", taken.getsockname()[1])
    assert (code, out) == (2, "")
    assert "choose another with --port" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "nowhere"),
        (("--lang", "fr"), "unknown language 'fr'"),
        (("--allow-origin", "*"), "--allow-origin: '*' is no origin"),
        (("--host", "no such host"), "host 'no such host' is unknown"),
    ],
)
def test_what_cannot_be_served_is_one_line(cli: Cli, words: tuple[str, ...], said: str) -> None:
    code, out, err = cli("serve", *words, "--port", 0)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_missing_extra_is_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("fittingroom.serving.server")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    code, out, err = cli("serve")
    assert (code, out) == (2, "")
    assert err == "fittingroom: to serve, fastapi is needed: pip install 'fittingroom[serve]'\n"
