"""Shows a CPU's matrix unit, AMX, where a virtual machine hides its description; see tiles.c.

On such a machine bf16 kills a process, so the program computes in fp32. What it would do there if
the machine told the truth is measured too, as a way of its own, `row.TILES`.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("tiles.c")
LIBRARY = Path(__file__).parent / ".cache" / "tiles.so"


@functools.cache
def environment() -> dict[str, str] | None:
    """Return what a process's environment needs to see the tiles; None where nothing helps.

    Nothing is needed on a machine whose bf16 is fast as it is, and nothing helps on one without
    AMX, or without a C compiler.
    """
    from fittingroom.training.device import cpu_features

    if "amx_tile" not in cpu_features() or try_bf16_in({}):
        return None
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    LIBRARY.parent.mkdir(exist_ok=True)
    command = [compiler, "-O2", "-shared", "-fPIC", str(SOURCE), "-o", str(LIBRARY)]
    if subprocess.run(command, check=False).returncode != 0:
        return None
    shown = {"LD_PRELOAD": str(LIBRARY)}
    return shown if try_bf16_in(shown) else None


def try_bf16_in(shown: dict[str, str]) -> bool:
    """Tell whether bf16 is fast in a process with this added to its environment."""
    program = (
        "from fittingroom.training.bf16 import run_trial; raise SystemExit(not run_trial().fast)"
    )
    return (
        subprocess.run(
            [sys.executable, "-c", program], env=os.environ | shown, check=False
        ).returncode
        == 0
    )
