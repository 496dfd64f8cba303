"""Devices, precision, repeatability, and running out of memory."""

from __future__ import annotations

import os
from io import StringIO
from typing import Any

import numpy as np
import pytest
import torch

from fittingroom.errors import DeviceError
from fittingroom.training import device as device_module
from fittingroom.training.bf16 import Bf16
from fittingroom.training.device import (
    Device,
    cpu_info,
    cpu_threads,
    cublas_workspace,
    is_available,
    memory_errors,
    repeatable,
    seed_everything,
    select_device,
    try_bf16,
)

# The CPU


@pytest.mark.parametrize("number", [1, 2, None])
def test_so_many_threads_are_used_inside_and_as_many_as_before_outside(number: int | None) -> None:
    before = torch.get_num_threads()
    with cpu_threads(number):
        assert torch.get_num_threads() == (number or before)
    assert torch.get_num_threads() == before
    with pytest.raises(KeyError), cpu_threads(number):
        raise KeyError
    assert torch.get_num_threads() == before


def test_what_linux_says_of_a_cpu_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "processor\t: 0\nmodel name\t: A CPU: fast\nflags\t\t: fpu avx2\nmodel name\t: Another\n"
    monkeypatch.setattr(device_module, "open", lambda *_a, **_k: StringIO(said), raising=False)
    assert cpu_info("model name") == "A CPU: fast"
    assert cpu_info("flags") == "fpu avx2"
    assert cpu_info("bogomips") == ""

    def nowhere(*_arguments: object, **_named: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(device_module, "open", nowhere, raising=False)
    assert cpu_info("flags") == ""


# Choosing a device


@pytest.mark.parametrize(
    "name", ["gpu", "", "CPU", "meta", "xpu", "auto:1", "cuda:x", "cuda:-1", "cpu ", "0"]
)
def test_an_unknown_device_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(
        DeviceError, match=f"unknown device '{name}'; known are auto, cpu, cuda, mps"
    ):
        select_device(name)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    if is_available(name.partition(":")[0]):
        pytest.skip(f"{name} is there")
    with pytest.raises(DeviceError, match=f"'{name}' is not available .*use --device auto"):
        select_device(name)


@pytest.mark.parametrize("name", ["cuda:1", "cuda:7", "cuda:100"])
def test_a_gpu_beyond_the_last_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DeviceError, match=f"'{name}': there are only 1 GPUs"):
        select_device(name)


@pytest.mark.parametrize(
    ("there", "chosen"),
    [({"cuda", "mps", "cpu"}, "cuda"), ({"mps", "cpu"}, "mps"), ({"cpu"}, "cpu")],
)
def test_auto_takes_cuda_then_mps_then_cpu(
    there: set[str], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_module, "is_available", lambda kind: kind in there)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert select_device().kind == chosen


def test_the_cpu_is_always_there_and_says_what_it_is() -> None:
    cpu = select_device("cpu")
    assert (cpu.kind, cpu.precision, cpu.autocast_dtype) == ("cpu", "fp32", None)
    assert f"{torch.get_num_threads()} thread" in cpu.description
    cpu.synchronize()


# Precision


@pytest.mark.parametrize(
    ("found", "precision", "expected"),
    [
        (Bf16(sound=True, fast=True), "fp32", "fp32"),
        (Bf16(sound=True, fast=True), "bf16", "bf16"),
        (Bf16(sound=True, fast=True), "auto", "bf16"),
        (Bf16(sound=True, fast=False), "bf16", "bf16"),
        (Bf16(sound=True, fast=False), "auto", "fp32"),
        (Bf16(sound=False, fast=False), "fp32", "fp32"),
        (Bf16(sound=False, fast=False), "auto", "fp32"),
    ],
)
def test_bf16_is_taken_where_it_is_asked_for_or_fast(
    found: Bf16, precision: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_module, "try_bf16", lambda _device: found)
    assert select_device("cpu", precision).precision == expected


def test_bf16_that_is_not_sound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_module, "try_bf16", lambda _device: Bf16(sound=False, fast=False))
    with pytest.raises(DeviceError, match=r"bfloat16 fails .*use --precision fp32"):
        select_device("cpu", "bf16")


def test_fp32_needs_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_module, "try_bf16", lambda _device: pytest.fail("tried"))
    select_device("cpu", "fp32")


@pytest.mark.parametrize("features", [frozenset(), frozenset({"avx2", "avx512f"})])
def test_a_cpu_without_the_instructions_is_not_put_to_the_test(
    features: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_module, "cpu_features", lambda: features)
    monkeypatch.setattr(device_module, "try_on_cpu", lambda: pytest.fail("tried"))
    assert try_bf16(torch.device("cpu")) == Bf16(sound=True, fast=False)


def test_layers_compute_in_the_devices_precision() -> None:
    layer, x = torch.nn.Linear(4, 3), torch.rand(2, 4)
    for dtype, expected in ((None, torch.float32), (torch.bfloat16, torch.bfloat16)):
        with Device(torch.device("cpu"), dtype).autocast():
            assert torch.is_autocast_enabled("cpu") is (dtype is not None)
            found = torch.get_autocast_dtype("cpu") if dtype else layer(x).dtype
        assert found is expected


