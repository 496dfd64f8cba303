"""Studies on a real Ray cluster of two nodes on this machine."""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import free_port

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DataError, DeviceError, StudyError
from fittingroom.runs.conduct import Interrupted
from fittingroom.studies import work
from fittingroom.studies.cluster import connection
from fittingroom.studies.cluster.connection import Again, Cluster, Ended, Event
from fittingroom.studies.cluster.node import Post, Printed, Said
from fittingroom.studies.cluster.surroundings import read_token_anew
from fittingroom.studies.display import ranking_cells
from fittingroom.studies.plan import StudyPlan
from fittingroom.studies.reading import plan_of
from fittingroom.studies.watch import Snapshot

pytest.importorskip("ray", reason="Ray is not installed: pip install 'fittingroom[cluster]'")
pytestmark = pytest.mark.usefixtures("isolated")

TOKEN = "a-token-for-tests-" + "0" * 40
ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": TOKEN,
    "RAY_USAGE_STATS_ENABLED": "0",
    "GRPC_ENABLE_FORK_SUPPORT": "0",
    "OMP_NUM_THREADS": "1",
}
RAY = (sys.executable, "-m", "ray.scripts.scripts")
READY = b"will now block forever"
START_TRIES = 3
MOST_SECONDS = 120
BASE: dict[str, Any] = {"model": "two-layer", "epochs": 2, "batch_size": 32}


def plan_with(seeds: int, base: dict[str, Any] = BASE, **settings: dict[str, Any]) -> StudyPlan:
    return plan_of({"name": "far", "seeds": seeds, "base": base, "settings": settings})


@dataclass
class Nodes:
    """Two nodes of one CPU each, started as a person starts them."""

    folder: Path
    port: int
    client_port: int
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def client(self) -> str:
        return f"ray://127.0.0.1:{self.client_port}"

    def start_head(self) -> None:
        self.start(
            "--head",
            f"--port={self.port}",
            f"--ray-client-server-port={self.client_port}",
            "--include-dashboard=false",
            f"--temp-dir={self.folder}",
        )

    def start_second(self) -> None:
        self.start(f"--address={self.address}")

    def start(self, *words: str) -> None:
        # On a busy machine Ray gives up early, after 30 seconds.
        if not any(self.try_to_start(*words) for _ in range(START_TRIES)):
            pytest.fail("Ray did not start")

    def try_to_start(self, *words: str) -> bool:
        log = self.folder / f"start-{time.monotonic_ns()}.log"
        process = self.spawn(log, *words)
        wait_for(lambda: READY in log.read_bytes() or process.poll() is not None)
        if process.poll() is None:
            return True
        self.kill(process)  # what it has left behind
        return False

    def spawn(self, log: Path, *words: str) -> subprocess.Popen[bytes]:
        options = ("--block", "--disable-usage-stats", "--num-cpus=1")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*RAY, "start", *options, "--object-store-memory=100000000", *words],
                stdout=output,
                stderr=output,
                env=os.environ | ENVIRONMENT,
                cwd=self.folder,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a node as a power cut does: each of its processes at once."""
        for pid in of_session(process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        self.processes.remove(process)


def wait_for(condition: Callable[[], bool], what: str = "nothing happened") -> None:
    end = time.monotonic() + MOST_SECONDS
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def of_session(leader: int) -> list[int]:
    """Return the processes of the session that a process has begun (proc(5): the sixth field)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[3]) == leader:
                found.append(int(stat.parent.name))
    return found


def rays_folders(leader: int) -> set[str]:
    """Return the temporary folders that processes of Ray in a session were told to use."""
    found = set()
    for pid in of_session(leader):
        with suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace")
            found |= set(re.findall(r"/tmp/fr-\w+", words))  # noqa: S108
    return found


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    if not Path("/proc").is_dir():
        pytest.skip("looks for processes in Linux's /proc")
    # A short path: names of sockets have at most 107 letters.
    with tempfile.TemporaryDirectory(prefix="fr-", dir="/tmp", ignore_cleanup_errors=True) as place:
        nodes = Nodes(Path(place), free_port(), free_port())
        try:
            nodes.start_head()
            nodes.start_second()
            yield nodes
        finally:
            for process in list(nodes.processes):
                nodes.kill(process)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def contents(study: fr.Study) -> dict[tuple[str, int], tuple[bytes, ...]]:
    """Return every bit of a study's results: weights, scores, history but for its seconds."""
    found = {}
    for key, run in study.runs.items():
        weights = [tensor.numpy().tobytes() for tensor in run.classifier.state_dict().values()]
        epochs = [repr(epoch.to_dict() | {"seconds": 0}).encode() for epoch in run.history]
        found[key] = (run.evaluation.logits.tobytes(), *weights, *epochs)
    return found


