"""`train --track`."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fittingroom as fr

Cli = Callable[..., Any]
Command = Callable[..., subprocess.Popen[str]]

QUICK = ("--model", "two-layer", "--epochs", 2, "--batch-size", 32, "--no-figures", "--no-report")


@pytest.mark.parametrize("command", ["train", "study"])
def test_an_unknown_tracker_is_one_line_and_exit_code_2(cli: Cli, command: str) -> None:
    plan = ("notebook",) if command == "study" else ()
    result = cli(command, *plan, "--track", "wandb", "--data", "nowhere")
    complaint = "unknown tracker 'wandb'; known are mlflow, tensorboard"
    assert (result.code, result.err) == (2, f"fittingroom: {complaint}\n")


def test_how_to_look_at_it_is_said_at_the_end(cli: Cli, shapes_folder: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    result = cli("train", "--data", shapes_folder, *QUICK, "--track", "tensorboard")
    assert result.code == 0
    assert result.out.splitlines()[-2] == "tracked by tensorboard: `tensorboard --logdir runs`"
    again = ("--track", "tensorboard", "--json")
    found = json.loads(cli("train", "--data", shapes_folder, *QUICK, *again).out)
    assert list(Path(found["folder"]).glob("events.out.tfevents.*"))


@pytest.mark.slow
def test_a_server_that_never_answers_is_one_line_and_the_command_ends(
    command: Command, shapes_folder: Path
) -> None:
    pytest.importorskip("mlflow", reason="needs the extra mlflow")
    with socket.socket() as silent:  # takes what comes, and says nothing
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        variables = {
            "no_proxy": "127.0.0.1",
            "MLFLOW_TRACKING_URI": address,
            "MLFLOW_HTTP_REQUEST_TIMEOUT": "1",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        }
        words = ("--data", shapes_folder, *QUICK, "--track", "mlflow", "--quiet")
        done = command("train", *words, **variables)
        out, err = done.communicate(timeout=300)
    assert (done.returncode, out) == (0, "")
    assert err == (
        f"fittingroom: warning: mlflow ({address}): timed out; "
        "only the tracking is affected, the run folder has everything\n"
    )
    assert fr.open_run().status == "finished"
