"""The processes that share one run: what they send each other.

Every process holds all pictures and draws the same random numbers, so that each knows the whole
of every batch; of its forward and backward pass each does a share. What follows from a batch,
its gradients and losses, is added up and from there on the same in all of them.

Process 0 alone writes and speaks. Numbers go through torch.distributed: NCCL between GPUs, gloo
between CPUs. Texts go through torchrun's store, where a process that waits can be interrupted and
can read why another has ended.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from fittingroom.errors import FittingroomError, ProcessError
from fittingroom.training.device import Device
from fittingroom.training.ending import ending_by_signals
from fittingroom.training.torchrun import TIMEOUT, connect_store, launch

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import ProcessGroup, Store

# Between two looks into the store.
PAUSE_SECONDS = 0.02

# A store is kept as long as its processes live: each group that they form has names of its own.
GROUPS = itertools.count()


class Processes:
    """The processes that share a run, seen from one of them; by default it is alone.

    A process that is alone sends nothing, and its shares are the whole.

    Parameters
    ----------
    rank, size
        The number of this process, from 0, and how many there are.
    store
        Where texts are read and written; None for a process that is alone.
    group
        Through which tensors are sent; None for torch's default, once `connect` has made it.
    """

    def __init__(
        self,
        rank: int = 0,
        size: int = 1,
        store: Store | None = None,
        group: ProcessGroup | None = None,
    ) -> None:
        self.rank, self.size = rank, size
        self.store: Any = store
        self.group = group
        self.over_gloo = False
        self.how_to_go_on = ""
        self.broken = False

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """Return which of `count` things in a row are this process's; none if they are few."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    # Tensors

    def connect(self, device: Device) -> None:
        """Open the way for tensors once every process is ready.

        Raises
        ------
        ProcessError
            If another process has ended.
        """
        if self.size == 1:
            return
        import torch.distributed as dist
        from torch.distributed.distributed_c10d import PrefixStore

        with self._noticing_losses():
            self.store.add("ready", 1)
        self._wait(lambda: bool(self.store.add("ready", 0) == self.size))
        self.over_gloo = device.kind == "cpu"
        # With GPUs too, answers to yes or no go by gloo: they need not wait for what is computed.
        backend = "gloo" if self.over_gloo else "cpu:gloo,cuda:nccl"
        if not self.over_gloo:
            torch.cuda.set_device(device.torch_device)
        with self._noticing_losses():
            if dist.is_initialized():  # by a program of a person's own
                self.group = dist.new_group(backend=backend, timeout=TIMEOUT)
            else:
                store = PrefixStore("tensors", self.store)
                dist.init_process_group(
                    backend, store=store, rank=self.rank, world_size=self.size, timeout=TIMEOUT
                )
                self.group = dist.group.WORLD

    def disconnect(self) -> None:
        """Close what `connect` opened."""
        if self.group is not None:
            from torch.distributed import destroy_process_group

            destroy_process_group(self.group)
            self.group = None

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each of the tensors by its sum over all processes, in one message.

        They lie on one device. Afterwards every process has the same bits.
        """
        if self.size == 1:
            return
        from torch.distributed import all_reduce

        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        with self._noticing_losses():
            all_reduce(flat, group=self.group)
        parts = flat.split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))

    def agree(self, yes: bool) -> bool:
        """Tell whether all processes say yes."""
        if self.size == 1:
            return yes
        noes = torch.tensor([not yes], dtype=torch.int32)
        self.add_up([noes])
        return not noes.item()

    @torch.no_grad()
    def copy_from_first(self, tensors: Iterable[Tensor]) -> None:
        """Give each of the tensors the numbers that it has in process 0."""
        if self.size == 1:
            return
        from torch.distributed import broadcast

        for tensor in tensors:
            numbers = tensor.detach().contiguous()
            with self._noticing_losses():
                broadcast(numbers, group=self.group, group_src=0)
            tensor.copy_(numbers)

    def bytes_from_first(self, content: bytes) -> bytes:
        """Return the `content` that process 0 gives; what the others give does not matter."""
        if self.size == 1:
            return content
        length = torch.tensor([len(content)])
        self.copy_from_first([length])
        numbers = np.zeros(int(length), np.uint8)
        if self.is_first:
            numbers[:] = np.frombuffer(content, np.uint8)
        self.copy_from_first([torch.from_numpy(numbers)])
        return numbers.tobytes()

    # Texts

    def say(self, name: str, text: str) -> None:
        """Let all processes `hear` a text under this name."""
        if self.size > 1:
            with self._noticing_losses():
                self.store.set(name, text)

    def hear(self, name: str) -> str:
        """Wait for the text of this name.

        Raises
        ------
        ProcessError
            If one of the processes has ended instead.
        """
        self._wait(lambda: bool(self.store.check([name])))
        return str(self.store.get(name).decode())

    def check_alike(self, what: str, value: str) -> None:
        """See that all processes have the same.

        Raises
        ------
        ProcessError
            If they have not, and where.
        """
        if self.is_first:
            self.say(what, value)
        elif self.hear(what) != value:
            raise ProcessError(
                f"process {self.rank} has another {what} than process 0; "
                "give all machines the same command, data and kind of device"
            )

    def report(self, error: BaseException) -> None:
        """Let the others know why this process ends: they will end with the same words."""
        if self.broken:
            return  # by the end of another one
        usual = isinstance(error, FittingroomError | KeyboardInterrupt)
        text = str(error) if usual else f"process {self.rank}: {type(error).__name__}: {error}"
        try:
            self.store.compare_set("error", "", text or "interrupted")
        except RuntimeError:
            return  # whoever keeps the store is gone, and its processes with it

    def _wait(self, ready: Callable[[], bool]) -> None:
        """Look again and again until something is there, or it will never be."""
        give_up = time.monotonic() + TIMEOUT.total_seconds()
        with self._noticing_losses():
            while not ready():
                over = self.store.check(["error"]) or time.monotonic() > give_up
                if over and not ready():  # another one may have said it, and then ended
                    raise RuntimeError("no answer")  # as where a connection breaks
                time.sleep(PAUSE_SECONDS)

    @contextmanager
    def _noticing_losses(self) -> Iterator[None]:
        """Turn the errors that a process meets whose others are gone into one that says so."""
        try:
            yield
        except RuntimeError as error:
            self.broken = True
            raise ProcessError(self._why_they_end()) from error

    def _why_they_end(self) -> str:
        """Return the words of the process that ended first, or what is known without them."""
        try:
            if self.store.check(["error"]):
                return str(self.store.get("error").decode())
        except RuntimeError:
            pass
        hint = f"; {self.how_to_go_on}" if self.how_to_go_on else ""
        return (
            f"another of the {self.size} processes of this run has ended or does not answer, "
            f"and this one cannot go on without it{hint}"
        )


ALONE = Processes()


@contextmanager
def join_processes() -> Iterator[Processes]:
    """Return the processes that torchrun started this one with; a process alone otherwise.

    A process that leaves by an error lets the others know. torchrun then asks those that are left
    to end, within a tenth of a second, and kills them later: one that is about to end by itself
    does not hear that, so that it can still say why.
    """
    here = launch()
    if here is None:
        yield ALONE
        return
    from torch.distributed.distributed_c10d import PrefixStore

    store = PrefixStore(f"fittingroom/{next(GROUPS)}", connect_store())
    processes = Processes(here.rank, here.size, store)
    with ending_by_signals() as ending:
        ending.deaf = lambda: processes.broken
        try:
            yield processes
        except BaseException as error:
            processes.report(error)
            if processes.over_gloo:  # NCCL would wait for processes that may be gone
                processes.disconnect()
            raise
        processes.disconnect()