@pytest.mark.parametrize(
    ("fields", "error", "complaint"),
    [
        ({"on": "head"}, StudyError, "--on must be local, ray, auto, HOST:PORT"),
        ({"on": "ray", "device": "cuda:1"}, DeviceError, "auto, cpu or cuda on a cluster"),
        ({"on": "ray", "device": "mps"}, DeviceError, "auto, cpu or cuda on a cluster"),
        ({"gpus_per_run": 0.1}, StudyError, "gpus_per_run is for a cluster"),
        ({"on": "ray", "gpus_per_run": 0}, StudyError, "must be a share of a GPU, .* found 0"),
        ({"on": "ray", "gpus_per_run": 1.5}, StudyError, "must be a share of a GPU, .* found 1.5"),
        ({"on": "ray", "gpus_per_run": 1, "device": "cpu"}, StudyError, "for runs on a GPU"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_made(
    fields: dict[str, Any], error: type[Exception], complaint: str, shapes: DataSplits
) -> None:
    with pytest.raises(error, match=complaint):
        fr.study(plan_with(1, a={}), shapes, **fields)
    assert not Path("studies").exists()


@pytest.mark.slow
def test_a_cluster_carries_values_messages_output_and_the_wish_to_stop(nodes: Nodes) -> None:
    def task(post: Post, pictures: Any, number: int) -> tuple[str, bool, str]:
        import importlib
        import time
        import warnings
        from pathlib import Path

        print("number", number)
        warnings.warn("careful", stacklevel=1)
        post.send({"number": number})
        while not post.asked_to_stop():
            time.sleep(0.05)
        address = pictures.__array_interface__["data"][0]
        lies_in = "nothing"
        for line in Path("/proc/self/maps").read_text().splitlines():
            span, *_, name = line.split(maxsplit=5)
            start, end = (int(part, 16) for part in span.split("-"))
            if start <= address < end:
                lies_in = name
        node = importlib.import_module("ray").get_runtime_context().get_node_id()
        return node, pictures.flags.writeable, lies_in

    def failing(post: Post) -> None:
        raise DataError("no pictures")

    with Cluster(nodes.address) as cluster:
        assert cluster.places() == 2
        assert cluster.places(cpus=2) == 0
        assert cluster.places(gpus=0.5) == 0
        pictures = cluster.share(np.zeros(1_000_000, np.uint8))
        tickets = [
            cluster.start(task, pictures, number, name=f"task {number}") for number in range(2)
        ]
        said: set[int] = set()
        lines: list[str] = []
        ends: dict[int, Ended] = {}
        while len(ends) < 2:
            for event in cluster.poll(0.2):
                if isinstance(event, Printed):
                    lines.append(event.line)
                elif isinstance(event, Said):
                    said.add(event.message["number"])
                elif isinstance(event, Ended):
                    ends[event.ticket] = event
            if len(said) == 2:  # both run at once, on two nodes of one CPU each
                for ticket in set(tickets) - set(ends):
                    cluster.ask_to_stop(ticket)
        assert sorted(lines) == [
            "task 0: number 0",
            "task 0: warning: careful",
            "task 1: number 1",
            "task 1: warning: careful",
        ]
        values = [ends[ticket].value for ticket in tickets]
        assert len({node for node, _, _ in values}) == 2
        # Read where Ray's store lies: no process has a copy of its own.
        assert all(not writeable and "plasma" in file for _, writeable, file in values), values
        ticket = cluster.start(failing, name="failing")
        while not (events := cluster.poll(0.2)):
            pass
        (end,) = events
        assert isinstance(end, Ended)
        assert (end.ticket, type(end.error)) == (ticket, DataError)
        assert re.fullmatch(r"node [\d.]+: no pictures", str(end.error))


@pytest.mark.slow
def test_a_study_by_ray_client_is_the_local_one_and_shared_with_who_has_runs_already(
    nodes: Nodes, shapes: DataSplits
) -> None:
    plan = plan_with(3, slow={}, wild={"lr": 1e30, "optimizer": "sgd"})
    here = fr.study(plan, shapes, jobs=1, out="here")
    folder = Path("far/far")
    (folder / "locks").mkdir(parents=True)
    taken = work.claim(folder, plan.settings[0], 1)
    assert taken.__enter__()  # by another command, which gives it up later
    heard: list[Snapshot] = []

    def listen(snapshot: Snapshot) -> None:
        if snapshot.done == 5 and not heard:
            taken.__exit__(None, None, None)
            heard.append(snapshot)

    far = fr.study(plan, shapes, on=nodes.client, out="far", on_progress=listen)
    assert heard
    assert far.finished
    assert contents(far) == contents(here)
    assert far.failures == here.failures
    assert far.runs["slow", 0].record["data"] == here.runs["slow", 0].record["data"]
    assert far.record["environment"]["on"] == nodes.client


@pytest.mark.slow
def test_what_runs_say_arrives_while_they_go_on_and_ctrl_c_leaves_nothing_running(
    nodes: Nodes, shapes: DataSplits
) -> None:
    plan = plan_with(2, BASE | {"epochs": 2}, short={}, long={"epochs": 100_000, "flip": True})
    epochs: list[int] = []
    folders = set(Path(tempfile.gettempdir()).glob("fittingroom-*"))

    def listen(snapshot: Snapshot) -> None:
        history = Path("studies/far/runs/long-seed0/history.jsonl")
        if snapshot.standings[1].running and history.exists():
            epochs.append(len(history.read_text("utf-8").splitlines()))
        if snapshot.standings[0].accuracies and epochs and epochs[-1] > epochs[0]:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="what is finished stays"):
        fr.study(plan, shapes, on=nodes.address, on_progress=listen)
    study = fr.open_study("studies/far")
    assert set(study.runs) == {("short", 0), ("short", 1)}
    assert {path.name for path in Path("studies/far/runs").iterdir()} == {
        "short-seed0",
        "short-seed1",
    }
    with Cluster(nodes.address) as cluster:
        free = cluster._ray.available_resources
        wait_for(lambda: free().get("CPU", 0) == 2, "a task goes on")
    assert set(Path(tempfile.gettempdir()).glob("fittingroom-*")) <= folders


NETWORK = """
import os
import sys
import time
from torch import nn

class Net(nn.Sequential):
    def __init__(self, input_shape, num_classes):
        channels, height, width = input_shape
        super().__init__(nn.Flatten(), nn.Linear(channels * height * width, num_classes))
        if "default_worker" in sys.argv[0]:  # on a node
            print("a network of my own")
            time.sleep(0.5)
            os._exit(1)
"""


@pytest.mark.slow
def test_a_network_of_ones_own_travels_and_one_that_kills_its_process_is_given_up(
    nodes: Nodes, shapes: DataSplits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "my_deadly_network.py").write_text(NETWORK, "utf-8")
    monkeypatch.syspath_prepend(tmp_path / "own")
    monkeypatch.setattr(connection, "MOST_TRIES", 2)
    recipe = fr.Recipe(model="my_deadly_network:Net", epochs=1, batch_size=32)
    plan = {"name": "far", "seeds": 1, "settings": {"mine": recipe}}
    lines: list[str] = []
    with pytest.raises(StudyError, match=r"mine, seed 0: given up after 2 tries, .* go on"):
        fr.study(plan, shapes, on=nodes.client, on_line=lines.append)
    assert "mine, seed 0: a network of my own" in lines
    assert sum("lost, and done again" in line for line in lines) == 1
    assert not list(Path("studies/far/runs").iterdir())


@pytest.mark.slow
def test_another_version_on_the_nodes_is_one_line(
    nodes: Nodes, shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"torch": "1.0.0", "Python": "3.11", "no-such-package": "2.0"}
    monkeypatch.setattr(connection, "needed_versions", lambda: other)
    expected = r"node [\d.]+: expected torch 1\.0\.0, no-such-package 2\.0, as here, found torch 2"
    with pytest.raises(StudyError, match=f"{expected}.*, no-such-package none; install the same"):
        fr.study(plan_with(1, a={}), shapes, on=nodes.address)


@pytest.mark.slow
def test_a_cluster_of_another_version_is_one_line(nodes: Nodes, shapes: DataSplits) -> None:
    from ray._private.ray_constants import KV_NAMESPACE_CLUSTER as SPACE

    # What `ray start --head` wrote of itself, with which Ray compares what is here.
    read_token_anew()
    store = importlib.import_module("ray._raylet").GcsClient(address=nodes.address)
    key = b"CLUSTER_METADATA"
    written = store.internal_kv_get(key, namespace=SPACE)
    other = json.loads(written) | {"python_version": "3.9.1", "ray_version": "2.1.0"}
    store.internal_kv_put(key, json.dumps(other).encode(), True, namespace=SPACE)
    expected = "expected a cluster with Ray .*, which are here, found Ray 2.1.0 and Python 3.9.1"
    try:
        with pytest.raises(StudyError, match=expected):
            fr.study(plan_with(1, a={}), shapes, on=nodes.address)
    finally:
        store.internal_kv_put(key, written, True, namespace=SPACE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("port", "scheme", "complaint"),
    [
        ("client_port", "", r"Ray Client listens there: say ray://127\.0\.0\.1"),
        ("port", "ray://", "a cluster's own port: on its nodes say --on HOST:PORT"),
    ],
)
def test_rays_other_port_is_told_from_the_one_that_is_meant(
    port: str, scheme: str, complaint: str, nodes: Nodes, shapes: DataSplits
) -> None:
    with pytest.raises(StudyError, match=complaint):
        fr.study(plan_with(1, a={}), shapes, on=f"{scheme}127.0.0.1:{getattr(nodes, port)}")


@pytest.mark.slow
@pytest.mark.parametrize("by_client", [False, True])
def test_a_cluster_that_wants_a_token_says_so(
    by_client: bool, nodes: Nodes, shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_AUTH_MODE")
    on = nodes.client if by_client else nodes.address
    with pytest.raises(StudyError, match="the cluster wants a token: set RAY_AUTH_MODE=token"):
        fr.study(plan_with(1, a={}), shapes, on=on)


@pytest.mark.slow
def test_a_task_that_was_lost_is_still_asked_to_stop(nodes: Nodes, tmp_path: Path) -> None:
    def dying(post: Post, mark: Path) -> str:
        import os
        import time

        first = not mark.exists()
        mark.touch()
        while not post.asked_to_stop():
            time.sleep(0.05)
        if first:
            os._exit(1)
        return "stopped"

    with Cluster(nodes.address) as cluster:
        mark = tmp_path / "begun"
        ticket = cluster.start(dying, mark, name="dying")
        wait_for(lambda: cluster.poll(0.2) == [] and mark.exists())
        cluster.ask_to_stop(ticket)
        events: list[Event] = []
        while len(events) < 2:
            events += cluster.poll(0.2)
    again, ended = events
    assert isinstance(again, Again)
    assert again.line.startswith("dying: lost, and done again: ")
    assert ended == Ended(ticket, "stopped")


def table(study: fr.Study) -> list[list[str]]:
    """Return the ranking as it is printed, but for the seconds."""
    return [ranking_cells(result, "en")[:-1] for result in study.results.ranking]


PLAN = """
seeds = 2
[base]
model = "two-layer"
batch_size = 32
[settings.short]
epochs = 1
[settings.long]
epochs = 100000
flip = true
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in Linux's /proc")
@pytest.mark.slow
def test_ctrl_c_ends_a_ray_that_was_started_here_and_keeps_what_is_finished(
    shapes_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name)
    (tmp_path / "mine.toml").write_text(PLAN, "utf-8")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    words = ("study", "mine.toml", "--data", shapes_folder, "--on", "ray", "--jobs", "3", "--json")
    with subprocess.Popen(
        [sys.executable, "-m", "fittingroom", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            runs = Path("studies/mine/runs")
            wait_for(lambda: len(finished(runs)) == 2 or process.poll() is not None)
            folders = rays_folders(process.pid)
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does, Ray's processes too
            output, complaints = process.communicate(timeout=MOST_SECONDS)
        finally:
            for pid in of_session(process.pid):
                os.kill(pid, signal.SIGKILL)
    assert (process.returncode, output) == (130, b"")
    lines = complaints.decode().splitlines()
    assert lines[0].startswith("study mine: 2 settings x 2 seeds = 4 runs")
    assert "give the same command again to go on" in lines[-1]
    assert not any("ray" in line.lower() for line in lines if "waiting for ray" not in line), lines
    assert finished(runs) == ["short-seed0", "short-seed1"]
    wait_for(lambda: not of_session(process.pid), "Ray goes on")
    assert folders
    assert not any(map(os.path.exists, folders))
    assert not list(tmp_path.glob("fittingroom-*"))


def finished(runs: Path) -> list[str]:
    """Return the names of the runs in a folder that are finished."""
    records = sorted(runs.glob("*/run.json"))
    return [path.parent.name for path in records if '"status": "finished"' in path.read_text()]


@pytest.mark.slow
def test_a_node_that_dies_in_the_middle_changes_no_bit_of_a_study(
    nodes: Nodes, shapes: DataSplits
) -> None:
    base = BASE | {"epochs": 40, "batch_size": 4}  # long enough to be seen at work
    plan = plan_with(3, base, slow={}, fast={"lr": 0.01}, turned={"flip": True})
    lines: list[str] = []
    killed: list[Snapshot] = []

    def kill(snapshot: Snapshot) -> None:
        running = sum(standing.running for standing in snapshot.standings)
        if not killed and snapshot.done and running >= 2:  # one on each node
            killed.append(snapshot)
            nodes.kill(nodes.processes[1])

    options: dict[str, Any] = {"stack": 1, "out": "far", "on_line": lines.append}
    far = fr.study(plan, shapes, on=nodes.address, on_progress=kill, **options)
    assert killed[0].done < 9
    assert any("lost, and done again" in line for line in lines), lines
    assert far.finished
    assert not far.problems
    assert len(list(Path("far/far/runs").iterdir())) == 9
    here = fr.study(plan, shapes, jobs=1, stack=1, out="here")
    assert contents(far) == contents(here)
    assert table(far) == table(here)
