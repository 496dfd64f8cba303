"""`train`: what it says before, and where the run is tracked."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

import fittingroom as fr
from fittingroom.cli.training import rough_duration
from fittingroom.training.recipe import Recipe

if TYPE_CHECKING:
    from fittingroom.runs.run import Run

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


@pytest.mark.parametrize(
    ("pictures", "threads", "processes", "said"),
    [
        (1_000, 1, 1, "a minute"),  # 1000 x 10 x 3 multiplications by 4e7 a picture: 60 s
        (1_499, 1, 1, "a minute"),
        (1_500, 1, 1, "about 2 minutes"),
        (60_000, 1, 1, "about 60 minutes"),
        (60_000, 2, 3, "about 10 minutes"),
        (90_000, 1, 1, "about 2 hours"),
        (60_000_000, 1, 1, "about 1,000 hours"),
    ],
)
def test_how_long_training_takes_is_told_roughly(
    pictures: int, threads: int, processes: int, said: str
) -> None:
    environment = {"threads": threads, "processes": processes}
    record = {
        "data": {"train": pictures},
        "model": {"multiply_adds": 4e7},
        "environment": environment,
    }
    run = SimpleNamespace(recipe=Recipe(model="three-layer", epochs=10), record=record)
    assert rough_duration(cast("Run", run)) == said
