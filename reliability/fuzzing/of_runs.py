"""The readers of what runs, studies and tunings leave behind, and of recipes and plans in TOML."""

from __future__ import annotations

import json
import shutil
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from fuzzing.digests import leave_out
from fuzzing.mutate import json_lines, json_text, several
from fuzzing.target import Read, Target, in_file, packed, unpacked

WORDS = (b"null", b"true", b"NaN", b"1e999", b"[[", b'{"', b"-1", b"0.5")


def record_of(workshop: Path) -> dict[str, Any]:
    """Return the run's record, without the digests of its files: these are going to change."""
    record: dict[str, Any] = json.loads((workshop / "run/run.json").read_text("utf-8"))
    return record | {"files": {}}


def run_reader(_workshop: Path, scratch: Path) -> Read:
    """Open a run by its run.json, list it, and read what is told of it."""
    from fittingroom.runs.run import Run, list_runs

    leave_out()

    def read(path: Path) -> None:
        list_runs(scratch)
        run = Run(path.parent)
        assert "\n" not in run.how_to_go_on
        assert run.recipe.epochs

    (scratch / "run").mkdir()
    return in_file(scratch / "run", "run.json", read)


def history_reader(workshop: Path, scratch: Path) -> Read:
    """Read a history, and ask for its best epoch."""
    from fittingroom.runs.run import Run
    from fittingroom.training.history import best_epoch

    record = record_of(workshop)

    def read(path: Path) -> None:
        history = Run(path.parent, record=record).history
        if history:
            assert len(f"{best_epoch(history).train_loss:.3f}") > 1

    return in_file(scratch, "history.jsonl", read)


def predictions_reader(workshop: Path, scratch: Path) -> Read:
    """Read predictions, and judge them."""
    import zipfile

    from fittingroom.runs.run import Run

    record = record_of(workshop)
    zipfile.ZipExtFile._update_crc = lambda *_: None  # type: ignore[attr-defined]

    def read(path: Path) -> None:
        evaluation = Run(path.parent, record=record).evaluation
        assert 0 <= evaluation.accuracy <= 1
        assert len(evaluation.per_class) == 3

    return in_file(scratch, "predictions.npz", read)


def predictions_seeds(workshop: Path) -> list[bytes]:
    """Return predictions as they are written, and not compressed."""
    import io

    import numpy as np

    written = (workshop / "run/predictions.npz").read_bytes()
    stream = io.BytesIO()
    with np.load(io.BytesIO(written), allow_pickle=False) as arrays:
        np.savez(stream, allow_pickle=False, **dict(arrays))
    return [written, stream.getvalue()]


def recipe_reader(_workshop: Path, scratch: Path) -> Read:
    """Read a recipe."""
    parse_ours_once()
    from fittingroom.training.recipe import recipe

    return in_file(scratch, "recipe.toml", recipe)


def parse_ours_once() -> None:
    """Let the program's own recipes be parsed once: they are no stranger's, and take a while."""
    from fittingroom.training import recipe

    recipe.shipped_recipes = cache(recipe.shipped_recipes)


def recipe_seeds(_workshop: Path) -> list[bytes]:
    """Return the shipped recipes, and one that stands on another."""
    text = resources.files("fittingroom.training").joinpath("recipes.toml").read_text("utf-8")
    tables = [table.partition("]\n")[2] for table in f"\n{text}".split("\n[")[1:]]
    return [b'base = "fast"\nepochs = 2\n', *(table.encode() for table in tables)]


def plan_reader(_workshop: Path, scratch: Path) -> Read:
    """Read a study's plan."""
    parse_ours_once()
    from fittingroom.studies.reading import read_plan

    return in_file(scratch, "plan.toml", lambda path: read_plan(path).wanted)


PLAN = b"""title = { en = "a", ko = "\xea\xb0\x80" }
seeds = 2
[base]
recipe = "fast"
[settings.a]
lr = 0.1
[settings.b]
label = "b"
[grid]
epochs = [1, 2]
[[recorded]]
id = "1"
accuracy = 0.9
settings = ["a"]
label = "x"
confusion = [[1, 0], [0, 1]]
[[claims]]
kind = "better"
id = "c"
text = "t"
pairs = [["a", "b"]]
"""


