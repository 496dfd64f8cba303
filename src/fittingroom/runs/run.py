"""A run, read back from its folder."""

from __future__ import annotations

import json
import zipfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.data.dataset import DataSplits
from fittingroom.data.sources import load
from fittingroom.errors import DataError, FittingroomError, RunError
from fittingroom.evaluation.evaluate import Evaluation, evaluate
from fittingroom.runs import folder as files
from fittingroom.training.history import Epoch
from fittingroom.training.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn

    from fittingroom.models.classifier import Classifier

DEFAULT_FOLDER = Path("runs")


class Run:
    """Everything a run left behind; each part is read from the folder when it is first asked for.

    Parameters
    ----------
    folder
        The run's folder.
    network
        Only for a run of a network of your own: an instance of it, to hold the saved weights.

    Raises
    ------
    RunError
        If there is no run in the folder, or its record is damaged.
    """

    def __init__(self, folder: Path, network: nn.Module | None = None) -> None:
        self.folder = folder
        self.record = files.read_record(folder)
        self._network = network

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def status(self) -> str:
        """finished, running (or crashed), interrupted or failed."""
        return str(self.record["status"])

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe it followed."""
        try:
            return Recipe(**self.record["recipe"])
        except (FittingroomError, TypeError) as error:
            raise RunError(f"{self.folder / files.RECORD}: {error}") from error

    @cached_property
    def history(self) -> tuple[Epoch, ...]:
        """One record for each finished epoch."""
        path = self.folder / files.HISTORY
        try:
            lines = path.read_text("utf-8").splitlines()
            return tuple(Epoch(**json.loads(line)) for line in lines)
        except (OSError, ValueError, TypeError) as error:
            raise RunError(f"{path}: the history cannot be read: {error}") from error

    @cached_property
    def classifier(self) -> Classifier:
        """Preprocessing, trained network and class names, on the CPU, in evaluation mode."""
        from fittingroom.models.classifier import Classifier

        path = self.folder / files.MODEL
        if not path.is_file():
            raise self._unfinished("its model")
        return Classifier.load(path, self._network)

    @cached_property
    def evaluation(self) -> Evaluation:
        """The predictions for the test pictures, judged."""
        path = self.folder / files.PREDICTIONS
        if not path.is_file():
            raise self._unfinished("its evaluation")
        data = self.record["data"]
        try:
            with np.load(path, allow_pickle=False) as arrays:
                labels, logits = arrays["labels"], arrays["logits"]
            return Evaluation.from_predictions(
                labels,
                logits,
                data["classes"],
                data_name=data["name"],
                fingerprint=data["fingerprint"],
                split="test",
                sketches=data["sketches"],
                protocol=self.recipe.protocol,
            )
        except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
            raise RunError(f"{path}: the predictions cannot be read: {error}") from error

    def data(self, source: str | Path | None = None) -> DataSplits:
        """Load the data that the run was made with, divided as its recipe says.

        Parameters
        ----------
        source
            Where to find it now; None for where it was.

        Raises
        ------
        DataError
            If it is not there, or is not the same.
        """
        recorded = self.record["data"]
        if source is None:
            was = Path(recorded["source"])
            source = was if was.exists() else recorded["name"]
        found = load(
            source,
            classes=recorded["classes"],
            size=tuple(recorded["image_shape"][1:]),
        )
        if found.fingerprint != recorded["fingerprint"]:
            raise DataError(
                f"{found.source}: not the data of run {self.name}: expected fingerprint "
                f"{recorded['fingerprint'][:16]}..., found {found.fingerprint[:16]}...; "
                "say with --data where the same data are"
            )
        return divide(found, self.recipe)

    def evaluate(self, data: DataSplits | str | Path | None = None) -> Evaluation:
        """Judge the model again: on the test pictures of its own data, or of other data.

        Raises
        ------
        DataError
            If the data cannot be read, or have classes or a size that the model does not know.
        """
        splits = self._test_data(data)
        if splits.image_shape != self.classifier.input_shape:
            raise DataError(
                f"{splits.source}: pictures are {splits.image_shape} (C, H, W), "
                f"but the model was trained on {self.classifier.input_shape}"
            )
        return evaluate(
            self.classifier,
            splits.test,
            data_name=splits.name,
            fingerprint=splits.fingerprint,
            split="test",
            sketches=splits.sketches,
            protocol=self.recipe.protocol,
        )

    def __repr__(self) -> str:
        return f"<Run {self.name}: {self.status}>"

    def _test_data(self, data: DataSplits | str | Path | None) -> DataSplits:
        if data is None:
            return self.data()
        if isinstance(data, DataSplits):
            return data
        return load(data, size=self.classifier.input_shape[1:])

    def _unfinished(self, what: str) -> RunError:
        return RunError(
            f"{self.folder}: {what} is not there: the run is {self.status}; "
            f"go on with `fittingroom train --resume {self.folder}`"
        )


def divide(splits: DataSplits, recipe: Recipe) -> DataSplits:
    """Hold back the validation pictures that the recipe asks for."""
    size = 0 if recipe.protocol == "notebook" else recipe.validation_size
    return splits.with_validation(size, recipe.validation_seed)


def open_run(
    name: str | Path = "latest",
    *,
    runs: str | Path = DEFAULT_FOLDER,
    network: nn.Module | None = None,
) -> Run:
    """Open a run by its folder's path, by its name within `runs`, or the "latest".

    Parameters
    ----------
    network
        Only for a run of a network of your own: an instance of it, to hold the saved weights.

    Raises
    ------
    RunError
        If there is no such run, or its record is damaged.
    """
    return Run(files.find_folder(name, Path(runs)), network)


def list_runs(runs: str | Path = DEFAULT_FOLDER) -> list[dict[str, Any]]:
    """Return the records (run.json) of all runs in a folder, the oldest first.

    A damaged one is returned with the status "damaged" and nothing but its name.
    """
    records = []
    for folder in files.run_folders(Path(runs)):
        try:
            records.append(files.read_record(folder) | {"name": folder.name})
        except RunError as error:
            records.append({"name": folder.name, "status": "damaged", "error": str(error)})
    return records
