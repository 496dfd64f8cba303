"""Shows a CPU's matrix unit, AMX, where a virtual machine hides its description; see tiles.c.

On such a machine bf16 kills a process, so the program computes in fp32. What it would do there if
the machine told the truth is measured too, as a way of its own, `row.TILES`.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("tiles.c")
LIBRARY = Path(__file__).parent / ".cache" / "tiles.so"


@functools.cache
def environment() -> dict[str, str] | None:
    """Return what a process's environment needs to see the tiles; None where nothing helps.

    Nothing is needed on a machine whose bf16 is fast as it is, and nothing helps on one without
    AMX, or without a C compiler.
    """
    from fittingroom.training.bf16 import try_in_a_process
    from fittingroom.training.device import cpu_features

    if "amx_tile" not in cpu_features() or try_in_a_process().fast:
        return None
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    LIBRARY.parent.mkdir(exist_ok=True)
    command = [compiler, "-O2", "-shared", "-fPIC", str(SOURCE), "-o", str(LIBRARY)]
    if subprocess.run(command, check=False).returncode != 0:
        return None
    shown = {"LD_PRELOAD": str(LIBRARY)}
    return shown if try_in_a_process(**shown).fast else None