def test_a_device_without_fast_bf16_stays_with_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_module, "cpu_features", lambda: frozenset({"avx2"}))
    assert try_bf16(torch.device("cpu")) == Bf16(sound=True, fast=False)
    assert try_bf16(torch.device("mps")) == Bf16(sound=False, fast=False)


# Repeatability


def test_what_is_drawn_inside_does_not_disturb_what_is_drawn_outside(cpu: Device) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    with repeatable(cpu):
        seed_everything(0)
        torch.rand(9)
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize("theirs", [None, ":16:8"])
def test_cublas_is_told_to_sum_in_order_unless_a_person_told_it_something(
    monkeypatch: pytest.MonkeyPatch, cpu: Device, theirs: str | None
) -> None:
    name = "CUBLAS_WORKSPACE_CONFIG"
    monkeypatch.delenv(name, raising=False)
    if theirs:
        monkeypatch.setenv(name, theirs)
    with cublas_workspace(Device(torch.device("cuda"))):
        assert os.environ[name] == (theirs or ":4096:8")
    assert os.environ.get(name) == theirs
    with cublas_workspace(cpu):
        assert os.environ.get(name) == theirs


@pytest.mark.parametrize("how", ["default", "warn", "error"])
def test_settings_are_ours_inside_and_the_callers_afterwards(cpu: Device, how: str) -> None:
    def found() -> tuple[int, bool, bool]:
        settings: Any = torch.utils.deterministic  # its type is made at run time
        filled = bool(settings.fill_uninitialized_memory)
        return torch.get_deterministic_debug_mode(), torch.backends.cudnn.benchmark, filled

    torch.set_deterministic_debug_mode(how)
    torch.backends.cudnn.benchmark = True
    try:
        before = found()
        with repeatable(cpu):
            assert found() == (0, False, False)
        assert found() == before
        with pytest.raises(KeyError), repeatable(cpu):
            raise KeyError
        assert found() == before
    finally:
        torch.set_deterministic_debug_mode("default")
        torch.backends.cudnn.benchmark = False


def test_denormal_numbers_are_flushed_inside_and_only_there(cpu: Device) -> None:
    tiny = torch.full((4,), 1e-30)
    with repeatable(cpu):
        assert (tiny * 1e-10 == 0).all()
    assert (tiny * 1e-10 > 0).all()


def drawn(seed: int, *purpose: int) -> float:
    seed_everything(seed, *purpose)
    return torch.rand(()).item()


def test_seed_and_purpose_decide_and_neighbours_are_unrelated() -> None:
    with torch.random.fork_rng([]):
        assert drawn(5, 2) == drawn(5, 2)
        found = [drawn(seed, epoch) for seed in range(30) for epoch in range(30)]
    assert len(set(found)) == 900
    grid = np.array(found).reshape(30, 30)
    # Uniform on 0..1: the mean of 900 has a standard deviation of 0.0096.
    assert abs(grid.mean() - 0.5) < 0.05
    assert abs(np.corrcoef(grid[:, :-1].ravel(), grid[:, 1:].ravel())[0, 1]) < 0.2
    assert abs(np.corrcoef(grid[:-1].ravel(), grid[1:].ravel())[0, 1]) < 0.2


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**63 - 1])
def test_every_seed_of_a_recipe_can_be_planted(seed: int) -> None:
    with torch.random.fork_rng([]):
        assert 0 <= drawn(seed) < 1


# Memory


def test_more_memory_than_there_is_becomes_a_device_error() -> None:
    with (
        pytest.raises(
            DeviceError, match=r"out of memory \(.*\); try a smaller --batch-size than 64"
        ),
        memory_errors(64),
    ):
        torch.empty(10**15)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 4 TiB"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore"),
        RuntimeError("MPS backend out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried"),
        RuntimeError("std::bad_alloc"),
    ],
    ids=repr,
)
def test_every_kind_of_memory_error_becomes_one_line(error: Exception) -> None:
    with pytest.raises(DeviceError, match="--batch-size than 8,") as caught, memory_errors(8):
        raise error
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is error


def test_out_of_memory_with_many_runs_at_once_suggests_fewer() -> None:
    wanted = "fewer runs at once than 5 with --stack"
    with pytest.raises(DeviceError, match=wanted), memory_errors(8, runs=5):
        raise MemoryError


def test_a_gpu_that_fails_is_said_in_one_line() -> None:
    error = torch.AcceleratorError("CUDA error: unspecified launch failure\nSearch for it")
    wanted = r"^the GPU failed \(CUDA error: unspecified launch failure\); .*--resume$"
    with pytest.raises(DeviceError, match=wanted) as caught, memory_errors(8):
        raise error
    assert caught.value.__cause__ is error
    with pytest.raises(DeviceError, match="--batch-size than 8,"), memory_errors(8):
        raise torch.AcceleratorError("CUDA error: out of memory")


@pytest.mark.parametrize(
    "error", [RuntimeError("shape mismatch"), ValueError("x"), RecursionError()]
)
def test_other_errors_pass_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, memory_errors(8):
        raise error
    assert caught.value is error
