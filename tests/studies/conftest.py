"""Settings with planted accuracies: in memory, and as run folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from fittingroom.evaluation.metrics import Confusion
from fittingroom.runs import folder as files
from fittingroom.runs.run import Run
from fittingroom.studies.plan import Setting, StudyPlan, Words
from fittingroom.studies.reading import plan_of
from fittingroom.studies.setting_result import Marks, SettingResult
from fittingroom.training.diagnosis import Diagnosis
from fittingroom.training.history import Epoch
from fittingroom.training.recipe import Recipe

PICTURES = 1000
CLASSES = ("left", "right", "top", "bottom")
LABELS = np.arange(PICTURES) % len(CLASSES)

Plant = Callable[..., SettingResult]
PlantRuns = Callable[..., dict[tuple[str, int], Run]]


@pytest.fixture
def plan() -> StudyPlan:
    """Two settings, three seeds, nothing else."""
    settings = {"good": {"lr": 0.001}, "bad": {"lr": 0.01}}
    return plan_of({"seeds": 3, "base": {"epochs": 4}, "settings": settings})


@pytest.fixture
def plant() -> Plant:
    """Build a setting's result with the given accuracies, one for each seed."""

    def setting(
        name: str,
        accuracies: Sequence[float],
        *,
        seeds: Sequence[int] | None = None,
        matrices: Sequence[Confusion] | None = None,
        correct: Sequence[Any] | None = None,
        diagnosis: Diagnosis | None = None,
        multiply_adds: int | None = 100,
        seconds: float = 10.0,
        pictures: str = "the same",
    ) -> SettingResult:
        record = {
            "results": {"training_seconds": seconds, "epochs": 4},
            "data": {"train": 60_000},
            "model": {"multiply_adds": multiply_adds} if multiply_adds else {},
        }
        runs = [
            SimpleNamespace(recipe=Recipe(seed=seed), record=record)
            for seed in (seeds or range(len(accuracies)))
        ]
        marks = [
            Marks(
                accuracy=accuracy,
                confusion=np.eye(2, dtype=np.int64) if matrices is None else matrices[place],
                correct=np.ones(4, bool) if correct is None else correct[place],
                pictures=pictures,
                history=epochs(accuracy),
            )
            for place, accuracy in enumerate(accuracies)
        ]
        return SettingResult(
            setting=Setting(name=name, label=Words(en=name, ko=name), recipe=Recipe()),
            runs=cast("tuple[Run, ...]", tuple(runs)),
            marks=tuple(marks),
            diagnosis=diagnosis or Diagnosis("fine", {"seeds": 5, "seeds_agreeing": 5}),
        )

    return setting


@pytest.fixture
def plant_runs(tmp_path: Path) -> PlantRuns:
    """Write the run folders of a plan: name -> the accuracy of each seed, None for no run."""

    def runs(
        plan: StudyPlan, accuracies: Mapping[str, Sequence[float | None]]
    ) -> dict[tuple[str, int], Run]:
        found = {}
        for setting, seed in plan.wanted:
            accuracy = accuracies[setting.name][plan.seeds.index(seed)]
            if accuracy is not None:
                folder = tmp_path / setting.run_name(seed)
                write_run(folder, setting.recipe_for(seed), accuracy)
                found[setting.name, seed] = Run(folder)
        return found

    return runs


def write_run(folder: Path, recipe: Recipe, accuracy: float) -> None:
    """Write a finished run that gets this share of its 1,000 test pictures right."""
    folder.mkdir()
    rng = np.random.default_rng(recipe.seed)
    wrong = rng.permutation(PICTURES) >= round(accuracy * PICTURES)
    logits = np.zeros((PICTURES, len(CLASSES)), np.float32)
    logits[np.arange(PICTURES), (LABELS + wrong) % len(CLASSES)] = 5
    files.write_arrays(folder / files.PREDICTIONS, labels=LABELS, logits=logits)
    history = epochs(accuracy)
    files.write_json_lines(folder / files.HISTORY, (record.to_dict() for record in history))
    written = (files.PREDICTIONS, files.HISTORY)
    files.write_record(folder / files.RECORD, record_of(folder.name, recipe, accuracy) | {
        "files": {name: files.digest(folder / name) for name in written}
    })  # fmt: skip


def record_of(name: str, recipe: Recipe, accuracy: float) -> dict[str, Any]:
    """Return the run.json of a finished run."""
    return {
        "format": files.FORMAT,
        "name": name,
        "status": files.FINISHED,
        "recipe": recipe.model_dump(),
        "data": {
            "name": "shapes",
            "source": "made for a test",
            "fingerprint": "ab" * 32,
            "sketches": False,
            "classes": CLASSES,
            "image_shape": (1, 8, 8),
            "train": 240,
            "validation": 0,
            "test": PICTURES,
        },
        "environment": {"device": "cpu", "device_name": "a CPU", "precision": "fp32"},
        "model": {"parameters": 50, "multiply_adds": 40},
        "results": {
            "test": {"accuracy": accuracy, "interval": (0.0, 1.0), "count": PICTURES},
            "epochs": recipe.epochs,
            "training_seconds": 2.0 + recipe.seed,
            "images_per_second": 100.0,
        },
    }


def epochs(accuracy: float) -> tuple[Epoch, ...]:
    """Return a history of four epochs that comes near an accuracy."""
    losses = (0.9, 0.6, 0.5, 0.48)
    return tuple(
        Epoch(number, loss, accuracy, None, None, 0.001, 1.0)
        for number, loss in enumerate(losses, start=1)
    )
