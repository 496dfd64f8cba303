"""What MLflow's own client reads back: from its file beside us, and from a server, a real one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import free_port

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DivergenceError
from fittingroom.models import Classifier
from fittingroom.runs.conduct import Interrupted
from fittingroom.runs.tracking.mlflow import allowed, without_password
from fittingroom.runs.tracking.worker import Worker
from fittingroom.training.history import Progress

pytest.importorskip("mlflow", reason="needs the extra mlflow")

pytestmark = [
    pytest.mark.slow,
    # MLflow's own use of SQLAlchemy, where we read back.
    pytest.mark.filterwarnings("ignore:The ``noload``:DeprecationWarning"),
]

Quick = Callable[..., fr.Run]
Weights = Callable[[fr.Run], list[bytes]]


@contextmanager
def own_variables(**wanted: str) -> Iterator[None]:
    """Set variables of MLflow's, and no others of them; all is as before after that."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("MLFLOW_")]:
        del os.environ[name]
    os.environ.update({"MLFLOW_DISABLE_TELEMETRY": "true"} | wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Server:
    """A real server of MLflow's, on a database of its own.

    Parameters
    ----------
    database
        Of MLflow's; it saves the seconds to make one.
    folder
        Where a copy of it goes, and the artifacts.
    """

    def __init__(self, database: Path, folder: Path) -> None:
        self.database = Path(shutil.copy(database, folder))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.process is not None and self.process.poll() is None:
            return
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        words = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        words += ["--backend-store-uri", f"sqlite:///{self.database}"]
        words += ["--artifacts-destination", str(self.database.with_name("artifacts"))]
        with self.database.with_name("server.log").open("wb") as log, own_variables():
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *words],
                stdout=log,
                stderr=log,
                start_new_session=True,  # it has children of its own
                env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            )
        until(self.answers, "the server answers")

    def answers(self) -> bool:
        """Tell whether it does."""
        with suppress(OSError):
            urllib.request.urlopen(f"{self.address}/health", timeout=5).close()  # noqa: S310
            return True
        assert self.process is not None
        assert self.process.poll() is None, "the server ended by itself"
        return False

    def kill(self) -> None:
        """Kill it, with all its processes."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait three minutes at most, for machines that are busy."""
    end = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where runs are made that go to the file beside them."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def local(quick: Quick, home: Path) -> fr.Run:
    """A run that was tracked without a server."""
    with chdir(home), own_variables():
        folder = quick(track="mlflow").folder
    return fr.open_run(home / folder)


