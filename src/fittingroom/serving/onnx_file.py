"""A file that `export` wrote, and what answers by it: onnxruntime alone, without torch."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fittingroom.data.dataset import Images
from fittingroom.errors import ExportError
from fittingroom.serving.fitted import Fitted
from fittingroom.serving.predictor import Answers, Tested

FORMAT = "fittingroom-onnx/1"
AT_ONCE = 256  # pictures
# What the files of a process may take at once: a file of some bytes can ask for any number.
MOST_BYTES = 4 * 2**30
# protobuf's own limit: https://protobuf.dev/programming-guides/proto-limits
MOST_FILE_BYTES = 2**31


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
        try:
            described = self.session.get_modelmeta().custom_metadata_map
        except UnicodeDecodeError as error:
            raise damaged(path) from error
        if described.get("format") != FORMAT:
            found = repr(described.get("format", "no format"))[1:-1]  # in one line, whatever it is
            raise ExportError(
                f"{path}: expected a file that fittingroom exported, of format {FORMAT}, found "
                f"{found[:80]}"
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
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise damaged(path) from error

    def answer(self, images: Images) -> Answers:
        """See `Predictor.answer`."""
        parts = [
            self._run(images[start : start + AT_ONCE]) for start in range(0, len(images), AT_ONCE)
        ]
        probabilities, novelty = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Answers(probabilities, novelty)

    def _run(self, images: Images) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the probabilities (B, K) and novelty (B,) of some pictures."""
        try:
            probabilities, novelty = self.session.run(None, {"images": images})
        except Exception as error:  # onnxruntime's errors have no common class of their own
            reason = " ".join(str(error).split())[-200:]
            raise ExportError(
                f"{self.path}: the file cannot be computed with ({reason}); export it anew"
            ) from error
        expected = (len(images), len(self.classes)), (len(images),)
        if (probabilities.shape, novelty.shape) != expected:
            raise damaged(self.path)
        return probabilities, novelty

    def _check_shapes(self) -> None:
        (given,), returned = self.session.get_inputs(), self.session.get_outputs()
        expected = list(self.preparation.input_shape)
        if (given.name, given.type, given.shape[1:]) != ("images", "tensor(uint8)", expected):
            raise ValueError("another input")
        if [one.name for one in returned] != ["probabilities", "novelty"]:
            raise ValueError("other outputs")
        if [len(one.shape) for one in returned] != [2, 1]:
            raise ValueError("outputs of another shape")
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
        if path.is_file() and path.stat().st_size > MOST_FILE_BYTES:
            raise ExportError(f"{path}: refused: at most {MOST_FILE_BYTES:,} bytes are read")
        return path.read_bytes()
    except OSError as error:
        raise ExportError(f"{path}: cannot be read: {error.strerror or error}") from error


def start_session(path: Path, content: bytes) -> Any:
    """Return onnxruntime's session of a file's content, on the CPU.

    It opens no other file: onnxruntime refuses data that lie outside a model that is given as
    bytes, and operators that are not its own.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise missing_extra(f"{path}: to use an exported model", error) from None
    onnxruntime.disable_telemetry_events()  # Windows' builds have some
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.use_env_allocators", "1")
    bound_memory()
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common class of their own
        raise ExportError(f"{path}: no ONNX file that can be read; export it anew") from error


@cache
def bound_memory() -> None:
    """Let the sessions of this process that say so share `MOST_BYTES`."""
    import onnxruntime

    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(
        place, onnxruntime.OrtArenaCfg({"max_mem": MOST_BYTES})
    )


def damaged(path: Path) -> ExportError:
    """Return the error of a file that describes itself wrongly."""
    return ExportError(f"{path}: what the file says of itself is damaged; export it anew")


def missing_extra(purpose: str, error: ImportError) -> ExportError:
    """Return the error of a library that is not installed."""
    return ExportError(
        f"{purpose}, {error.name or 'a library'} is needed: pip install 'fittingroom[export]'"
    )
