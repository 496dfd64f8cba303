"""On what something was measured."""

from __future__ import annotations

import importlib.metadata
import os
import platform

from fittingroom import __version__
from fittingroom.training.device import cpu_name


def machine() -> dict[str, str]:
    """Return CPU, cores, system and versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = {name: importlib.metadata.version(name) for name in ("torch", "numpy")}
    return {
        "cpu": cpu_name(),
        "cores": str(cores),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "fittingroom": __version__,
        **versions,
    }
