"""A connection with a Ray cluster: share data, start tasks, hear of them, end them.

::

    with Cluster("ray://head:10001") as cluster:
        pictures = cluster.share(splits)                # once to each node that needs them
        ticket = cluster.start(train, pictures, recipe, cpus=1)
        for event in cluster.poll(0.5):
            ...                                         # Said, Printed or Ended

A task is a function whose first argument is a `Post`: by it the task says something while it goes
on, and hears whether it is asked to stop. What it prints, and its warnings, arrive here too.
"""

from __future__ import annotations

import importlib
import logging
import math
import os
import re
import secrets
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from fittingroom.errors import FittingroomError, StudyError
from fittingroom.studies.cluster.address import AUTO, OWN, Address, knock, read_address
from fittingroom.studies.cluster.entrance import entrance, modules_that_travel, needed_versions
from fittingroom.studies.cluster.node import Mailbox, Printed, Said, Shared

# Tasks that are asked to stop remove their files first.
STOP_SECONDS = 10.0

MEBIBYTE = 2**20
MOST_REASON_LETTERS = 300

# Nobody hears of what is computed here, and nobody reads what Ray says to itself; tasks have the
# environment of their node, not one that `uv run` would make for them.
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "GRPC_VERBOSITY": "NONE",
}


@dataclass(frozen=True)
class Ended:
    """A task that came to its end.

    Parameters
    ----------
    ticket
        Which.
    value
        What its function returned.
    error
        What its function raised, if it is one of ours, or why no node can do it.
    lost
        Why it has no end and may be started again: its process or node is no more. Else empty.
    """

    ticket: int
    value: Any = None
    error: FittingroomError | None = None
    lost: str = ""


