"""What a Python process needs that we start beside our own."""

from __future__ import annotations

import os
import sys


def our_modules() -> dict[str, str]:
    """Return the variables by which it finds this process's modules, and no others."""
    return {
        "PYTHONUTF8": "1",
        "PYTHONSAFEPATH": "1",  # none from where it runs
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),  # noqa: PTH109
    }
