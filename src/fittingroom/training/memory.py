"""Whether a step's intermediate results fit into the memory there is.

A CPU lends more memory than it has and ends the whole process once that is used, without a word;
so what is certainly too much, for the machine or for the container that it runs in, is refused
before training begins. A GPU says no by itself.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor, nn

from fittingroom.models.classifier import Classifier
from fittingroom.models.inference import evaluation_mode
from fittingroom.training.device import Device, out_of_memory

BYTES_PER_NUMBER = 4


def check_memory(classifier: Classifier, batch_size: int, device: Device, fetched: int = 0) -> None:
    """See that what a step keeps for its backward pass is less than the machine's memory.

    Beside it lie so many bytes of pictures that were fetched from files.

    Raises
    ------
    DeviceError
        If it is not.
    """
    there = physical_memory()
    if device.kind != "cpu" or there is None:
        return
    needed = fetched + count_kept_numbers(classifier) * BYTES_PER_NUMBER * batch_size
    if needed > there:
        reason = f"a step needs at least {needed / 1e9:,.0f} GB, there are {there / 1e9:,.0f}"
        raise out_of_memory(reason, batch_size)


def count_kept_numbers(classifier: Classifier) -> int:
    """Count the numbers that the network's layers put out for one picture.

    Fewer than a step keeps, for functions that are no layers are not counted.
    """
    counts: list[int] = []

    def count(layer: nn.Module, _inputs: object, output: object) -> None:
        if isinstance(output, Tensor) and not getattr(layer, "inplace", False):
            counts.append(output[0].numel())

    leaves = (m for m in classifier.network.modules() if not list(m.children()))
    hooks = [layer.register_forward_hook(count) for layer in leaves]
    place = next(classifier.parameters()).device
    images = torch.zeros((2, *classifier.input_shape), dtype=torch.uint8, device=place)
    try:
        with evaluation_mode(classifier), torch.no_grad():
            classifier.score(images)
    finally:
        for hook in hooks:
            hook.remove()
    return sum(counts)


def physical_memory() -> int | None:
    """Return the memory in bytes that this process may have, or None where nobody tells."""
    known = [machine_memory(), *container_memory()]
    return min((size for size in known if size is not None), default=None)


def machine_memory() -> int | None:
    """Return the machine's memory in bytes, or None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return None


def container_memory(root: Path = Path("/")) -> list[int]:
    """Return the limits in bytes that Linux's control groups set to this process, of both versions.

    A container, a Slurm job and a systemd service have one, and end without a word beyond it.
    See cgroups(7); a limit holds for all that is inside.
    """
    limits = []
    for line in lines_of(root / "proc/self/cgroup"):
        _, kinds, path = line.split(":", 2)
        if kinds in {"", "memory"}:
            top = root / "sys/fs/cgroup" / kinds
            name = "memory.limit_in_bytes" if kinds else "memory.max"
            group = top / path.lstrip("/")
            for place in (group, *group.parents):
                limits += [int(word) for word in lines_of(place / name) if word.isdecimal()]
                if place == top:
                    break
    return limits


def lines_of(path: Path) -> list[str]:
    """Return the lines of one of the system's files; none where it has no such file."""
    try:
        return path.read_text("utf-8").splitlines()
    except OSError:
        return []
