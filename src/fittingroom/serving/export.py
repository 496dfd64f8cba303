"""A run -> one ONNX file that takes pictures as they are, and is checked before it gets its name.

The graph holds preprocessing, network, temperature and novelty: uint8 pictures in, probabilities
and novelty out, any number of them. Class names, how to prepare a photo and where the model comes
from are in its metadata.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom._version import __version__
from fittingroom.data.dataset import Images
from fittingroom.errors import DataError, ExportError
from fittingroom.models.defaults import defaults
from fittingroom.runs import folder as files
from fittingroom.runs.run import Run, open_run
from fittingroom.serving.keeping import check_finished
from fittingroom.serving.onnx_file import FORMAT, OnnxPredictor, missing_extra
from fittingroom.serving.predictor import RUNS, RunPredictor, is_exported

if TYPE_CHECKING:
    from torch import nn

    from fittingroom.data.dataset import DataSplits

MOST_DIFFERENT = 1e-4  # in any probability
CHECKED = 512  # real pictures
OPSET = 20


def export(
    model: Run | str | Path = "latest",
    path: str | Path = "model.onnx",
    *,
    data: DataSplits | str | Path | None = None,
    runs: str | Path = RUNS,
    network: nn.Module | str | None = None,
) -> Path:
    """Write a run's model as an ONNX file, after a check that it answers as the model does.

    Parameters
    ----------
    model
        A finished run, its folder, its name or "latest".
    path
        The file to write, ending in .onnx.
    data
        Where the run's data are now; its pictures are what the file is checked on.
    runs
        The folder of the runs.
    network
        Only for a run of a network of your own: an instance of it.

    Returns
    -------
    The path.

    Raises
    ------
    ExportError
        If the extra is missing, the network cannot be exported, or the file answers otherwise.
    FittingroomError
        Of the other kinds, if the run or its data cannot be had.
    """
    target = Path(path)
    if target.suffix.lower() != ".onnx":
        raise ExportError(f"{target}: expected a name that ends in .onnx")
    if not target.parent.is_dir():
        raise ExportError(f"{target}: cannot be written: there is no folder {target.parent}")
    check_extra()
    if is_exported(model):
        raise ExportError(f"{model}: expected a run, found a file that was exported already")
    run = model if isinstance(model, Run) else open_run(model, runs=runs, network=network)
    check_finished(run)
    try:
        splits = run.data(data)
    except DataError as error:
        raise ExportError(
            f"{run.folder}: an export is checked on the run's own pictures: {error}"
        ) from error
    predictor, pictures = RunPredictor(run, splits), real_pictures(splits)
    content = to_onnx(predictor, pictures)
    check_answers(predictor, OnnxPredictor(target, content), pictures)
    files.write_whole(target, content)
    return target


def check_extra() -> None:
    """See that what export needs is installed.

    Raises
    ------
    ExportError
        If it is not.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise missing_extra("to export a model", error) from None


def real_pictures(splits: DataSplits) -> Images:
    """Return some of the pictures that a run had, those of validation first: uint8 (N, C, H, W)."""
    if len(splits.validation_indices):
        chosen = splits.validation_indices[:CHECKED]
    else:
        chosen = np.arange(min(CHECKED, len(splits.learning)))
    return np.ascontiguousarray(splits.learning.images[chosen])


@defaults()
def to_onnx(predictor: RunPredictor, pictures: Images) -> bytes:
    """Return the content of the file.

    Raises
    ------
    ExportError
        If the network does something that ONNX or its exporter does not know.
    """
    import onnx
    import torch

    example = torch.from_numpy(pictures[:2].copy())
    try:
        with quiet_exporter():
            program = torch.onnx.export(
                predictor.answering,
                (example,),
                dynamo=True,
                input_names=["images"],
                output_names=["probabilities", "novelty"],
                dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
                opset_version=OPSET,
                optimize=True,
                verbose=False,
            )
    except Exception as error:
        reason = (str(error) or type(error).__name__).strip().partition("\n")[0]
        raise ExportError(
            f"{predictor.run.folder}: the network cannot be exported: {reason}"
        ) from error
    assert program is not None  # noqa: S101 - None is returned where a file was asked for
    proto = program.model_proto
    proto.doc_string = f"{predictor.name}, trained and exported by fittingroom {__version__}"
    proto.producer_name, proto.producer_version = "fittingroom", __version__
    del proto.metadata_props[:]
    for name, value in metadata(predictor).items():
        proto.metadata_props.add(key=name, value=value)
    for node in proto.graph.node:  # of where in the program it comes from: half of the file's text
        del node.metadata_props[:]
        node.doc_string = ""
    del proto.graph.metadata_props[:]
    onnx.checker.check_model(proto)
    return bytes(proto.SerializeToString())


def metadata(predictor: RunPredictor) -> dict[str, str]:
    """Return what the file says of itself: JSON values, but for the format and name."""
    fitted = predictor.fitted
    values: dict[str, Any] = {
        "classes": list(predictor.classes),
        "input_shape": list(predictor.preparation.input_shape),
        "fitted": fitted.to_dict(),
        "provenance": provenance(predictor),
    }
    written = {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
    return {"format": FORMAT, "name": predictor.name} | written


def provenance(predictor: RunPredictor) -> dict[str, Any]:
    """Return where a model comes from, JSON values: for whoever has no more than its export."""
    record = predictor.run.record
    return {
        "run": predictor.name,
        "started": record.get("started"),
        "recipe": record["recipe"],
        "data": {key: record["data"][key] for key in ("name", "fingerprint", "sketches", "train")},
        "test": predictor.tested.to_dict(),
    }


def check_answers(predictor: RunPredictor, exported: OnnxPredictor, pictures: Images) -> None:
    """See that an exported file answers as the model, for one picture and for many.

    Raises
    ------
    ExportError
        If a probability differs by more than `MOST_DIFFERENT`, or an answer is another.
    """
    for some in (pictures[:1], pictures):
        wanted, found = predictor.answer(some), exported.answer(some)
        apart = float(np.abs(wanted.probabilities - found.probabilities).max())
        best = wanted.probabilities.argmax(axis=1)
        others = int((best != found.probabilities.argmax(axis=1)).sum())
        flags = (wanted.novelty > predictor.threshold) != (found.novelty > exported.threshold)
        if not apart <= MOST_DIFFERENT or others:
            raise ExportError(
                f"{predictor.run.folder}: the exported file does not answer as the model: "
                f"probabilities differ by up to {apart:.1e}, at most {MOST_DIFFERENT} is "
                f"allowed, and {others} of {len(some)} answers are others; nothing was written"
            )
        # By rounding, a rank among the validation pictures may be another, and a picture fall to
        # the other side of the threshold.
        if flags.sum() > max(3, 0.02 * len(some)):
            raise ExportError(
                f"{predictor.run.folder}: the exported file warns of {flags.sum()} of {len(some)} "
                "pictures otherwise than the model; nothing was written"
            )


@contextmanager
def quiet_exporter() -> Iterator[None]:
    """Keep the exporter's own words, which are for its developers, from a person."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
