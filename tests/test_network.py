"""Nothing is sent anywhere: a whole session is watched for connections and name look-ups."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Python runs it at its start, also in the processes that a session starts. What it hears of are
# Python's own sockets (https://docs.python.org/3/library/audit_events.html).
WATCHING = """
import os, sys

ASKING = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.sendto"}
CONNECTING = {"socket.connect", "socket.sendto", "socket.sendmsg"}


def hear(event, arguments):
    if event in ASKING or (event in CONNECTING and isinstance(arguments[1], tuple)):
        with open(os.environ["WATCHED"], "a") as log:
            log.write(f"{event} {arguments!r}\\n")


sys.addaudithook(hear)
"""

SESSION = """
import sys
import fittingroom as fr

data = fr.load(sys.argv[1])
run = fr.train(
    "two-layer", data, epochs=1, batch_size=32, track=("tensorboard", "mlflow"), device="cpu"
)
run.evaluate()
fr.report(run)
exported = fr.export(run, data=data)
fr.predict(exported, [sys.argv[2]])
study = fr.study(
    {"seeds": 2, "settings": {"a": {"model": "two-layer", "epochs": 1, "batch_size": 32}}},
    data, jobs=2,
)
fr.tune("two-layer", data, vary={"lr": [0.1, 0.2]}, trials=1, final_seeds=0, jobs=1, epochs=1,
        batch_size=32)
print("done")
"""

# Where one of these is set, MLflow would be silent whatever we do.
TAKEN_FOR_TESTS = {"CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST", "MLFLOW_DISABLE_TELEMETRY"}


def watched(folder: Path, *words: str) -> tuple[str, str]:
    """Run Python with these words; return what it printed and which connections it tried."""
    (folder / "sitecustomize.py").write_text(WATCHING, "utf-8")
    log = folder / "tried"
    log.touch()
    kept = {name: value for name, value in os.environ.items() if name not in TAKEN_FOR_TESTS}
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=kept | {"PYTHONPATH": path, "WATCHED": str(log)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout, log.read_text("utf-8")


def test_the_watch_notices_a_connection_and_a_question_for_a_name(tmp_path: Path) -> None:
    ask = "import socket\nfor port in (9, 10):\n  socket.socket().connect_ex(('127.0.0.1', port))\n"
    _, tried = watched(tmp_path, "-c", ask + "socket.getaddrinfo('localhost', 80)")
    assert tried.count("socket.connect") == 2
    assert "socket.getaddrinfo ('localhost', 80" in tried


@pytest.mark.slow
def test_a_session_with_trackers_study_tuning_and_export_connects_nowhere(
    isolated: Path, shapes_folder: Path
) -> None:
    from PIL import Image

    Image.new("L", (8, 8), 200).save(isolated / "photo.png")
    printed, tried = watched(isolated, "-c", SESSION, str(shapes_folder), "photo.png")
    assert printed.endswith("done\n")
    assert tried == ""