class Cluster:
    """A connection with a Ray cluster; leaving the `with` block cancels what still runs.

    Parameters
    ----------
    address
        "ray" for one that is started here and ends with the `with` block, "auto", HOST:PORT or
        ray://HOST:PORT for one that runs already.
    cpus
        CPU cores that a Ray started here lends to tasks.
    store_bytes
        Data that a Ray started here has to have room for.
    modules
        Names of modules of a person's own that tasks import; they travel with the package.

    Raises
    ------
    StudyError
        On entering: if Ray is not installed, no cluster is there, or it is of another version.
    """

    def __init__(
        self, address: str, *, cpus: int = 1, store_bytes: int = 0, modules: Sequence[str] = ()
    ) -> None:
        self.address = read_address(address)
        self.cpus, self.store_bytes, self.modules = cpus, store_bytes, modules
        self._tasks: dict[int, Any] = {}  # ticket -> reference to its result
        self._functions: dict[tuple[int, float], Any] = {}
        self._tickets = 0

    def __enter__(self) -> Cluster:
        with ExitStack() as undo:
            undo.enter_context(environment(QUIET))
            self._ray = import_ray()
            if self._ray.is_initialized():
                raise StudyError("this process uses Ray already; call ray.shutdown() first")
            knock(self.address)
            undo.callback(read_token_anew)
            if self.address.text == OWN:
                undo.enter_context(environment(own_environment()))
            read_token_anew()
            undo.enter_context(silence())
            with self._refusals():
                self._connect(undo)
                self._mailbox = self._new_mailbox()
            self._undo = undo.pop_all()
        return self

    def _connect(self, undo: ExitStack) -> None:
        options: dict[str, Any] = {"address": self.address.text}
        if self.address.text == OWN:
            options = self._own_options(undo)
        options["runtime_env"] = {
            "py_modules": [str(path) for path in modules_that_travel(self.modules)],
            "excludes": ["__pycache__"],
        }
        undo.callback(self._ray.shutdown)
        options |= {"log_to_driver": False, "logging_level": logging.CRITICAL}
        with warnings.catch_warnings(action="ignore"):
            try:
                self._ray.init(**options)
            except Exception as error:
                if not may_pass(error):
                    raise
                self._ray.shutdown()
                self._ray.init(**options)

    def _own_options(self, undo: ExitStack) -> dict[str, Any]:
        # A short path: the names of sockets within it may have no more than 107 letters.
        root = "/tmp" if os.path.isdir("/tmp") else None  # noqa: PTH112, S108
        folder = tempfile.TemporaryDirectory(prefix="fr-", dir=root, ignore_cleanup_errors=True)
        return {
            "address": "local",
            "num_cpus": self.cpus,
            "include_dashboard": False,
            "object_store_memory": 2 * self.store_bytes + 256 * MEBIBYTE,
            "_temp_dir": undo.enter_context(folder),
            "_node_ip_address": "127.0.0.1",
        }

    def _new_mailbox(self) -> Any:
        """Start the mailbox where this program is: so it ends with no node but that."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = self._ray.get_runtime_context().get_node_id()
        strategy = NodeAffinitySchedulingStrategy(here, soft=False)
        actor = self._ray.remote(num_cpus=0, scheduling_strategy=strategy)(Mailbox)
        mailbox = actor.remote()
        self._ray.get(mailbox.empty.remote())
        return mailbox

    def __exit__(self, *_error: object) -> None:
        try:
            self._stop_all()
        finally:
            self._undo.close()

    def _stop_all(self) -> None:
        """Let tasks end by themselves, for a while; what does not is killed with its process."""
        with suppress(Exception):  # a cluster that is gone runs nothing more
            for ticket in self._tasks:
                self.cancel(ticket)
            left = list(self._tasks.values())
            if left:
                _, left = self._ray.wait(left, num_returns=len(left), timeout=STOP_SECONDS)
            for reference in left:
                self._ray.cancel(reference, force=True)

    def share(self, value: Any) -> Shared:
        """Put a value where each node can fetch it once; tasks find its arrays read-only.

        Returns
        -------
        What stands for it among the arguments of `start`.
        """
        with self._losing():
            return Shared(self._ray.put(value))

    def start(
        self, function: Callable[..., Any], *arguments: Any, cpus: int = 1, gpus: float = 0
    ) -> int:
        """Let a node call `function(post, *arguments)` as soon as it has so much free.

        Returns
        -------
        The ticket that its events name.
        """
        with self._losing():
            self._tickets += 1
            parcel = self._ray.put((function, arguments))
            task = self._function(cpus, gpus)
            module = function.__module__
            reference = task.remote(self._tickets, module, [parcel], self._mailbox)
            self._tasks[self._tickets] = reference
            return self._tickets

    def _function(self, cpus: int, gpus: float) -> Any:
        if (cpus, gpus) not in self._functions:
            # Ray's own tries would not be seen; who gave the task starts it again.
            remote = self._ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)
            self._functions[cpus, gpus] = remote(entrance(needed_versions()))
        return self._functions[cpus, gpus]

    def poll(self, timeout: float) -> list[Said | Printed | Ended]:
        """Return what happened; wait up to `timeout` seconds for a task to end.

        The last that a task said comes before its end.

        Raises
        ------
        StudyError
            If the cluster is no longer there.
        """
        with self._losing():
            ended = self._wait(timeout)
            letters = self._ray.get(self._mailbox.empty.remote())
            events = [letter for letter in letters if letter.ticket in self._tasks]
            return events + [self._end(ticket) for ticket in ended]

    def _wait(self, timeout: float) -> list[int]:
        if not self._tasks:
            time.sleep(timeout)
            return []
        tickets = {reference: ticket for ticket, reference in self._tasks.items()}
        self._ray.wait(list(tickets), timeout=timeout)
        ready, _ = self._ray.wait(list(tickets), num_returns=len(tickets), timeout=0)
        return [tickets[reference] for reference in ready]

    def _end(self, ticket: int) -> Ended:
        from ray import exceptions

        reference = self._tasks.pop(ticket)
        try:
            return Ended(ticket, self._ray.get(reference))
        except exceptions.RayTaskError as error:
            if isinstance(error.cause, FittingroomError):
                return Ended(ticket, error=error.cause)
            if isinstance(error.cause, ImportError):
                return Ended(ticket, error=StudyError(f"{self.address.text}: {error.cause}"))
            raise
        except (exceptions.RuntimeEnvSetupError, exceptions.TaskUnschedulableError) as error:
            return Ended(ticket, error=StudyError(f"{self.address.text}: {reason_of(error)}"))
        except exceptions.RayError as error:
            return Ended(ticket, lost=reason_of(error))

    def ask_to_stop(self, ticket: int) -> None:
        """Let `Post.asked_to_stop` of a task be true from now on."""
        with self._losing():
            self._ray.get(self._mailbox.stop.remote(ticket))

    def cancel(self, ticket: int) -> None:
        """End a task by a KeyboardInterrupt in it, or before it begins; it ends as lost."""
        with self._losing():
            self._ray.cancel(self._tasks[ticket])

    def places(self, cpus: int = 1, gpus: float = 0) -> int:
        """Return how many tasks that ask for so much the cluster can do side by side."""
        with self._losing():
            nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        return sum(places_of(node, cpus, gpus) for node in nodes)

    @property
    def gpus(self) -> int:
        """How many GPUs its nodes have."""
        with self._losing():
            return int(self._ray.cluster_resources().get("GPU", 0))

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Say in one line why there is no connection."""
        from ray.exceptions import RayError

        try:
            yield
        except (
            ConnectionError,
            RuntimeError,
            ValueError,
            TimeoutError,
            OSError,
            RayError,
        ) as error:
            raise StudyError(why_not(self.address, error)) from error

    @contextmanager
    def _losing(self) -> Iterator[None]:
        """Say in one line that the connection is lost."""
        from ray.exceptions import RayActorError, RaySystemError

        try:
            yield
        except (ConnectionError, RayActorError, RaySystemError) as error:
            raise StudyError(
                f"{self.address.text}: the cluster is no longer there: {reason_of(error)}; what is "
                "finished stays, give the same command again to go on"
            ) from error


