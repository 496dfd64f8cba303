"""A file that `export` wrote, and what answers by it: onnxruntime alone, without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from fittingroom.data.dataset import Images
from fittingroom.errors import ExportError
from fittingroom.serving.fitted import Fitted
from fittingroom.serving.predictor import Answers, Tested

FORMAT = "fittingroom-onnx/1"
AT_ONCE = 256  # pictures


class OnnxPredictor:
    """Answers by an exported file, as the run that it was exported from does.

    Parameters
    ----------
    path
        The file.
    content
        What it holds or is going to hold; None to read it.

    Raises
    ------
    ExportError
        If it is not there, not one of ours, damaged, or onnxruntime is not installed.
    """

    def __init__(self, path: Path, content: bytes | None = None) -> None:
        if content is None:
            content = read(path)
        self.path = path
        self.session = start_session(path, content)
        described = self.session.get_modelmeta().custom_metadata_map
        if described.get("format") != FORMAT:
            raise ExportError(
                f"{path}: expected a file that fittingroom exported, of format {FORMAT}, found "
                f"{described.get('format', 'no format')}"
            )
        try:
            self.name = str(described["name"])
            self.classes = tuple(str(name) for name in json.loads(described["classes"]))
            fitted = Fitted.from_dict(json.loads(described["fitted"]))
            self.preparation = fitted.preparation
            self.threshold = fitted.threshold
            self.fitted_on = fitted.fitted_on
            self.provenance: dict[str, Any] = dict(json.loads(described["provenance"]))
            self.data_name = str(self.provenance["data"]["name"])
            self.sketches = bool(self.provenance["data"]["sketches"])
            self.tested = Tested.from_dict(self.provenance["test"])
            self._check_shapes()
        except (KeyError, TypeError, ValueError) as error:
            raise ExportError(f"{path}: what the file says of itself is damaged") from error

    def answer(self, images: Images) -> Answers:
        """See `Predictor.answer`."""
        parts = [
            self.session.run(None, {"images": images[start : start + AT_ONCE]})
            for start in range(0, len(images), AT_ONCE)
        ]
        probabilities, novelty = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Answers(probabilities, novelty)

    def _check_shapes(self) -> None:
        (given,), returned = self.session.get_inputs(), self.session.get_outputs()
        expected = list(self.preparation.input_shape)
        if (given.name, given.type, given.shape[1:]) != ("images", "tensor(uint8)", expected):
            raise ValueError("another input")
        if [one.name for one in returned] != ["probabilities", "novelty"]:
            raise ValueError("other outputs")
        if returned[0].shape[1] != len(self.classes):
            raise ValueError("another number of classes")


def read(path: Path) -> bytes:
    """Return the content of a file.

    Raises
    ------
    ExportError
        If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ExportError(f"{path}: cannot be read: {error.strerror or error}") from error


def start_session(path: Path, content: bytes) -> Any:
    """Return onnxruntime's session of a file's content, on the CPU."""
    try:
        import onnxruntime
    except ImportError as error:
        raise missing_extra(f"{path}: to use an exported model", error) from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common class of their own
        raise ExportError(f"{path}: no ONNX file that can be read; export it anew") from error


def missing_extra(purpose: str, error: ImportError) -> ExportError:
    """Return the error of a library that is not installed."""
    return ExportError(
        f"{purpose}, {error.name or 'a library'} is needed: pip install 'fittingroom[export]'"
    )
