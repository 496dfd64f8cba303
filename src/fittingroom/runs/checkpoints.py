"""The two newest checkpoints of a run in its folder: if one is damaged, the other is there."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fittingroom.errors import RunError
from fittingroom.runs import folder as files
from fittingroom.training.checkpoint import Checkpoint

# The disk is not kept busy by short epochs.
EPOCH_SECONDS = 10.0


@dataclass(frozen=True)
class Pace:
    """How often a run writes a checkpoint; a crash costs at most the training since the last one.

    At the end of an epoch one is written where the last one is ten seconds old.

    Parameters
    ----------
    minutes
        Within an epoch: where the last one is so old. Ends of epochs do not wait longer either.
    steps
        Besides, after so many steps, exactly; None for never.
    """

    minutes: float = 1.0
    steps: int | None = None

    def __post_init__(self) -> None:
        if not (self.minutes >= 0 and (self.steps is None or self.steps >= 1)):
            raise RunError(
                "checkpoints are written after 0 or more minutes, or 1 or more steps, found "
                f"{self.minutes:g} minutes and {self.steps} steps"
            )

    def is_due(self, seconds: float, steps: int, *, epoch_ended: bool) -> bool:
        """Tell whether one is due, so many seconds and steps after the last one."""
        longest = 60 * self.minutes
        if epoch_ended:
            longest = min(longest, EPOCH_SECONDS)
        return seconds >= longest or (self.steps is not None and steps >= self.steps)


PACE = Pace()


def keep(folder: Path, checkpoint: Checkpoint, record: Mapping[str, Any]) -> None:
    """Write a checkpoint; the one that was the newest becomes the one before."""
    path = folder / files.CHECKPOINT
    content = checkpoint.to_bytes(whose(record))
    if path.exists():
        try:
            path.replace(folder / files.CHECKPOINT_BEFORE)
        except OSError as error:
            raise files.not_written(path, error) from error
    files.write_whole(path, content)


def newest(folder: Path, record: Mapping[str, Any]) -> Checkpoint | None:
    """Return the newest checkpoint of a run that is whole, None where there is none yet.

    Warns if it is not the last that was written.

    Raises
    ------
    RunError
        If there are some, but none that is whole and of this run.
    """
    problems: list[str] = []
    for name in (files.CHECKPOINT, files.CHECKPOINT_BEFORE):
        path = folder / name
        if not path.exists():
            continue
        try:
            found = Checkpoint.load(path, whose(record))
        except RunError as error:
            problems.append(str(error))
            continue
        if problems:
            warnings.warn(
                f"{problems[0]}; going on from the checkpoint before it, which was written after "
                f"{found.epoch} epochs and {found.step} steps",
                stacklevel=2,
            )
        return found
    if problems:
        raise RunError(
            f"{'; '.join(problems)}; remove what is damaged, and the run begins again from its "
            "first epoch, to the same end"
        )
    return None


def remove(folder: Path) -> None:
    """Remove them: the run is finished."""
    for name in (files.CHECKPOINT, files.CHECKPOINT_BEFORE):
        (folder / name).unlink(missing_ok=True)


def whose(record: Mapping[str, Any]) -> str:
    """Return what tells a run's checkpoints from those of other recipes and data, SHA-256 (hex)."""
    told = json.dumps([record["recipe"], record["data"]["fingerprint"]], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()