def import_ray() -> Any:
    """Return the module `ray`.

    Raises
    ------
    StudyError
        If it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise StudyError(
            f"a cluster needs Ray ({error}): pip install 'fittingroom[cluster]'; if that finds no "
            "Ray, there is none yet for this version of Python: take 3.11 to 3.13"
        ) from error
    return ray


def own_environment() -> dict[str, str]:
    """Return what a Ray that is started here has to know."""
    return {
        # The token keeps others on this machine out of what runs in this person's name.
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        # Where /dev/shm is small, as in a container, data may lie on the disk.
        "RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE": "1",
    }


def read_token_anew() -> None:
    """Let Ray ask the environment for its token now; it does so by itself only when imported."""
    with suppress(ImportError, AttributeError):  # a Ray from before there were tokens
        raylet = importlib.import_module("ray._raylet")
        raylet.Config.initialize("")
        raylet.AuthenticationTokenLoader.instance().reset_cache()


def places_of(node: dict[str, float], cpus: int, gpus: float) -> int:
    """Return how many tasks a node with these resources can do side by side."""
    found = []
    if cpus:
        found.append(node.get("CPU", 0) // cpus)
    if gpus:
        there = node.get("GPU", 0)
        # A task has no parts of several GPUs; 1e-9 for 0.1 and its like, which are no binary ones.
        found.append(there // gpus if gpus >= 1 else there * math.floor(1 / gpus + 1e-9))
    return int(min(found, default=0))


@contextmanager
def silence() -> Iterator[None]:
    """Keep what Ray says of its nodes off the standard output, where JSON may be expected."""
    worker = importlib.import_module("ray._private.worker")
    before = vars(worker).get("print_to_stdstream")
    vars(worker)["print_to_stdstream"] = lambda *_what, **_how: None
    try:
        yield
    finally:
        vars(worker)["print_to_stdstream"] = before


def may_pass(error: Exception) -> bool:
    """Tell whether a second try to connect may do better.

    Once in a while Ray Client's server fails to start the process that it has for each client (its
    log says "Check failed: next_worker->state == KICKED", gRPC's trouble with fork), and where a
    machine is busy Ray does not wait longer than 30 seconds for itself.
    """
    return isinstance(error, ConnectionAbortedError) or "timed out during startup" in str(error)


def why_not(address: Address, error: Exception) -> str:
    """Say why there is no connection with a cluster."""
    versions = re.findall(r"Ray: (\S+)\s+Python: (\S+)", str(error))
    if "ersion mismatch" in str(error) and len(versions) == 2:
        (ray, python), (our_ray, our_python) = versions
        return (
            f"{address.text}: expected a cluster with Ray {our_ray} and Python {our_python}, which "
            f"are here, found Ray {ray} and Python {python}; install the same on both sides"
        )
    if address.text == AUTO:
        return (
            "auto: this machine is a node of no running Ray cluster; give its address, "
            "or --on ray to start one here"
        )
    return f"{address.text}: no connection with Ray: {reason_of(error)}"


def reason_of(error: BaseException) -> str:
    """Return the first line of what Ray says of an error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0][:MOST_REASON_LETTERS].rstrip(".")


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Have these environment variables within; those that a person has set stay as they are."""
    new = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)