@pytest.fixture(scope="module")
def one_server(
    local: fr.Run, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    server = Server(home / "mlflow.db", tmp_path_factory.mktemp("server"))
    yield server
    server.kill()


@pytest.fixture
def server(one_server: Server) -> Server:
    """A server that runs."""
    one_server.start()
    return one_server


def client(address: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(address)


def the_run(address: str, experiment: str) -> Any:
    """Return MLflow's record of the one run of an experiment."""
    (record,) = records(address, experiment)
    return record


def records(address: str, experiment: str) -> list[Any]:
    found = client(address)
    return list(found.search_runs([found.get_experiment_by_name(experiment).experiment_id]))


def tell(*messages: dict[str, Any], worker: Worker | None = None) -> Worker:
    """Let a tracker work in this process; nothing goes wrong."""
    worker = worker or Worker("mlflow")
    for message in messages:
        assert "problem" not in worker.answer(message)
    return worker


def curve(address: str, record: Any, name: str) -> dict[int, float]:
    points = client(address).get_metric_history(record.info.run_id, name)
    assert len({point.step for point in points}) == len(points)
    return {point.step: point.value for point in points}


def assert_all_is_there(address: str, record: Any, run: fr.Run) -> None:
    """Parameters, curves, scores, tags and files are those of the run."""
    assert record.info.status == "FINISHED"
    assert record.info.run_name == run.name
    assert set(record.data.params) == set(fr.Recipe.model_fields)
    assert record.data.params["lr"] == str(run.recipe.lr)
    assert record.data.params["model"] == "two-layer"
    for name in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"):
        expected = {epoch.epoch: getattr(epoch, name) for epoch in run.history}
        assert curve(address, record, name) == pytest.approx(expected)
    assert set(curve(address, record, "learning_rate")) == {1, 2, 3}
    scores = record.data.metrics
    assert scores["test_accuracy"] == run.evaluation.accuracy
    assert (scores["test_accuracy_low"], scores["test_accuracy_high"]) == run.evaluation.interval
    assert scores["test_recall/T-shirt-top"] == run.evaluation.per_class[0].recall
    tags = record.data.tags
    assert tags["fittingroom.folder"] == str(run.folder.absolute())
    assert tags["fittingroom.data_fingerprint"] == run.record["data"]["fingerprint"]
    assert tags["fittingroom.status"] == "finished"


def test_without_a_server_all_is_in_a_file_here(local: fr.Run, home: Path) -> None:
    address = f"sqlite:///{home}/mlflow.db"
    record = the_run(address, "fittingroom")
    assert_all_is_there(address, record, local)
    assert record.info.artifact_uri.startswith((home / "mlartifacts").as_uri())
    assert {path.name for path in home.iterdir()} == {"runs", "mlflow.db", "mlartifacts"}


def test_a_server_has_all_and_gives_the_model_back(
    server: Server, quick: Quick, untracked: fr.Run, weights: Weights, tmp_path: Path
) -> None:
    with own_variables(MLFLOW_TRACKING_URI=server.address, MLFLOW_EXPERIMENT_NAME="my own"):
        run = quick(track="mlflow", figures=True, out=tmp_path / "runs")
    assert weights(run) == weights(untracked)
    record = the_run(server.address, "my own")
    assert_all_is_there(server.address, record, run)
    found, number = client(server.address), record.info.run_id
    figures = [file.path for file in found.list_artifacts(number, "figures")]
    assert figures == [f"figures/{path.name}" for path in sorted(run.folder.glob("figures/*.png"))]
    there = Path(found.download_artifacts(number, "", str(tmp_path)))
    assert (there / "run.json").read_bytes() == (run.folder / "run.json").read_bytes()
    again = Classifier.load(there / "model.safetensors").state_dict()
    assert all(tensor.equal(again[n]) for n, tensor in run.classifier.state_dict().items())


def test_a_resumed_run_goes_on_in_its_record(
    server: Server, untracked: fr.Run, garments: DataSplits, tmp_path: Path
) -> None:
    def stop(progress: Progress) -> None:
        if progress.finished and progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        fr.train(untracked.recipe, garments, figures=False, on_progress=stop, out=tmp_path)
    message = {"folder": caught.value.folder}
    with own_variables(MLFLOW_TRACKING_URI=server.address, MLFLOW_EXPERIMENT_NAME="stopped"):
        tell({"do": "begin"} | message, {"do": "end"} | message)
        assert the_run(server.address, "stopped").info.status == "KILLED"
        run = fr.resume(caught.value.folder, garments, figures=False)
        worker = tell({"do": "begin"} | message)
        assert the_run(server.address, "stopped").info.status == "RUNNING"
        tell({"do": "end"} | message, worker=worker)
    assert_all_is_there(server.address, the_run(server.address, "stopped"), run)


def test_a_study_is_an_experiment_with_each_run_once(
    server: Server, untracked: fr.Run, garments: DataSplits, tmp_path: Path
) -> None:
    with pytest.raises(DivergenceError):
        fr.train(untracked.recipe.but(lr=1e20, optimizer="sgd"), garments, out=tmp_path, name="bad")
    bad = fr.open_run(tmp_path / "bad")
    with own_variables(MLFLOW_TRACKING_URI=server.address):
        for _ in range(2):
            for run in (untracked, bad):
                labels = {"study": "두 학습률", "setting": f"the {run.name}"}
                lock = tmp_path / "lock"
                tell({"do": "end", "folder": run.folder, "labels": labels, "lock": lock})
    found = {record.info.run_name: record for record in records(server.address, "두 학습률")}
    assert len(found) == len(records(server.address, "두 학습률")) == 2
    assert_all_is_there(server.address, found[untracked.name], untracked)
    assert found[untracked.name].data.tags["fittingroom.setting"] == f"the {untracked.name}"
    assert found["bad"].info.status == "FAILED"
    assert found["bad"].data.tags["fittingroom.error"] == bad.record["error"]


def test_what_a_server_missed_is_caught_up_with_at_the_end(
    server: Server, untracked: fr.Run
) -> None:
    worker = Worker("mlflow")
    message = {"folder": untracked.folder}
    with own_variables(MLFLOW_TRACKING_URI=f"http://127.0.0.1:{free_port()}"):
        answer = worker.answer({"do": "begin"} | message)
        assert answer["problem"] == "Connection refused"
    with own_variables(MLFLOW_TRACKING_URI=server.address, MLFLOW_EXPERIMENT_NAME="late"):
        tell({"do": "end"} | message, worker=worker)
    assert_all_is_there(server.address, the_run(server.address, "late"), untracked)


def test_an_experiment_that_was_deleted_is_a_problem_in_its_own_words(
    server: Server, untracked: fr.Run
) -> None:
    found = client(server.address)
    found.delete_experiment(found.create_experiment("gone"))
    with own_variables(MLFLOW_TRACKING_URI=server.address, MLFLOW_EXPERIMENT_NAME="gone"):
        answer = Worker("mlflow").answer({"do": "end", "folder": untracked.folder})
    assert "must be in the 'active' state" in answer["problem"]


def test_a_server_that_is_killed_while_a_run_goes_on_changes_nothing(
    server: Server, quick: Quick, untracked: fr.Run, weights: Weights, tmp_path: Path
) -> None:
    def knows_an_epoch() -> bool:
        found = client(server.address)
        there = found.get_experiment_by_name("killed")
        runs = found.search_runs([there.experiment_id]) if there else []
        return bool(runs) and "train_loss" in runs[0].data.metrics

    def kill_after_one_epoch(progress: Progress) -> None:
        if progress.finished and progress.epoch == 1:
            until(knows_an_epoch, "the server knows of an epoch")
            server.kill()

    with (
        own_variables(MLFLOW_TRACKING_URI=server.address, MLFLOW_EXPERIMENT_NAME="killed"),
        pytest.warns(UserWarning, match="^mlflow .http.*: Connection refused; only") as caught,
    ):
        run = quick(track="mlflow", out=tmp_path, on_progress=kill_after_one_epoch)
    assert len(caught) == 1
    assert weights(run) == weights(untracked)


def test_names_are_made_of_what_mlflow_allows() -> None:
    from mlflow.utils import validation

    for name, expected in {
        "train_loss": "train_loss",
        "test_f1/T-shirt/top": "test_f1/T-shirt-top",
        "test_f1/치마, 여름 (2)": "test_f1/치마- 여름 -2-",
        "test_f1/..": "test_f1/-",
        "test_f1/👗": "test_f1/-",
        "test_f1/" + "x" * 300: "test_f1/" + "x" * 242,
    }.items():
        assert allowed(name) == expected
        vars(validation)["_validate_metric_name"](expected)


def test_a_password_stays_out_of_what_is_said() -> None:
    assert without_password("https://ann:secret@host:5000/x") == "https://host:5000/x"
    assert without_password("sqlite:///a@b.db") == "sqlite:///a@b.db"
