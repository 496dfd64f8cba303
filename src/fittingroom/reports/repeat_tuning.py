"""How to repeat a tuning: what to type, how to read its numbers, and which file holds what."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from fittingroom.reports.repeat import literal, source_of
from fittingroom.reports.repeat_study import place
from fittingroom.reports.texts import Sentence, say
from fittingroom.tuning.tuning import BEST, FINAL, FINALISTS, FRONT, RECORD, TRIALS

if TYPE_CHECKING:
    from fittingroom.tuning.tuning import Tuning


def commands(tuning: Tuning) -> list[tuple[str, str]]:
    """Return what to type: key of a heading, and the command line."""
    folder, data = place(tuning.folder), source_of(tuning.record["data"])
    found = []
    if tuning.record.get("command"):
        found.append(("tuning.repeat.tune", str(tuning.record["command"])))
    if tuning.best is not None:
        train = ["fittingroom", "train", "--recipe", f"{folder}/{BEST}", "--data", data]
        found.append(("tuning.repeat.train", shlex.join(train)))
    if has_front(tuning):
        study = ["fittingroom", "study", f"{folder}/{FRONT}", "--data", data]
        found.append(("tuning.repeat.study", shlex.join(study)))
    return found


def has_front(tuning: Tuning) -> bool:
    """Tell whether the front is there as a study; there is none of networks of a person's own."""
    return (tuning.folder / FRONT).is_file()


def final_command(tuning: Tuning) -> str:
    """Return the command line that writes the report of the final."""
    return shlex.join(["fittingroom", "report", f"{place(tuning.folder)}/{FINAL}"])


def python(tuning: Tuning) -> str:
    """Return a program that reads the numbers of a tuning."""
    lines = [
        "import fittingroom as fr",
        "",
        f"tuning = fr.open_tuning({literal(place(tuning.folder))})",
        "for trial in tuning.trials:",
        "    print(trial.number, trial.state, trial.accuracy, trial.values)",
    ]
    if tuning.best is not None:
        lines.append("print(tuning.best.recipe)")
    if tuning.final is not None:
        lines.append('print(tuning.final.results.compare("best", "start"))')
    return "\n".join(lines)


def files(tuning: Tuning) -> list[tuple[str, Sentence]]:
    """Return which file holds what, by its path within the tuning's folder."""
    found = [(RECORD, "tuning-json"), (TRIALS, "trials-jsonl")]
    if tuning.again:
        found.append((FINALISTS, "finalists-jsonl"))
    if tuning.best is not None:
        found.append((BEST, "best-toml"))
    if has_front(tuning):
        found.append((FRONT, "front-toml"))
    if tuning.final is not None:
        found.append((f"{FINAL}/", "final"))
    return [(name, say(f"tuning.repeat.{key}")) for name, key in found]
