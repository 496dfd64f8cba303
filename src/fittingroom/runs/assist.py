"""A run that several processes share: process 0 conducts it, the others train along."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DivergenceError
from fittingroom.models import MODELS, Classifier
from fittingroom.runs import folder as files
from fittingroom.runs.checkpoints import newest
from fittingroom.runs.conduct import Interrupted, conduct
from fittingroom.runs.diary import Diary
from fittingroom.runs.run import Run
from fittingroom.training.checkpoint import Checkpoint
from fittingroom.training.compatibility import together
from fittingroom.training.device import Device, memory_errors
from fittingroom.training.ending import AskedToEnd, stopping_between_steps
from fittingroom.training.loop import fit
from fittingroom.training.parallel import Processes
from fittingroom.training.recipe import Recipe


def share_run(
    processes: Processes,
    open_diary: Callable[[], Diary],
    classifier: Classifier,
    splits: DataSplits,
    recipe: Recipe,
    device: Device,
    *,
    resume_from: Path | None = None,
    **watch: Any,
) -> Run:
    """Bring a run to its end, alone or with other processes; each of them returns it.

    Parameters
    ----------
    open_diary
        Called in the process that writes, once all are ready.
    resume_from
        In the process that writes: the folder of the run to go on with.
    watch
        What `conduct` is told besides.

    Raises
    ------
    ProcessError
        If the processes do not match, or one of them ends before the others.
    """
    processes.check_alike("recipe", recipe.model_dump_json())
    processes.check_alike("data set", splits.fingerprint)
    processes.check_alike("device or precision", f"{device.kind} {device.precision}")
    found = newest(resume_from, files.read_record(resume_from)) if resume_from else None
    processes.connect(device)
    if processes.size > 1:
        content = processes.bytes_from_first(found.to_bytes() if found else b"")
        found = Checkpoint.from_bytes(content) if content else None
    if not processes.is_first:
        return assist(processes, classifier, splits, recipe, device, found)
    diary = open_diary()
    if processes.size > 1:
        processes.how_to_go_on = Run(diary.folder, record=diary.record).how_to_go_on
        processes.say("start", json.dumps([str(diary.folder), processes.how_to_go_on]))
    try:
        (run,) = conduct(
            [diary],
            [classifier],
            splits,
            [recipe],
            device,
            checkpoint=found,
            processes=processes,
            **watch,
        )
        return run
    finally:
        processes.say("end", json.dumps(diary.record))


def assist(
    processes: Processes,
    classifier: Classifier,
    splits: DataSplits,
    recipe: Recipe,
    device: Device,
    checkpoint: Checkpoint | None,
) -> Run:
    """Train along with process 0, which judges and writes; return the run once it has.

    Raises
    ------
    Interrupted
        If the run was stopped.
    """
    where, processes.how_to_go_on = json.loads(processes.hear("start"))
    folder = Path(where)
    try:
        with memory_errors(recipe.batch_size), stopping_between_steps() as ending:
            fit(
                together(recipe, [classifier]),
                splits,
                recipe,
                device,
                should_stop=ending.should_stop,
                resume=checkpoint,
                processes=processes,
            )
        record = json.loads(processes.hear("end"))
    except DivergenceError:
        processes.hear("end")  # torchrun ends process 0, writing or not, when another one fails
        raise
    except KeyboardInterrupt as interruption:
        raise Interrupted(folder, processes.how_to_go_on, interruption) from None
    if record["status"] != files.FINISHED:
        raise Interrupted(folder, processes.how_to_go_on, AskedToEnd(ending.signal))
    network = None if recipe.model in MODELS else classifier.network
    return Run(folder, network, record=record)
