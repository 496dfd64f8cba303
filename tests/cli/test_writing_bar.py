from __future__ import annotations

import pytest

from fittingroom.cli.terminal import Terminal
from fittingroom.cli.writing_bar import follow_writing


def test_lines_come_at_the_beginning_and_then_every_half_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with follow_writing(Terminal()) as on_progress:
        for done in (0, 10, 20, 30, 40):
            on_progress(done, 40)
            now += 20
    lines = ["Writing 40 pictures ...", "20 of 40 pictures, 40 s left"]
    assert capsys.readouterr().err.splitlines() == lines


def test_a_quiet_command_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with follow_writing(Terminal(quiet=True)) as on_progress:
        on_progress(0, 40)
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_a_bar_moves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    terminal = Terminal()
    assert terminal.console.is_terminal
    with follow_writing(terminal) as on_progress:
        on_progress(0, 4_000)
        on_progress(1_234, 4_000)
    assert "1,234 of 4,000 pictures" in capsys.readouterr().out
