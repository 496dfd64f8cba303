"""Which of the processes that torchrun started this is, and who of them speaks to a person.

torchrun starts the same program several times and tells each by environment variables which one
it is (https://docs.pytorch.org/docs/stable/elastic/run.html). Beside them it keeps a store: short
texts by name that all of them see, also those that died have written.
"""

from __future__ import annotations

import functools
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from fittingroom.errors import DeviceError, ProcessError

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import Store

# Processes wait for each other while one loads its data, judges the model or draws figures: minutes
# at most. One that dies is noticed at once; this long lasts only the silence of a lost machine.
TIMEOUT = timedelta(minutes=10)


@dataclass(frozen=True)
class Launch:
    """The place of this process among those that torchrun started.

    Parameters
    ----------
    rank, size
        Its number, from 0, and how many there are on all machines.
    local_rank, local_size
        The same on this machine.
    machine
        Number of this machine, from 0.
    """

    rank: int
    size: int
    local_rank: int
    local_size: int
    machine: int

    @property
    def machines(self) -> int:
        """On how many machines there are as many processes as on this one."""
        return max(1, self.size // self.local_size)


def launch() -> Launch | None:
    """Return this process's place; None if torchrun did not start it, or it alone."""
    wanted = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
    told = {name: os.environ.get(name, "") for name in wanted}
    if not all(told.values()) or not told["WORLD_SIZE"].isdecimal() or told["WORLD_SIZE"] == "1":
        return None
    size = int(told["WORLD_SIZE"])
    local_size = int(os.environ.get("LOCAL_WORLD_SIZE", told["WORLD_SIZE"]))
    machine = int(os.environ.get("GROUP_RANK", "0"))
    return Launch(int(told["RANK"]), size, int(told["LOCAL_RANK"]), local_size, machine)


def is_first() -> bool:
    """Tell whether this process is the one that writes and speaks: it is alone, or number 0."""
    here = launch()
    return here is None or here.rank == 0


def starting_words(processes: int = 1, machines: int = 1) -> list[str]:
    """Return what a command line begins with that starts so many processes on so many machines."""
    if processes == 1:
        return ["fittingroom"]
    nodes = ["--nnodes", str(machines)] if machines > 1 else []
    each = ["--nproc-per-node", str(processes // machines)]
    return ["torchrun", *nodes, *each, "-m", "fittingroom"]


def own_device(name: str) -> str:
    """Return the device of this process for the name that a person gave.

    Of several processes on a machine each has the GPU of its own number.

    Raises
    ------
    DeviceError
        If several processes cannot share a run on that device.
    """
    here = launch()
    if here is None:
        return name
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "mps" or name.startswith("cuda:"):
        raise DeviceError(
            f"device {name!r} cannot be shared by {here.size} processes; use --device cpu, or "
            "--device cuda, where each takes the GPU of its own number"
        )
    gpus = torch.cuda.device_count()
    if name == "cuda" and here.local_size > gpus > 0:  # all find out, not only those without one
        raise DeviceError(
            f"{here.local_size} processes on a machine with {gpus} GPU{'s' if gpus > 1 else ''}; "
            f"each needs its own: start torchrun with --nproc-per-node {gpus}"
        )
    return f"cuda:{here.local_rank}" if name == "cuda" and gpus else name


@functools.cache
def connect_store() -> Store:
    """Return the store that all processes see.

    Raises
    ------
    ProcessError
        If it cannot be reached.
    """
    from torch.distributed.rendezvous import rendezvous

    try:
        store: Store = next(rendezvous("env://", timeout=TIMEOUT))[0]
    except (RuntimeError, ValueError) as error:
        address = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise ProcessError(
            f"the other processes cannot be reached at {address}, which MASTER_ADDR and "
            f"MASTER_PORT name: {str(error).splitlines()[0]}; start them all by torchrun"
        ) from error
    return store


def first_to_tell() -> bool:
    """Tell whether this process is the first on its machine to tell a person why all of them end.

    What goes wrong goes wrong for all of them; a person needs to hear of it once.
    """
    here = launch()
    if here is None:
        return True
    try:
        return bool(connect_store().add(f"fittingroom/told/{here.machine}", 1) == 1)
    except (ProcessError, RuntimeError):  # rather several times than never
        return True


def leave_word(text: str) -> None:
    """Let torchrun know why this process ends, for the summary that it prints after its end.

    The format is that of torch.distributed.elastic's own ErrorHandler.
    """
    path = os.environ.get("TORCHELASTIC_ERROR_FILE")
    if path is not None and launch() is not None:
        more = {"py_callstack": text, "timestamp": str(int(time.time()))}
        with suppress(OSError):
            Path(path).write_text(json.dumps({"message": {"message": text, "extraInfo": more}}))
