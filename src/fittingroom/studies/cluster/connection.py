"""A connection with a Ray cluster: share data, start tasks, hear of them, end them.

::

    with Cluster("ray://head:10001") as cluster:
        pictures = cluster.share(splits)                # once to each node that needs them
        ticket = cluster.start(train, pictures, recipe, name="mine, seed 0", cpus=1)
        for event in cluster.poll():
            ...                                         # Said, Printed, Again or Ended

A task is a function whose first argument is a `Post`: by it the task says something while it goes
on, and hears whether it is asked to stop. What it prints, and its warnings, arrive here too. One
whose process or node dies is started again.
"""

from __future__ import annotations

import logging
import math
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from fittingroom.errors import FittingroomError, StudyError
from fittingroom.studies.cluster.address import OWN, knock, read_address
from fittingroom.studies.cluster.entrance import entrance, modules_that_travel, needed_versions
from fittingroom.studies.cluster.node import Mailbox, Printed, Said, Shared
from fittingroom.studies.cluster.reasons import may_pass, reason_of, why_not
from fittingroom.studies.cluster.surroundings import (
    QUIET,
    environment,
    import_ray,
    own_environment,
    read_token_anew,
    silence,
)

# Tasks that are asked to stop remove their files first.
STOP_SECONDS = 10.0

POLL_SECONDS = 0.5

# How often a task is handed out before its loss is no accident.
MOST_TRIES = 4

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Again:
    """A task whose process or node is no more, and which was started again."""

    ticket: int
    line: str


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
        What its function raised, if it is one of ours, why no node can do it, or that it was lost
        more often than can be accident.
    """

    ticket: int
    value: Any = None
    error: FittingroomError | None = None


Event = Said | Printed | Again | Ended


@dataclass
class Task:
    """A task under way.

    Parameters
    ----------
    ticket
        The number of its first try, by which others know it.
    name
        What it is, for people.
    submit
        Hands it out under the number of a try; returns the reference to its result.
    reference
        That of the latest try.
    tries
        How often it was handed out.
    stopping
        Whether it was asked to stop.
    """

    ticket: int
    name: str
    submit: Callable[[int], Any]
    reference: Any = None
    tries: int = 0
    stopping: bool = False


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
        self._tasks: dict[int, Task] = {}  # by the number of their latest try
        self._functions: dict[tuple[int, float], Any] = {}
        self._numbers = 0

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
            left = [task.reference for task in self._tasks.values()]
            for reference in left:  # a KeyboardInterrupt in it, or an end before it begins
                self._ray.cancel(reference)
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
        self,
        function: Callable[..., Any],
        *arguments: Any,
        name: str,
        cpus: int = 1,
        gpus: float = 0,
    ) -> int:
        """Let a node call `function(post, *arguments)` as soon as it has so much free.

        Returns
        -------
        The ticket that its events name.
        """
        with self._losing():
            parcel = self._ray.put((function, arguments))
            remote = self._function(cpus, gpus)

            def submit(number: int) -> Any:
                return remote.remote(number, function.__module__, [parcel], self._mailbox)

            return self._hand_out(Task(self._numbers + 1, name, submit))

    def _hand_out(self, task: Task) -> int:
        """Hand out a task, for the first time or again; return its ticket."""
        self._numbers += 1
        task.tries += 1
        task.reference = task.submit(self._numbers)
        self._tasks[self._numbers] = task
        if task.stopping:
            self._ray.get(self._mailbox.stop.remote(self._numbers))
        return task.ticket

    def _function(self, cpus: int, gpus: float) -> Any:
        if (cpus, gpus) not in self._functions:
            # Ray's own tries would not be seen.
            remote = self._ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)
            self._functions[cpus, gpus] = remote(entrance(needed_versions()))
        return self._functions[cpus, gpus]

    def poll(self, timeout: float = POLL_SECONDS) -> list[Event]:
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
            # Of a try that was lost nobody wants to hear any more.
            events = [self._open(letter) for letter in letters if letter.ticket in self._tasks]
            return events + [self._end(number) for number in ended]

    def _wait(self, timeout: float) -> list[int]:
        if not self._tasks:
            time.sleep(timeout)
            return []
        numbers = {task.reference: number for number, task in self._tasks.items()}
        self._ray.wait(list(numbers), timeout=timeout)
        ready, _ = self._ray.wait(list(numbers), num_returns=len(numbers), timeout=0)
        return [numbers[reference] for reference in ready]

    def _open(self, letter: Said | Printed) -> Event:
        task = self._tasks[letter.ticket]
        if isinstance(letter, Printed):
            return Printed(task.ticket, f"{task.name}: {letter.line}")
        return Said(task.ticket, letter.message)

    def _end(self, number: int) -> Event:
        from ray import exceptions

        task = self._tasks.pop(number)
        try:
            return Ended(task.ticket, self._ray.get(task.reference))
        except exceptions.RayTaskError as error:
            if isinstance(error.cause, FittingroomError):
                return Ended(task.ticket, error=error.cause)
            if isinstance(error.cause, ImportError):
                return Ended(task.ticket, error=StudyError(f"{self.address.text}: {error.cause}"))
            raise
        except (exceptions.RuntimeEnvSetupError, exceptions.TaskUnschedulableError) as error:
            told = StudyError(f"{self.address.text}: {reason_of(error)}")
            return Ended(task.ticket, error=told)
        except exceptions.RayError as error:
            return self._try_again(task, reason_of(error))

    def _try_again(self, task: Task, reason: str) -> Event:
        """Hand out a task that was lost, unless that cannot be accident."""
        if task.tries < MOST_TRIES:
            line = f"{task.name}: lost, and done again: {reason}"
            return Again(self._hand_out(task), line)
        told = (
            f"{task.name}: given up after {MOST_TRIES} tries, each of which ended with its process "
            f"or node: {reason}; give the same command again to go on"
        )
        return Ended(task.ticket, error=StudyError(told))

    def ask_to_stop(self, ticket: int) -> None:
        """Let `Post.asked_to_stop` of a task be true from now on."""
        for number, task in self._tasks.items():
            if task.ticket == ticket:
                task.stopping = True
                with self._losing():
                    self._ray.get(self._mailbox.stop.remote(number))

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
