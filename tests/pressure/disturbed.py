"""Use the whole library in a process of a person's own: `disturbed.py DATA OUT`.

First as the process begins, then after it has set all that others may have set before us. Prints
JSON: what each public call left changed, and what came of the runs, both times.
"""

# ruff: noqa: NPY002 - the generators that all share are the point

from __future__ import annotations

import gc
import hashlib
import json
import logging
import os
import random
import sys
import warnings
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import scipy.optimize  # noqa: F401 - when it is imported it sets filters of warnings
import torch
import torch.utils.deterministic
from PIL import Image
from safetensors.numpy import load_file
from tests.pressure.photograph import what_changes

import fittingroom as fr

THREADS = 2


def disturb() -> None:
    """Set what a program may have set for its own reasons."""
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")  # as "cuda" is set, on a machine without one
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("medium")
    torch.autograd.set_detect_anomaly(True, check_nan=False)
    torch.manual_seed(99)
    np.random.seed(99)
    np.seterr(all="raise")
    random.seed(99)
    warnings.simplefilter("error", ResourceWarning)
    logging.basicConfig(level=logging.DEBUG, stream=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    logging.disable(logging.ERROR)
    mpl.rcParams["font.size"] = 31
    mpl.rcParams["figure.dpi"] = 33
    gc.disable()


def calls(data: Path, out: Path) -> dict[str, Any]:
    """Return the public calls, in an order in which each finds what it needs."""
    options: dict[str, Any] = {"out": out / "runs", "device": "cpu", "epochs": 2, "batch_size": 64}
    plan = {
        "name": "study",
        "settings": {
            name: {"model": "two-layer", "epochs": 1, "batch_size": 64, "lr": lr}
            for name, lr in (("slow", 0.001), ("fast", 0.01))
        },
    }
    vary = {"lr": "1e-4..1e-1:log"}
    few: dict[str, Any] = {"trials": 2, "final_seeds": 0, "finalists": 0, "epochs": 1, "jobs": 1}
    run = out / "runs" / "convnet"
    picture = out / "picture.png"
    return {
        "load": lambda: fr.load(data),
        "train three-layer": lambda: fr.train("three-layer", data, name="three-layer", **options),
        "train convnet": lambda: fr.train("convnet", data, name="convnet", **options),
        "train fast": lambda: fr.train(
            fr.recipe("fast"),
            data,
            **options | {"name": "fast", "model_options": {"components": 16}},
        ),
        "evaluate": lambda: fr.open_run(run).evaluate(),
        "study": lambda: fr.study(plan, data, seeds=2, jobs=1, device="cpu", out=out / "studies"),
        "tune": lambda: fr.tune(
            "two-layer", data, vary=vary, device="cpu", out=out / "tunings", **few
        ),
        "predict": lambda: list(fr.predict(run, [picture])),
        "report": lambda: fr.report(fr.open_run(run), out / "report.html"),
        "plot": lambda: fr.open_run(run).plot(),
        "export": lambda: fr.export(run, out / "model.onnx"),
    }


def digests(out: Path) -> dict[str, str]:
    """Return what the runs came to: of each model's and each prediction's file the digest."""
    found = {}
    for path in sorted(out.rglob("model.safetensors")):
        weights = [(name, array.tobytes()) for name, array in sorted(load_file(path).items())]
        found[path.parent.name] = hashlib.sha256(repr(weights).encode()).hexdigest()
        with np.load(path.with_name("predictions.npz")) as arrays:
            logits = hashlib.sha256(arrays["logits"].tobytes()).hexdigest()
        found[f"{path.parent.name}, logits"] = logits
    return found


def use_everything(data: Path, out: Path, *, leave_out: str = "") -> dict[str, Any]:
    """Do all calls but one; return what each left changed, and what came of the runs."""
    out.mkdir()
    Image.fromarray(np.full((40, 30), 90, np.uint8)).save(out / "picture.png")
    changes = {}
    for name, call in calls(data, out).items():
        if name == leave_out:
            continue
        try:
            changes[name] = what_changes(call)
        except Exception as error:
            changes[name] = [f"{type(error).__name__}: {error}"[:400]]
    return {"changes": changes, "digests": digests(out)}


def main(data: str, out: str) -> None:
    """Do it twice."""
    torch.set_num_threads(THREADS)
    plain = use_everything(Path(data), Path(out) / "plain", leave_out="export")  # takes long
    disturb()
    disturbed = use_everything(Path(data), Path(out) / "disturbed")
    print(json.dumps({"plain": plain, "disturbed": disturbed}))


if __name__ == "__main__":
    main(*sys.argv[1:])
