"""Where a run computes, in which precision, and how it is made repeatable."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.utils.deterministic

from fittingroom.errors import DeviceError
from fittingroom.training.bf16 import Bf16, try_on_cpu

DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Device:
    """A device and the precision that a run uses on it.

    Parameters
    ----------
    torch_device
        Where tensors live.
    autocast_dtype
        torch.bfloat16 if layers that profit compute in it, None for float32 throughout.
    """

    torch_device: torch.device
    autocast_dtype: torch.dtype | None = None

    @property
    def kind(self) -> str:
        """cpu, cuda or mps."""
        return self.torch_device.type

    @property
    def precision(self) -> str:
        """fp32 or bf16: what was chosen."""
        return "bf16" if self.autocast_dtype is torch.bfloat16 else "fp32"

    @property
    def description(self) -> str:
        """The hardware's own name and, for a CPU, the number of threads."""
        if self.kind == "cuda":
            return torch.cuda.get_device_name(self.torch_device)
        if self.kind == "mps":
            return f"Apple GPU ({platform.machine()})"
        threads = torch.get_num_threads()
        return f"{cpu_name()}, {threads} thread{'s' if threads > 1 else ''}"

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context in which forward passes and losses are computed."""
        if self.autocast_dtype is None:
            return nullcontext()
        return torch.autocast(self.kind, dtype=self.autocast_dtype)

    def synchronize(self) -> None:
        """Wait until the device has done all it was given, so that a clock tells the truth."""
        if self.kind == "cuda":
            torch.cuda.synchronize(self.torch_device)
        elif self.kind == "mps":
            torch.mps.synchronize()


def select_device(name: str = "auto", precision: str = "fp32") -> Device:
    """Return the device to compute on: by name, or the best there is: cuda, else mps, else cpu.

    Parameters
    ----------
    name
        auto, cpu, cuda, cuda:N or mps.
    precision
        fp32, bf16, or auto for bf16 where the hardware computes it fast.

    Raises
    ------
    DeviceError
        If the device is unknown or not there, or does not compute in that precision.
    """
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if is_available(kind))
    try:
        torch_device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f"unknown device {name!r}; known are {', '.join(DEVICES)}") from None
    if torch_device.type not in DEVICES:
        raise DeviceError(f"unknown device {name!r}; known are {', '.join(DEVICES)}")
    if not is_available(torch_device.type):
        raise DeviceError(
            f"device {name!r} is not available here with torch {torch.__version__}; "
            "use --device auto to take what there is"
        )
    if torch_device.type == "cuda" and (torch_device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"device {name!r}: there are only {torch.cuda.device_count()} GPUs")
    return Device(torch_device, torch.bfloat16 if wants_bf16(torch_device, precision) else None)


def wants_bf16(device: torch.device, precision: str) -> bool:
    """Tell whether a run with this recipe field computes in bfloat16 on this device.

    Raises
    ------
    DeviceError
        If it must, and the device cannot.
    """
    if precision == "fp32":
        return False
    bf16 = try_bf16(device)
    if precision == "bf16" and not bf16.sound:
        raise DeviceError(
            f"device {device}: bfloat16 fails or gives wrong results here; use --precision fp32"
        )
    return precision == "bf16" or bf16.fast


def is_available(kind: str) -> bool:
    """Tell whether this torch can compute on `kind` (cpu, cuda or mps) on this machine."""
    if kind == "cuda":
        return torch.cuda.is_available()
    if kind == "mps":
        return torch.backends.mps.is_available()
    return kind == "cpu"


def try_bf16(device: torch.device) -> Bf16:
    """Find out how a device computes in bfloat16.

    CUDA has matrix units for it from compute capability 8.0 on. A CPU is put to the test if it
    says that it has AMX or AVX-512's bf16 instructions. Apple's GPUs stay with float32.
    """
    if device.type == "cuda":
        able = torch.cuda.get_device_capability(device) >= (8, 0)
        return Bf16(sound=able, fast=able)
    if device.type == "cpu" and {"amx_bf16", "avx512_bf16"} & cpu_features():
        return try_on_cpu()
    return Bf16(sound=device.type == "cpu", fast=False)


def cpu_features() -> frozenset[str]:
    """Return the CPU's feature flags as Linux lists them, on x86 or ARM; empty elsewhere."""
    return frozenset((cpu_info("flags") or cpu_info("Features")).split())


def cpu_name() -> str:
    """Return the CPU's own name, e.g. "Intel(R) Xeon(R) Processor"."""
    return cpu_info("model name") or platform.processor() or platform.machine()


