"""What a run was computed with: versions, machine, device."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import Any

from fittingroom._version import __version__
from fittingroom.training.device import Device, cpu_name
from fittingroom.training.torchrun import launch

RECORDED_PACKAGES = ("torch", "numpy", "scipy", "matplotlib", "pillow", "safetensors")


def describe_environment(device: Device) -> dict[str, Any]:
    """Return versions, platform and device as JSON values; processes if there are several."""
    import torch

    here = launch()
    shared = {"processes": here.size, "machines": here.machines} if here else {}
    return {
        "fittingroom": __version__,
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in RECORDED_PACKAGES},
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "device": device.kind,
        "device_name": device.description,
        "precision": device.precision,
        "threads": torch.get_num_threads(),
        **shared,
    }
