"""Photograph what a process shares with all its libraries; find what a call left changed."""

from __future__ import annotations

import gc
import locale
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.utils.deterministic
from PIL import Image, ImageFile


def photograph() -> dict[str, Any]:
    """Return the state that every library of a process can see, by name."""
    return {
        **{f"torch.{name}": value for name, value in of_torch().items()},
        **{f"environment {name}": value for name, value in os.environ.items()},
        **{f"signal {s.name}": signal.getsignal(s) for s in signal.Signals},
        **of_matplotlib(),
        "random": random.getstate(),
        "numpy.random": str(np.random.get_state()),  # noqa: NPY002 - the one that all share
        "numpy.errors": np.geterr(),
        "warnings.filters": list(warnings.filters),
        "warnings.showwarning": warnings.showwarning,
        "logging.disable": logging.root.manager.disable,
        "logging.level": logging.root.level,
        "logging.handlers": list(logging.root.handlers),
        "locale": locale.setlocale(locale.LC_ALL),
        "working directory": os.getcwd(),  # noqa: PTH109
        "gc": (gc.isenabled(), gc.get_threshold(), len(gc.callbacks), gc.get_freeze_count()),
        "start method": multiprocessing.get_start_method(allow_none=True),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook, sys.displayhook),
        "recursion limit": sys.getrecursionlimit(),
        "sys.path": list(sys.path),
        "PIL": (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES),
        "threads": sorted(thread.name for thread in threading.enumerate()),
    }


def of_torch() -> dict[str, Any]:
    """Return torch's."""
    backends: Any = torch.backends
    return {
        "threads": torch.get_num_threads(),
        "interop threads": torch.get_num_interop_threads(),
        "default dtype": torch.get_default_dtype(),
        "default device": str(torch.get_default_device()),
        "deterministic": torch.get_deterministic_debug_mode(),
        "fill": torch.utils.deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]
        "cudnn": (backends.cudnn.enabled, backends.cudnn.benchmark, backends.cudnn.deterministic),
        "mkldnn": backends.mkldnn.enabled,
        "precision": torch.get_float32_matmul_precision(),
        "gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "anomalies": torch.is_anomaly_enabled(),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")),
        "sharing": torch.multiprocessing.get_sharing_strategy(),
        "generator": torch.get_rng_state().tolist(),
        "flushes denormals": (torch.tensor([1e-40], device="cpu") * 0.5).item() == 0.0,
    }


def of_matplotlib() -> dict[str, Any]:
    """Return matplotlib's, once somebody has imported it."""
    if "matplotlib" not in sys.modules:
        return {}
    import matplotlib as mpl

    return {f"matplotlib {name}": str(mpl.rcParams[name]) for name in mpl.rcParams}


def what_changes(call: Callable[[], object]) -> list[str]:
    """Call; return the names of what is not as it was."""
    before = photograph()
    call()
    after = photograph()
    return sorted(name for name in before | after if before.get(name) != after.get(name))
