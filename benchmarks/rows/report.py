"""The report of a study of 35 runs: seconds and peak memory.

There is no other tool to compare with; it is held to 10 s and 500 MB. The runs, 7 settings x 5
seeds, are cut to one epoch: the report does not care how good they are.
"""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path

from measuring import data_folder
from row import MEMORY, SECONDS, Found, Quantity, Row, Size, Turn
from rows.gpu_study import plan_of


def write(turn: Turn, kind: str) -> Found:
    """Write the report of the study once, after making the study where it is not there yet."""
    import fittingroom as fr

    study = make_study(turn)
    with tempfile.TemporaryDirectory() as place:
        started = time.perf_counter()
        fr.report(study, Path(place) / f"report.{kind}", format=kind)
        seconds = time.perf_counter() - started
        size = sum(path.stat().st_size for path in Path(place).rglob("*") if path.is_file())
    return {"seconds": seconds, "file_MB": size / 1e6}


def make_study(turn: Turn) -> Path:
    """Return the folder of the study; finished runs are kept from turn to turn.

    In a process of its own, so that training leaves no mark on this one's memory.
    """
    import multiprocessing

    seeds = turn.options.get("seeds", 5)
    folder = turn.folder.parent / f"study-{seeds}"
    worker = multiprocessing.get_context("spawn").Process(target=study, args=(folder, seeds))
    worker.start()
    worker.join()
    return folder / "seven"


def study(folder: Path, seeds: int) -> None:
    """Do the study, as far as it is not done."""
    import fittingroom as fr

    plan = plan_of(Turn(0, folder, {"epochs": 1}))
    fr.study(plan, fr.load(data_folder()), seeds=seeds, out=folder)


ROW = Row(
    name="report",
    title="the report of a study of 35 runs",
    ways={"HTML": partial(write, kind="html"), "Markdown": partial(write, kind="md")},
    full=Size(5),
    quick=None,
    tiny=Size(1, options={"seeds": 2}),
    quantities=(SECONDS, MEMORY, Quantity("file_MB", "MB")),
)
