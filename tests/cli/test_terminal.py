from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import fittingroom as fr
from fittingroom.cli.terminal import Terminal, duration, fold

Command = Callable[..., subprocess.Popen[str]]
QUICK = ("--model", "two-layer", "--epochs", "2", "--batch-size", "32", "--no-figures")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1:00"), (125, "2:05"), (3725, "1:02:05")],
)
def test_durations_are_written_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_lines_are_folded_between_words_and_paths_stay_whole() -> None:
    path = "/a/very-long/path/that/can-be/copied"
    assert fold(f"  it lies in {path} now", 20) == f"  it lies in\n  {path}\n  now"


def test_a_table_of_korean_names_is_aligned_by_what_they_take_on_the_screen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from rich.cells import cell_len

    Terminal().table(("class", "train"), [("티셔츠", "10"), ("ankle boot", "5"), ("가방", "200")])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert len({cell_len(line) for line in lines}) == 1
    assert [line.split()[-1] for line in lines[2:]] == ["10", "5", "200"]


# The real command


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are Unix's")
def test_a_terminal_of_80_columns_shows_a_bar_on_one_line_and_then_the_epochs(
    isolated: Path, shapes_folder: Path
) -> None:
    words = ["train", "--data", str(shapes_folder), *QUICK, "--epochs=60", "--batch-size=2"]
    shown = run_on_terminal([sys.executable, "-m", "fittingroom", *words], columns=80)
    assert "everything lies in runs/shapes-two-layer-seed0" in shown
    bars = re.findall(r"epoch \d+/60 [^\r\n]*?images/s [\d:]+(?: s)? left", without_colours(shown))
    assert bars
    assert all(len(bar) <= 80 for bar in bars)
    assert any("━" in bar and "val. accuracy" in bar and "loss 0." in bar for bar in bars)
    table = [line for line in without_colours(shown).splitlines() if re.match(r" 60 ", line)]
    assert len(table) == 1


def run_on_terminal(words: list[str], columns: int) -> str:
    """Run a command on a pseudo-terminal and return everything it shows there."""
    import fcntl
    import pty
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "NO_COLOR"}}
    process = subprocess.Popen(
        words,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environment | {"TERM": "xterm-256color"},
    )
    os.close(follower)
    shown = b""
    while select.select([leader], [], [], 120)[0]:
        try:
            part = os.read(leader, 65536)
        except OSError:  # Linux's way to say that the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(leader)
    assert process.wait() == 0
    return shown.decode()


def without_colours(text: str) -> str:
    """Remove the control sequences of ECMA-48."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's")
def test_ctrl_c_exits_with_130_says_how_to_go_on_and_the_run_ends_as_if_never_stopped(
    command: Command, shapes_folder: Path
) -> None:
    words = ("train", "--data", shapes_folder, *QUICK, "--epochs", 60, "--batch-size", 4)
    process = command(*words, OMP_NUM_THREADS="1", PYTHONUNBUFFERED="1")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch 2 "):
            break
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    hint = "go on with `fittingroom train --resume runs/shapes-two-layer-seed0`"
    assert complaint == f"fittingroom: interrupted; {hint}\n"
    stopped = fr.open_run()
    assert stopped.status == "interrupted"
    assert 2 <= len(stopped.history) < 60

    resumed = command(
        "train", "--resume", "shapes-two-layer-seed0", "--no-figures", OMP_NUM_THREADS="1"
    )
    assert resumed.communicate(timeout=60)[1] == ""
    whole = command(*words, "--quiet", "--name", "whole", OMP_NUM_THREADS="1")
    assert whole.communicate(timeout=60) == ("", "")
    ours, theirs = (load_file(f"runs/{n}/model.safetensors") for n in (stopped.name, "whole"))
    for name, weights in theirs.items():
        assert np.array_equal(ours[name], weights), name


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_gets_no_traceback(
    command: Command, shapes_folder: Path
) -> None:
    """As `fittingroom recipes | head -1` does."""
    with command("recipes") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("notebook-three-layer")
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.slow
def test_names_that_the_output_cannot_show_do_not_stop_a_run(
    command: Command, shapes_folder: Path
) -> None:
    """As on a Windows console or in a pipe that knows no Korean."""
    (shapes_folder / "classes.txt").write_text("왼쪽\n오른쪽\n위\n아래", "utf-8")
    words = ("train", "--data", shapes_folder, *QUICK)
    out, err = command(*words, PYTHONIOENCODING="ascii").communicate(timeout=60)
    assert err == ""
    assert "\\uc67c\\ucabd" in out
    assert fr.open_run().evaluation.classes == ("왼쪽", "오른쪽", "위", "아래")


@pytest.mark.slow
def test_the_installed_command_prints_nothing_but_json(
    command: Command, shapes_folder: Path
) -> None:
    process = command("train", "--data", shapes_folder, *QUICK, "--quiet", "--json")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out)["status"] == "finished"


@pytest.mark.slow
def test_two_runs_started_at_the_same_moment_do_not_meet(
    command: Command, shapes_folder: Path
) -> None:
    processes = [command("train", "--data", shapes_folder, *QUICK, "--quiet") for _ in range(2)]
    for process in processes:
        assert process.communicate(timeout=120) == ("", "")
    assert {(record["name"], record["status"]) for record in fr.list_runs()} == {
        ("shapes-two-layer-seed0", "finished"),
        ("shapes-two-layer-seed0-2", "finished"),
    }
