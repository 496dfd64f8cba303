"""A run, read back from its folder."""

from __future__ import annotations

import json
import shlex
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from fittingroom.data.archives import open_archive
from fittingroom.data.dataset import DataSplits
from fittingroom.data.files import file_on_disk
from fittingroom.data.npz import read_array
from fittingroom.data.records import read_record
from fittingroom.data.sources import load
from fittingroom.errors import DataError, FittingroomError, RunError
from fittingroom.evaluation.evaluate import Evaluation, evaluate
from fittingroom.runs import folder as files
from fittingroom.training.history import Epoch
from fittingroom.training.torchrun import starting_words

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure
    from torch import nn

    from fittingroom.models.classifier import Classifier
    from fittingroom.training.recipe import Recipe

DEFAULT_FOLDER = Path("runs")


class Run:
    """Everything a run left behind; each part is read from the folder when it is first asked for.

    Parameters
    ----------
    folder
        The run's folder.
    network
        Only for a run of a network of your own: an instance of it, to hold the saved weights, or
        its name, "module:Class". A run folder never makes fittingroom import code.
    record
        What run.json says, where that is known already: the folder may lie on another machine.

    Raises
    ------
    RunError
        If there is no run in the folder, or its record is damaged.
    """

    def __init__(
        self,
        folder: Path,
        network: nn.Module | str | None = None,
        record: dict[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self.record = files.read_record(folder) if record is None else record
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
        from fittingroom.training.recipe import Recipe

        try:
            return Recipe(**self.record["recipe"])
        except (FittingroomError, TypeError) as error:
            raise RunError(f"{self.folder / files.RECORD}: {error}") from error

    @property
    def network_name(self) -> str:
        """The name of its network, known without reading the whole recipe."""
        name = self.record["recipe"].get("model")
        return name if isinstance(name, str) else self.recipe.model

    @cached_property
    def history(self) -> tuple[Epoch, ...]:
        """One record for each finished epoch."""
        path = self._whole(files.HISTORY)
        try:
            lines = read_record(path).decode("utf-8").splitlines()
            return tuple(Epoch.from_dict(json.loads(line)) for line in lines)
        except (OSError, ValueError, TypeError, RecursionError) as error:
            reason = " ".join(str(error).split())  # it may quote the file
            raise RunError(f"{path}: the history cannot be read: {reason}") from error

    @cached_property
    def classifier(self) -> Classifier:
        """Preprocessing, trained network and class names, on the CPU, in evaluation mode."""
        from fittingroom.models import Classifier, import_network

        path = self._whole(files.MODEL)
        network = self._network
        self.check_network(network)
        if isinstance(network, str):
            data, options = self.record["data"], self.recipe.model_options
            network = import_network(
                network, tuple(data["image_shape"]), len(data["classes"]), options
            )
        return Classifier.load(path, network)

    @cached_property
    def weights(self) -> dict[str, torch.Tensor]:
        """The tensors of the model file by name: no network is needed to hold them."""
        from fittingroom.models.tensor_file import unpack

        return unpack(self._whole(files.MODEL), "model")[1]

    @cached_property
    def evaluation(self) -> Evaluation:
        """The predictions for the test pictures, judged."""
        path = self._whole(files.PREDICTIONS)
        data = self.record["data"]
        try:
            labels, logits = read_arrays(path, "labels", "logits")
            return Evaluation.from_predictions(
                labels,
                logits,
                data["classes"],
                data_name=data["name"],
                fingerprint=data["fingerprint"],
                split="test",
                sketches=data["sketches"],
                protocol=worth_saying(self.recipe),
            )
        except (FittingroomError, ValueError, TypeError) as error:
            raise RunError(f"{path}: the predictions are damaged: {error}") from error

    def data(self, source: DataSplits | str | Path | None = None) -> DataSplits:
        """Load the data that the run was made with, divided as its recipe says.

        Parameters
        ----------
        source
            Where to find it now, or the data themselves; None for where they were.

        Raises
        ------
        DataError
            If it is not there, or is not the same.
        """
        found = load_again(self.record["data"], source, whose=f"run {self.name}")
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
        return judge(self.classifier, splits, self.recipe)

    def check_network(self, network: object) -> None:
        """See that a network of one's own is given where the run is of one, and of that name.

        Raises
        ------
        RunError
            If it is not.
        """
        model = self.network_name
        if ":" in model and network is None:
            raise RunError(
                f"{self.folder}: the run is of a network of your own; name it again: "
                f"--model {model}, or network= in Python"
            )
        if isinstance(network, str) and network != model:
            raise RunError(f"{self.folder}: the run is of model {model}, not {network}")

    @property
    def how_to_go_on(self) -> str:
        """What to type where the run is unfinished."""
        own = ["--model", self.network_name] if ":" in self.network_name else []
        environment = self.record["environment"]
        start = starting_words(environment.get("processes", 1), environment.get("machines", 1))
        words = shlex.join([*start, "train", "--resume", str(self.folder), *own])
        return f"go on with `{words}`"

    def __repr__(self) -> str:
        return f"<Run {self.name}: {self.status}>"

    def plot(self) -> Figure:
        """Draw the learning curves; in Jupyter the figure shows itself.

        Raises
        ------
        RunError
            If no epoch is finished yet.
        """
        from fittingroom.evaluation.figures import learning_curves

        if not self.history:
            raise RunError(f"{self.folder}: no epoch is finished yet; {self.how_to_go_on}")
        data = self.record["data"]
        return learning_curves(self.history, data_name=data["name"], sketches=data["sketches"])

    def _repr_html_(self) -> str:
        from fittingroom.runs.display import show_run

        return show_run(self)

    def _test_data(self, data: DataSplits | str | Path | None) -> DataSplits:
        if data is None:
            return self.data()
        if isinstance(data, DataSplits):
            return data
        return load(data, size=self.classifier.input_shape[1:])

    def _whole(self, name: str) -> Path:
        """Return the path of one of the run's files, after a look whether it is whole."""
        path = self.folder / name
        if self.status != files.FINISHED and not path.is_file():
            raise RunError(f"{path}: not there: the run is {self.status}; {self.how_to_go_on}")
        files.check_file(self.folder, name, self.record)
        return path


def load_again(
    recorded: dict[str, Any], source: DataSplits | str | Path | None = None, *, whose: str
) -> DataSplits:
    """Load the data that a record describes, as they were.

    Parameters
    ----------
    recorded
        What run.json says of its data.
    source
        Where to find them now, or the data themselves; None for where they were.
    whose
        What an error message calls their owner.

    Raises
    ------
    DataError
        If they are not there, or are not the same.
    """
    if source is None:
        was = Path(recorded["source"])
        source = was if was.exists() else recorded["name"]
    if isinstance(source, DataSplits):
        found = source
    else:
        size = tuple(recorded["image_shape"][1:])
        found = load(source, classes=recorded["classes"], size=size)
    if found.fingerprint != recorded["fingerprint"]:
        raise DataError(
            f"{found.source}: not the data of {whose}: expected fingerprint "
            f"{recorded['fingerprint'][:16]}..., found {found.fingerprint[:16]}...; "
            "say with --data where the same data are"
        )
    return found


def read_arrays(path: Path, *names: str) -> list[NDArray[Any]]:
    """Return arrays of numbers from an .npz file.

    Raises
    ------
    DataError
        If the file is damaged or lacks one of them.
    """
    with open_archive(file_on_disk(path)) as archive:
        found = [archive.find(f"{name}.npy") for name in names]
        if None in found:
            raise DataError(f"expected the arrays {', '.join(names)}")
        return [read_array(file) for file in found if file is not None]


def judge(
    classifier: Classifier,
    splits: DataSplits,
    recipe: Recipe,
    autocast_dtype: torch.dtype | None = None,
) -> Evaluation:
    """Let a classifier that followed `recipe` predict the test pictures, and judge it."""
    return evaluate(
        classifier,
        splits.test,
        data_name=splits.name,
        fingerprint=splits.fingerprint,
        split="test",
        sketches=splits.sketches,
        protocol=worth_saying(recipe),
        autocast_dtype=autocast_dtype,
    )


def worth_saying(recipe: Recipe) -> str | None:
    """Return the protocol where it has to be said beside a score: where it is not the usual one."""
    return None if recipe.protocol == "holdout" else recipe.protocol


def divide(splits: DataSplits, recipe: Recipe) -> DataSplits:
    """Hold back the validation pictures that the recipe asks for."""
    size = 0 if recipe.protocol == "notebook" else recipe.validation_size
    return splits.with_validation(size, recipe.validation_seed)


def open_run(
    name: str | Path = "latest",
    *,
    runs: str | Path = DEFAULT_FOLDER,
    network: nn.Module | str | None = None,
) -> Run:
    """Open a run by its folder's path, by its name within `runs`, or the "latest".

    Parameters
    ----------
    network
        Only for a run of a network of your own: an instance of it, to hold the saved weights, or
        its name, "module:Class".

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