def plan_seeds(_workshop: Path) -> list[bytes]:
    """Return the notebook's plan and a small one with everything in it."""
    notebook = resources.files("fittingroom.studies").joinpath("notebook.toml").read_bytes()
    return [PLAN, notebook]


def vary_reader(_workshop: Path, scratch: Path) -> Read:
    """Read what a tuning starts from and varies."""
    parse_ours_once()
    from fittingroom.tuning.plan import plan_of

    return in_file(scratch, "start.toml", plan_of)


VARIES = [
    b'base = "fast"\n[vary]\nlr = "1e-4..1e-1:log"\nbatch_size = [64, 128]\n',
    b'[vary]\nlr = { times = [0.1, 10], log = true }\nepochs = "3..12:step=3"\nhidden = [[8],[9]]',
    b'model = "convnet"\n[vary]\nlr = { low = 0.1, high = 1, step = 0.1 }\nflip = "true,false"\n',
]


def study_reader(workshop: Path, scratch: Path) -> Read:
    """Open a study by its study.json, with its runs, and hold them against each other."""
    from fittingroom.studies.study import open_study

    leave_out()
    shutil.copytree(workshop / "study/runs", scratch / "study/runs")
    return in_file(scratch / "study", "study.json", lambda path: open_study(path.parent).results)


def tuning_reader(_workshop: Path, scratch: Path) -> Read:
    """Open a tuning by its tuning.json and its trials."""
    from fittingroom.tuning.tuning import open_tuning

    leave_out()

    def write_and_read(data: bytes) -> None:
        given = {path.name: content for path, content in unpacked(data).items()}
        for name in ("tuning.json", "trials.jsonl", "finalists.jsonl"):
            (scratch / name).write_bytes(given.get(name, b""))
        tuning = open_tuning(scratch)
        assert "\n" not in repr(tuning)

    return write_and_read


def tuning_seeds(workshop: Path) -> list[bytes]:
    """Return a tuning's files."""
    folder = workshop / "tuning"
    files = {name: (folder / name).read_bytes() for name in ("tuning.json", "trials.jsonl")}
    return [packed(files)]


def one(name: str) -> Any:
    """Return what returns a file of the workshop as the only seed."""
    return lambda workshop: [(workshop / name).read_bytes()]


TARGETS = {
    "run": Target(
        "run.json",
        ("runs/record.py", "runs/folder.py"),
        ("RunError",),
        one("run/run.json"),
        run_reader,
        words=WORDS,
        mutate=json_text,
    ),
    "history": Target(
        "history.jsonl",
        ("training/history.py", "runs/run.py"),
        ("RunError",),
        one("run/history.jsonl"),
        history_reader,
        words=WORDS,
        mutate=json_lines,
    ),
    "predictions": Target(
        "predictions.npz",
        ("runs/run.py", "evaluation/evaluate.py"),
        ("RunError",),
        predictions_seeds,
        predictions_reader,
    ),
    "recipe": Target(
        "recipes in TOML",
        ("training/recipe.py",),
        ("RecipeError", "ModelError"),
        recipe_seeds,
        recipe_reader,
        words=(*WORDS, b"base = ", b'model = "', b"model_options = {"),
    ),
    "plan": Target(
        "studies in TOML",
        ("studies/reading.py", "studies/plan.py"),
        ("StudyError",),
        plan_seeds,
        plan_reader,
        words=(*WORDS, b"[grid]", b"[[claims]]", b"[[recorded]]", b"[settings."),
    ),
    "vary": Target(
        "tunings in TOML",
        ("tuning/reading.py", "tuning/plan.py", "tuning/space.py"),
        ("TuningError", "RecipeError", "ModelError"),
        lambda _: VARIES,
        vary_reader,
        words=(*WORDS, b"..", b":log", b":step=", b"times = "),
    ),
    "study": Target(
        "study.json",
        ("studies/study.py", "studies/plan.py"),
        ("StudyError",),
        one("study/study.json"),
        study_reader,
        words=WORDS,
        mutate=json_text,
    ),
    "tuning": Target(
        "tuning.json and its trials",
        ("tuning/tuning.py", "tuning/space.py"),
        ("TuningError",),
        tuning_seeds,
        tuning_reader,
        words=WORDS,
        mutate=several,
    ),
}
