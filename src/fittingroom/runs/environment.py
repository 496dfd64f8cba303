"""What a run was computed with: versions, machine, device.

Same data and recipe, and same values here, give the same bits; where one of them differs, the last
bits may (Higham 2002, Accuracy and Stability of Numerical Algorithms, doi:10.1137/1.9780898718027,
section 1.17: sums in another order round otherwise), and after some hundred steps of training more
than these.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import subprocess
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

import fittingroom
from fittingroom._version import __version__
from fittingroom.training.device import Device, cpu_features, cpu_name
from fittingroom.training.torchrun import launch

RECORDED_PACKAGES = ("torch", "numpy", "scipy", "matplotlib", "pillow", "safetensors")

# The instructions by which torch, oneDNN, MKL and OpenBLAS choose their kernels, as Linux names
# them on x86 and ARM.
KERNELS_DEPEND_ON = re.compile(r"(avx|fma|f16c|amx|asimd|sve|sme(?!p)|bf16|i8mm)")

# Variables that make these libraries compute otherwise, in another order or number of threads.
# OMP_NUM_THREADS is among the threads.
VARIABLES = (
    *("OMP_DYNAMIC", "OMP_SCHEDULE", "KMP_DETERMINISTIC_REDUCTION"),
    *("MKL_NUM_THREADS", "MKL_DYNAMIC", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS"),
    *("ONEDNN_MAX_CPU_ISA", "ONEDNN_DEFAULT_FPMATH_MODE"),
    *("DNNL_MAX_CPU_ISA", "DNNL_DEFAULT_FPMATH_MODE"),
    *("OPENBLAS_CORETYPE", "ATEN_CPU_CAPABILITY"),
    *("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"),
)


def describe_environment(device: Device) -> dict[str, Any]:
    """Return versions, platform and device as JSON values; processes if there are several.

    What is not there is left out: the commit of a package that was installed, the CPU's features
    where the system does not list them, variables that are not set, CUDA without a GPU.
    """
    import torch

    here = launch()
    shared = {"processes": here.size, "machines": here.machines} if here else {}
    return {
        "fittingroom": __version__,
        **source_commit(),
        "python": platform.python_version(),
        "packages": package_versions(),
        "platform": platform.platform(),
        "cpu": cpu_name(),
        **kernel_choice(),
        "cores": os.cpu_count(),
        "device": device.kind,
        "device_name": device.description,
        **gpu_libraries(device),
        "precision": device.precision,
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        **set_variables(),
        **shared,
    }


@functools.cache
def package_versions() -> dict[str, str]:
    """Return the versions of the packages whose work is in a run's files."""
    return {name: package_version(name) for name in RECORDED_PACKAGES}


def package_version(name: str) -> str:
    """Return a package's version.

    `importlib.metadata.version` reads all that the package says of itself: of matplotlib 8 ms.
    """
    found = re.search(
        r"^Version: *(\S+)$", distribution(name).read_text("METADATA") or "", re.MULTILINE
    )
    return found[1] if found else version(name)


@functools.cache
def source_commit() -> dict[str, Any]:
    """Return the commit of fittingroom's source, and whether that was changed since.

    Nothing where it does not run from a git checkout, or there is no git. Asked once: the modules
    in memory are those of then.
    """
    package = Path(fittingroom.__file__).parent
    checkout = package.parents[1]
    if not (checkout / ".git").exists():  # above an environment may lie another project's
        return {}
    told = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    words = ["git", "status", "--porcelain=v2", "--branch", "--", str(package)]
    try:
        status = subprocess.run(  # noqa: S603 - words of our own
            words,
            cwd=checkout,
            env=told | {"GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=5,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}
    return read_status(status)


def read_status(status: str) -> dict[str, Any]:
    """Read what git says: `# branch.oid COMMIT`, and a line without # for each change.

    https://git-scm.com/docs/git-status#_porcelain_format_version_2
    """
    commit = re.search(r"^# branch\.oid ([0-9a-f]{40,64})$", status, re.MULTILINE)
    if commit is None:
        return {}
    changes = [line for line in status.splitlines() if not line.startswith("#")]
    return {"commit": commit[1], "modified": bool(changes)}


def kernel_choice() -> dict[str, Any]:
    """Return by what torch and the libraries under it choose their kernels for this CPU."""
    import torch

    features = sorted(name for name in cpu_features() if KERNELS_DEPEND_ON.match(name))
    listed = {"cpu_features": features} if features else {}
    return {"cpu_capability": torch.backends.cpu.get_cpu_capability(), **listed}


def gpu_libraries(device: Device) -> dict[str, Any]:
    """Return the versions of CUDA and cuDNN, where they are what computes."""
    if device.kind != "cuda":
        return {}
    import torch

    return {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}


def set_variables() -> dict[str, Any]:
    """Return those of VARIABLES that are set."""
    found = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    return {"variables": found} if found else {}
