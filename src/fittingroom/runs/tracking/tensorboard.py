"""TensorBoard: an event file in the run's own folder, for `tensorboard --logdir runs`.

There TensorBoard calls the run by its folder's name, and who deletes the folder deletes its curves
too. The file is written with TensorBoard's own formats, without TensorFlow or torch.
"""

from __future__ import annotations

import importlib
import os
import shlex
import struct
import time
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

EVENTS = "events.out.tfevents."
STATUS = "status"

# TensorBoard draws what has the same first part in one group.
TAGS = {
    "train_loss": "loss/train",
    "validation_loss": "loss/validation",
    "train_accuracy": "accuracy/train",
    "validation_accuracy": "accuracy/validation",
}


class TensorBoard:
    """TensorBoard's record of one run; see `Tracker`."""

    package: ClassVar[str] = "tensorboard"

    def __init__(self, run: Run, labels: Mapping[str, str]) -> None:
        self.run, self.labels = run, labels
        self.status, self.epochs = read_back(run.folder)

    @staticmethod
    def load() -> None:
        """Import what writes event files."""
        importlib.import_module("tensorboard.summary.writer.record_writer")

    @staticmethod
    def address() -> str:
        """Say where each run has its file."""
        return "an event file in the run folder"

    @property
    def place(self) -> str:
        """The command that shows it, with the runs beside it."""
        return f"`tensorboard --logdir {shlex.quote(str(self.run.folder.parent))}`"

    def begin(self) -> None:
        """Open a new event file; write the recipe and the facts as text and for HPARAMS."""
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb
        from tensorboard.summary.writer.record_writer import RecordWriter

        name = f"{EVENTS}{time.time():.6f}.{os.getpid()}"
        self.file = RecordWriter((self.run.folder / name).open("xb"))
        began = seconds_of(self.run.record.get("started"))
        self._write(began, file_version="brain.Event:2")
        fields = recipe_fields(self.run)
        self._summary(began, 0, text("recipe", as_table(fields)))
        self._summary(began, 0, text("run", as_table(facts(self.run, self.labels))))
        self._summary(began, 0, text(STATUS, files.RUNNING))
        self._summary(began, 0, hparams_pb(fields, self.run.name, began))
        self.file.flush()

    def add(self, moments: Iterable[tuple[float, Epoch]]) -> None:
        """Add a point to each curve for each epoch."""
        for moment, epoch in moments:
            for name, value in curves(epoch).items():
                self._summary(moment, epoch.epoch, scalar(TAGS.get(name, name), value))
        self.file.flush()

    def end(self, run: Run) -> None:
        """Add scores, figures and the record; close the file."""
        ended = seconds_of(run.record.get("finished"))
        last = max(self.epochs, default=0)
        for name, value in final_scores(run).items():
            self._summary(ended, last, scalar(name.replace("test_", "test/", 1), value))
        for figure in sorted((run.folder / files.FIGURES).glob("*.png")):
            self._summary(ended, last, picture(f"figures/{figure.stem}", figure.read_bytes()))
        record = (run.folder / files.RECORD).read_text("utf-8")
        self._summary(ended, last, text(files.RECORD, f"```json\n{record}```"))
        self._summary(ended, last, text(STATUS, run.status))
        self.file.close()

    def _summary(self, moment: float, step: int, summary: Any) -> None:
        self._write(moment, step=step, summary=summary)

    def _write(self, moment: float, **content: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self.file.write(Event(wall_time=moment, **content).SerializeToString())


def read_back(folder: Path) -> tuple[str | None, set[int]]:
    """Return the status and the epochs that the event files in a run's folder hold."""
    if not any(folder.glob(f"{EVENTS}*")):
        return None, set()
    from tensorboard.backend.event_processing.event_accumulator import (
        SCALARS,
        TENSORS,
        EventAccumulator,
    )

    found = EventAccumulator(str(folder), size_guidance={SCALARS: 0, TENSORS: 0})
    found.Reload()
    tags = found.Tags()
    loss, status = TAGS["train_loss"], None
    if STATUS in tags["tensors"]:
        status = found.Tensors(STATUS)[-1].tensor_proto.string_val[0].decode()
    steps = {event.step for event in found.Scalars(loss)} if loss in tags["scalars"] else set()
    return status, steps


def scalar(tag: str, value: float) -> Any:
    """Return a point of a curve, in the form that every reader of event files knows."""
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary(value=[Summary.Value(tag=tag, simple_value=value)])


def text(tag: str, markdown: str) -> Any:
    """Return a text, which TensorBoard reads as Markdown."""
    from tensorboard.plugins.text.summary_v2 import text_pb

    return text_pb(tag, markdown)


def picture(tag: str, png: bytes) -> Any:
    """Return a PNG file as a picture."""
    from tensorboard.compat.proto.summary_pb2 import Summary

    # IHDR, the first chunk of every PNG file: https://www.w3.org/TR/png-3/#11IHDR
    width, height = struct.unpack(">II", png[16:24])
    image = Summary.Image(width=width, height=height, colorspace=4, encoded_image_string=png)
    return Summary(value=[Summary.Value(tag=tag, image=image)])


def as_table(facts: Mapping[str, str]) -> str:
    """Return names and values as a table in Markdown."""
    rows = [f"| {name} | {value.replace('|', '&#124;')} |" for name, value in facts.items()]
    return "\n".join(["| | |", "|---|---|", *rows])