def cpu_info(key: str) -> str:
    """Return one entry of Linux's /proc/cpuinfo, or "" where there is none."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - not a real file
            lines = file.read().splitlines()
    except OSError:
        return ""
    values = (line.split(":", 1)[1].strip() for line in lines if line.startswith(key))
    return next(values, "")


@contextmanager
def cpu_threads(number: int | None) -> Iterator[None]:
    """Let torch use so many CPU threads inside; None for as many as it does."""
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def repeatable(device: Device) -> Iterator[None]:
    """Make what runs inside repeatable, and leave torch's global state as it was found.

    Random numbers drawn inside do not disturb the caller's, and the other way round. On CUDA
    only deterministic kernels are used. Denormal numbers are flushed to zero.
    """
    # This and torch.use_deterministic_algorithms set the same, but that imports torch's compiler.
    mode = torch.get_deterministic_debug_mode()
    cudnn = torch.backends.cudnn.benchmark
    deterministic_settings: Any = torch.utils.deterministic  # its type is made at run time
    filled = deterministic_settings.fill_uninitialized_memory
    with forked_generators(device), flushed_denormals(), cublas_workspace(device):
        torch.set_deterministic_debug_mode("warn" if device.kind == "cuda" else "default")
        torch.backends.cudnn.benchmark = False
        # Nothing here reads memory before it is written, and filling it costs a kernel a tensor.
        deterministic_settings.fill_uninitialized_memory = False
        try:
            yield
        finally:
            torch.set_deterministic_debug_mode(mode)
            torch.backends.cudnn.benchmark = cudnn
            deterministic_settings.fill_uninitialized_memory = filled


@contextmanager
def cublas_workspace(device: Device) -> Iterator[None]:
    """Say to cuBLAS, unless a person has, that its sums are to be the same each time.

    https://docs.nvidia.com/cuda/cublas/#results-reproducibility
    """
    name = "CUBLAS_WORKSPACE_CONFIG"
    if device.kind != "cuda" or name in os.environ:
        yield
        return
    os.environ[name] = ":4096:8"
    try:
        yield
    finally:
        os.environ.pop(name, None)


def forked_generators(device: Device) -> AbstractContextManager[None]:
    """Return the context in which random numbers are drawn that disturb nobody's outside."""
    devices = [] if device.kind == "cpu" else [device.torch_device]
    kind = "cuda" if device.kind == "cpu" else device.kind
    return torch.random.fork_rng(devices, device_type=kind)


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Compute numbers too small to be normal as zero.

    Adam's averages for pixels that are always black end as such numbers, and a Xeon takes 1.5
    times as long for an epoch with them. It holds for the calling thread, and for threads that
    torch starts from it later, not for those that it has started: so it is to be said before
    anything large is computed.
    """
    before = flushes_denormals()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def flushes_denormals() -> bool:
    """Tell whether numbers too small to be normal are computed as zero."""
    return bool((torch.tensor([1e-40]) * 0.5).item() == 0.0)


def seed_everything(seed: int, *purpose: int) -> None:
    """Seed torch's generators on every device for one purpose of one run.

    `seed` and `purpose` (an epoch's number, say) are mixed by NumPy's SeedSequence, so that
    neighbouring seeds and epochs give unrelated random numbers.
    """
    mixed = np.random.SeedSequence([seed, *purpose]).generate_state(1, np.uint64)
    torch.manual_seed(int(mixed[0]))


@contextmanager
def memory_errors(batch_size: int, runs: int = 1) -> Iterator[None]:
    """Turn every way of running out of memory into a DeviceError that says what to do.

    Likewise a GPU that fails: it answers this process no more. `runs` are trained at once.
    """
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not is_out_of_memory(error):
            if isinstance(error, torch.AcceleratorError):
                raise DeviceError(
                    f"the GPU failed ({str(error).splitlines()[0]}); give the same command again, "
                    "or go on with a run that was saved by --resume"
                ) from error
            raise
        reason = str(error).splitlines()[0] if str(error) else "no memory left"
        raise out_of_memory(reason, batch_size, runs) from error


def out_of_memory(reason: str, batch_size: int, runs: int = 1) -> DeviceError:
    """Return the error that says that memory ran out, and what to do."""
    fewer = f"fewer runs at once than {runs} with --stack, " if runs > 1 else ""
    return DeviceError(
        f"out of memory ({reason}); try {fewer}a smaller --batch-size than {batch_size}, "
        "a smaller network, or smaller pictures with --size"
    )


def is_out_of_memory(error: RuntimeError) -> bool:
    """Tell whether one of torch's errors means that memory ran out: the CPU has no type for it."""
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or any(
        sign in text
        for sign in ("not enough memory", "can't allocate memory", "out of memory", "bad_alloc")
    )
