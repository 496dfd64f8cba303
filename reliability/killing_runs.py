"""Kill real trainings at random moments, go on with them, and compare what they come to.

A training is the command `fittingroom train` in a process of its own, forked from one that has
torch imported already. It is killed (SIGKILL) at a moment drawn evenly from the time that it
takes uninterrupted, then gone on with by `train --resume`, which is killed likewise, until it
comes to its end before its moment does.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

import fittingroom as fr
from fittingroom.cli import main as command
from fittingroom.runs import folder as files

# Everything that a run has to remember: averages of optimizers and of weights, schedules, random
# draws of dropout and augmentation, which pictures are hard, which weights were the best.
CASES = {
    "one-cycle, adamw": "--model two-layer --optimizer adamw --schedule one-cycle --lr 0.01",
    "augmented, averaged": (
        "--model convnet --option widths=[4,6,8] --flip --shift 1 --erase 0.5 --mixup 0.2 "
        "--average 0.95 --schedule cosine"
    ),
    "hard pictures, muon": "--model three-layer --optimizer muon --hard-share 0.5",
    "best weights, sgd": "--model two-layer --optimizer sgd --lr 0.05 --early-stopping 4",
}
HOW_TO_GO_ON = "--threads 1 --checkpoint-steps 2 --no-figures --no-report --quiet"
ALWAYS = f"--epochs 6 --batch-size 64 {HOW_TO_GO_ON}"
ENOUGH_PROBLEMS = 5


@dataclass
class Outcome:
    """What became of the trainings of one case.

    Parameters
    ----------
    kills
        By the state in which the folder was left.
    finished, identical
        How many trainings came to their end, and with the bits of an uninterrupted one.
    problems
        What was not as it should be, one line each.
    """

    kills: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    identical: int = 0
    problems: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self) | {"kills": dict(sorted(self.kills.items()))}


def kill_runs(case: str, kills: int, data: Path, out: Path, rng: random.Random) -> Outcome:
    """Kill trainings of a case `kills` times."""
    words = ["train", "--data", str(data), "--out", str(out), *CASES[case].split()]
    words += ALWAYS.split()
    whole, seconds = train_whole(words, out)
    outcome = Outcome()
    number = 0
    while outcome.kills.total() < kills and len(outcome.problems) < ENOUGH_PROBLEMS:
        number += 1
        folder = out / f"run-{number}"
        kill_one(words, folder, seconds, outcome, rng)
        if is_finished(folder):
            compare(folder, whole, outcome)
    return outcome


def train_whole(words: Sequence[str], out: Path) -> tuple[fr.Run, float]:
    """Train without interruption; return the run and how long it took."""
    started = time.monotonic()
    code = wait(begin([*words, "--name", "whole"]))
    if code != 0:
        raise SystemExit(f"an uninterrupted training ended with exit code {code}")
    return fr.open_run(out / "whole"), time.monotonic() - started


def kill_one(
    words: Sequence[str], folder: Path, seconds: float, outcome: Outcome, rng: random.Random
) -> None:
    """Bring one training to its end, however often it is killed on the way."""
    while not is_finished(folder):
        go_on = words_to_go_on(words, folder)
        child = begin(go_on)
        time.sleep(rng.uniform(0, seconds))
        os.kill(child, signal.SIGKILL)
        code = wait(child)
        if code == -signal.SIGKILL:
            outcome.kills[state_of(folder)] += 1
        elif code != 0:
            outcome.problems.append(f"{folder.name}: exit code {code} of {' '.join(go_on)}")
            return
    outcome.finished += 1


def is_finished(folder: Path) -> bool:
    """Tell whether a run has come to its end."""
    return has_record(folder) and fr.Run(folder).status == files.FINISHED


def has_record(folder: Path) -> bool:
    """Tell whether there is anything to go on with."""
    return (folder / files.RECORD).exists()


def words_to_go_on(words: Sequence[str], folder: Path) -> list[str]:
    """Return the command that goes on with a run, or begins it where there is nothing yet."""
    if has_record(folder):
        return ["train", "--resume", str(folder), *HOW_TO_GO_ON.split()]
    shutil.rmtree(folder, ignore_errors=True)
    return [*words, "--name", folder.name]


def state_of(folder: Path) -> str:
    """Say in which state a kill left a run's folder."""
    if not has_record(folder):
        return "before there was a record"
    if any(folder.glob(f".*{files.UNFINISHED}")):
        return "in the middle of a write"
    if fr.Run(folder).status == files.FINISHED:
        return "after all was written"
    if (folder / files.MODEL).exists():
        return "while results were written"
    if (folder / files.CHECKPOINT).exists():
        return "between two checkpoints"
    if (folder / files.CHECKPOINT_BEFORE).exists():
        return "between two names of a checkpoint"
    return "before the first checkpoint"


def compare(folder: Path, whole: fr.Run, outcome: Outcome) -> None:
    """See that a run came to the same as the uninterrupted one, bit for bit."""
    run = fr.open_run(folder)
    differences = [
        name
        for name, same in (
            ("weights", same_weights(run, whole)),
            ("history", results_of(run) == results_of(whole)),
            ("predictions", np.array_equal(run.evaluation.logits, whole.evaluation.logits)),
        )
        if not same
    ]
    if differences:
        outcome.problems.append(f"{folder.name}: other {', '.join(differences)}")
    else:
        outcome.identical += 1


def same_weights(run: fr.Run, other: fr.Run) -> bool:
    """Tell whether two runs have the same weights, bit for bit."""
    ours, theirs = (load_file(one.folder / files.MODEL) for one in (run, other))
    bits = [{k: (v.dtype, v.tobytes()) for k, v in found.items()} for found in (ours, theirs)]
    return bits[0] == bits[1]


def results_of(run: fr.Run) -> list[dict[str, Any]]:
    """Return a run's history but for the seconds, which no two runs have in common."""
    return [{k: v for k, v in e.to_dict().items() if k != "seconds"} for e in run.history]


def begin(words: Sequence[str]) -> int:
    """Call the command line in a process of its own; return its number."""
    child = os.fork()
    if child:
        return child
    sys.argv = ["fittingroom", *words]
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        command()
    except SystemExit as end:
        os._exit(int(end.code or 0))
    os._exit(1)


def wait(child: int) -> int:
    """Wait for a process's end; return its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
