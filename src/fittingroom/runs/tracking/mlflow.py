"""MLflow: one experiment for runs, one for each study; a run's recipe, curves, figures and model.

Without MLFLOW_TRACKING_URI everything goes into `mlflow.db`, an SQLite file, and `mlartifacts/`,
both where the command is given. MLflow's client alone is used, of which the package
`mlflow-skinny` is enough; `mlflow ui` asks for the whole of MLflow.
"""

from __future__ import annotations

import importlib
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from fittingroom.runs import folder as files
from fittingroom.runs.run import Run
from fittingroom.runs.tracking.tracker import (
    curves,
    facts,
    final_scores,
    recipe_fields,
    seconds_of,
)
from fittingroom.training.history import Epoch

ADDRESS = "MLFLOW_TRACKING_URI"
DATABASE = "sqlite:///mlflow.db"
ARTIFACTS = Path("mlartifacts")
EXPERIMENT = "fittingroom"

# Where the person does not say otherwise. MLflow's own patience with a server is seven retries, and
# two minutes for each.
USUAL = {
    ADDRESS: DATABASE,
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
}
# It reports its use to its makers, unless it is told not to.
SILENCE = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}

STATUS = {files.FINISHED: "FINISHED", files.FAILED: "FAILED"}
MOST_METRICS = 1000  # in one request
MOST_LETTERS = 250  # in a metric's name


class MLflow:
    """MLflow's record of one run; see `Tracker`."""

    package: ClassVar[str] = "mlflow"

    def __init__(self, run: Run, labels: Mapping[str, str]) -> None:
        self.load()
        from mlflow import MlflowClient

        self.run, self.labels = run, labels
        self.client = MlflowClient()
        self.experiment = self._find_experiment()
        found = self._find_run()
        self.id = str(found.info.run_id) if found else ""
        self.status = found.data.tags.get("fittingroom.status") if found else None
        history = self.client.get_metric_history(self.id, "train_loss") if self.id else []
        self.epochs = {metric.step for metric in history}

    @staticmethod
    def load() -> None:
        """Import MLflow, which reads its variables then."""
        ours = SILENCE | {name: os.environ.get(name) or usual for name, usual in USUAL.items()}
        os.environ.update(ours)
        importlib.import_module("mlflow")

    @staticmethod
    def address() -> str:
        """Return the address of the database or server."""
        return without_password(os.environ.get(ADDRESS) or DATABASE)

    @property
    def place(self) -> str:
        """The run's page on a server, of a study the experiment's; else what to type."""
        if self.address().startswith("http"):
            page = f"{self.address()}/#/experiments/{self.experiment}"
            return page if "study" in self.labels else f"{page}/runs/{self.id}"
        return f"`mlflow ui --backend-store-uri {shlex.quote(self.address())}`"

    def begin(self) -> None:
        """Make the run with its recipe as parameters and its facts as tags, or open it again."""
        from mlflow.entities import Param, RunTag

        told = facts(self.run, self.labels) | {"status": files.RUNNING}
        tags = {f"fittingroom.{name}": value for name, value in told.items()}
        if not self.id:
            began = int(1000 * seconds_of(self.run.record.get("started")))
            made = self.client.create_run(self.experiment, began, tags, self.run.name)
            self.id = str(made.info.run_id)
        else:
            self.client.update_run(self.id, status="RUNNING")
        self._log(
            params=[Param(name, value) for name, value in recipe_fields(self.run).items()],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )

    def add(self, moments: Iterable[tuple[float, Epoch]]) -> None:
        """Add a point to each curve for each epoch."""
        points = [
            (name, value, moment, epoch.epoch)
            for moment, epoch in moments
            for name, value in curves(epoch).items()
        ]
        self._log_metrics(points)

    def end(self, run: Run) -> None:
        """Add scores, figures, model and record; end the run as it ended."""
        ended = seconds_of(run.record.get("finished"))
        last = max(self.epochs, default=0)
        scores = final_scores(run).items()
        self._log_metrics([(allowed(name), value, ended, last) for name, value in scores])
        for name in (files.RECORD, files.HISTORY, files.MODEL):
            if (run.folder / name).is_file():
                self.client.log_artifact(self.id, str(run.folder / name))
        for figure in sorted((run.folder / files.FIGURES).glob("*.png")):
            self.client.log_artifact(self.id, str(figure), files.FIGURES)
        if "error" in run.record:
            self.client.set_tag(self.id, "fittingroom.error", run.record["error"])
        self.client.set_tag(self.id, "fittingroom.status", run.status)
        status = STATUS.get(run.status, "KILLED")
        self.client.set_terminated(self.id, status, end_time=int(1000 * ended))

    def _find_experiment(self) -> str:
        """Return the id of the experiment, which is made if there is none."""
        from mlflow.exceptions import MlflowException

        if os.environ.get("MLFLOW_EXPERIMENT_ID"):
            return os.environ["MLFLOW_EXPERIMENT_ID"]
        usual = self.labels.get("study", EXPERIMENT)
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or usual
        found = self.client.get_experiment_by_name(name)
        if found is None:
            ours = ARTIFACTS.absolute().as_uri() if os.environ[ADDRESS] == DATABASE else None
            try:
                return str(self.client.create_experiment(name, ours))
            except MlflowException:  # another process was faster
                found = self.client.get_experiment_by_name(name)
                if found is None:
                    raise
        return str(found.experiment_id)

    def _find_run(self) -> Any:
        """Return the record of the same run, where an earlier command has begun one."""
        name, started = (self.run.record.get(key) for key in ("name", "started"))
        wanted = f"tags.`fittingroom.run` = '{name}' and tags.`fittingroom.started` = '{started}'"
        found = self.client.search_runs([self.experiment], wanted, max_results=1)
        return found[0] if found else None

    def _log_metrics(self, points: list[tuple[str, float, float, int]]) -> None:
        from mlflow.entities import Metric

        metrics = [
            Metric(name, value, int(1000 * moment), step) for name, value, moment, step in points
        ]
        for first in range(0, len(metrics), MOST_METRICS):
            self._log(metrics=metrics[first : first + MOST_METRICS])

    def _log(self, **what: Any) -> None:
        self.client.log_batch(self.id, **what, synchronous=True)


def allowed(name: str) -> str:
    """Return a metric's name as MLflow allows it: "test_f1/T-shirt/top" -> "test_f1/T-shirt-top".

    Letters of any script, digits, "_", "-" and spaces are; what comes before a slash is a group.
    """
    group, slash, rest = name.partition("/")
    return (group + slash + re.sub(r"[^\w -]+", "-", rest))[:MOST_LETTERS]


def without_password(address: str) -> str:
    """Return an address without the user's name and password that it may hold."""
    return re.sub(r"://[^/\s]*@", "://", address).rstrip("/")
