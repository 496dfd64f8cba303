"""How to repeat a study: what to type, how to read its numbers, and which file holds what."""

from __future__ import annotations

import shlex
from pathlib import Path

from fittingroom.reports.repeat import data_source, literal
from fittingroom.reports.study_story import runs_of
from fittingroom.reports.texts import Sentence, say
from fittingroom.studies.reading import shipped_plans
from fittingroom.studies.study import RECORD, RUNS, Study

# The file of a run, and the key of what is in it.
RUN_FILES = {
    "run.json": "run-json",
    "history.jsonl": "history",
    "predictions.npz": "predictions",
    "model.safetensors": "model",
}


def command(study: Study) -> str:
    """Return the command line that repeats a study, or the comparison of runs that were there."""
    runs, plan = runs_of(study), study.plan
    if study.folder is None:
        return shlex.join(["fittingroom", "report", *(place(run.folder) for run in runs)])
    if study.record.get("command"):
        return str(study.record["command"])
    name = plan.name if plan.name in shipped_plans() else f"{plan.name}.toml"
    words = ["fittingroom", "study", name, "--data", data_source(runs[0])]
    return shlex.join([*words, "--seeds", str(len(plan.seeds))])


def python(study: Study) -> str:
    """Return a program that reads the numbers of a study; nothing for runs that were gathered."""
    if study.folder is None:
        return ""
    return (
        "import fittingroom as fr\n\n"
        f"study = fr.open_study({literal(place(study.folder))})\n"
        "for setting in study.results.ranking:\n"
        "    print(setting.name, setting.mean, setting.interval, setting.accuracies)"
    )


def place(folder: Path) -> str:
    """Return a path as it was given; of one that says where it lies on this machine, the end."""
    return f"path/to/{folder.name}" if folder.is_absolute() else str(folder)


def files(study: Study) -> list[tuple[str, Sentence]]:
    """Return which file holds what, by its path within the study's folder."""
    inside = f"{RUNS}/\N{HORIZONTAL ELLIPSIS}/" if study.folder is not None else ""
    head = [(RECORD, say("study.repeat.study-json"))] if inside else []
    rest = [(f"{inside}{name}", say(f"study.repeat.{key}")) for name, key in RUN_FILES.items()]
    return [*head, *rest]
