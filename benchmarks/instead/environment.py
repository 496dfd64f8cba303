"""An environment of its own for what would disturb ours; made once, removed by deleting it."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

PLACE = Path(__file__).parents[1] / ".cache" / "keras-environment"
REQUIREMENTS = ("tensorflow-cpu>=2.16,<3",)


def keras_python() -> Path:
    """Return the Python that has Keras, after making its environment where there is none.

    Ends the process with one line if that fails: without a network, for one.
    """
    python = PLACE / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    ready = PLACE / "ready"
    if ready.exists():
        return python
    venv.create(PLACE, with_pip=True, clear=True)
    command = [str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["pip failed"]
        sys.exit(f"no environment for Keras: {lines[-1]}")
    ready.touch()
    return python
