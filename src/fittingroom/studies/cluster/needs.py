"""What a task asks of a node, and whether a cluster can be asked at all."""

from __future__ import annotations

from dataclasses import dataclass

from fittingroom.errors import DeviceError, StudyError
from fittingroom.studies.cluster.address import OWN, knock, read_address
from fittingroom.studies.cluster.connection import Cluster
from fittingroom.studies.cluster.surroundings import import_ray
from fittingroom.training.device import Device

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Needs:
    """What each task of a study asks of a node.

    Parameters
    ----------
    device
        cpu or cuda.
    threads
        CPU threads; a task on a CPU has as many cores to itself.
    gpus
        GPUs, or the share of one, of a task on cuda; 0 on a CPU.
    """

    device: str
    threads: int
    gpus: float = 0

    @property
    def cpus(self) -> int:
        """CPU cores that are the task's own; one on a GPU takes what it needs."""
        return 0 if self.gpus else self.threads

    def places(self, cluster: Cluster) -> int:
        """Return for how many such tasks a cluster has room, when nobody else uses it."""
        return cluster.places(self.cpus, self.gpus)

    def __str__(self) -> str:
        number, thing = (self.gpus, "GPU") if self.gpus else (self.cpus, "CPU")
        return f"{number:g} {thing}" + ("s" if number > 1 else "")


def check_cluster(address: str, device: str, gpus_per_run: float | None) -> Device:
    """See that runs can be sent to a cluster, before the data are read.

    Returns
    -------
    A device as its nodes may have it.

    Raises
    ------
    StudyError
        If Ray is not installed or no cluster answers, or a run cannot have so much of a GPU.
    DeviceError
        If the device is none that a cluster has.
    """
    place = read_address(address)
    if device not in DEVICES:
        raise DeviceError(
            f"device must be {', '.join(DEVICES[:-1])} or {DEVICES[-1]} on a cluster, which itself "
            f"chooses the GPU, found {device!r}"
        )
    if gpus_per_run is not None:
        check_share(gpus_per_run, device)
    import_ray()
    knock(place)
    return device_of("cpu" if device == "cpu" else "cuda")


def device_of(kind: str) -> Device:
    """Return a device of this kind, whether or not there is one here."""
    import torch

    return Device(torch.device(kind))


def check_share(gpus_per_run: float, device: str) -> None:
    """See that a run can have so much of a GPU."""
    if device == "cpu":
        raise StudyError("gpus_per_run is for runs on a GPU, found device 'cpu'; leave one out")
    # Ray shares a GPU in ten-thousandths.
    if not (1e-4 <= gpus_per_run <= 1 or (gpus_per_run > 1 and gpus_per_run == int(gpus_per_run))):
        raise StudyError(
            f"gpus_per_run must be a share of a GPU, 0.0001 to 1, or a number of them, "
            f"found {gpus_per_run}"
        )


def settle_needs(cluster: Cluster, device: str, threads: int, gpus_per_run: float | None) -> Needs:
    """Return what a run asks of a node: of a GPU, if there are any.

    Raises
    ------
    DeviceError
        If a Ray that was started here has no GPU for it.
    """
    if device == "cpu" or (device == "auto" and gpus_per_run is None and not cluster.gpus):
        return Needs("cpu", threads)
    if cluster.address.text == OWN and not cluster.gpus:
        raise DeviceError("device 'cuda' is not available here: Ray finds no GPU; leave it out")
    return Needs("cuda", threads, gpus_per_run or 1)
