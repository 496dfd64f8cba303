"""fittingroom: train, judge and explain small-image classifiers.

::

    import fittingroom as fr

    data = fr.load("fashion-mnist")
    run = fr.train("three-layer", data)
    print(run.evaluation)

Nothing heavy is imported until one of the names below is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fittingroom._version import __version__

if TYPE_CHECKING:
    from fittingroom.data.dataset import DataSplits, ImageDataset
    from fittingroom.data.sources import load
    from fittingroom.errors import FittingroomError
    from fittingroom.evaluation.evaluate import Evaluation, evaluate
    from fittingroom.models import Classifier
    from fittingroom.reports.report import report
    from fittingroom.runs.reproduce import reproduce
    from fittingroom.runs.run import Run, list_runs, open_run
    from fittingroom.runs.train import resume, train
    from fittingroom.serving.export import export
    from fittingroom.serving.predict import Prediction, Predictions, predict
    from fittingroom.studies.conduct import study
    from fittingroom.studies.study import Study, gather, open_study
    from fittingroom.studies.verify import verify
    from fittingroom.training.recipe import Recipe, recipe
    from fittingroom.tuning.conduct import tune
    from fittingroom.tuning.tuning import Tuning, open_tuning

__all__ = [
    "Classifier",
    "DataSplits",
    "Evaluation",
    "FittingroomError",
    "ImageDataset",
    "Prediction",
    "Predictions",
    "Recipe",
    "Run",
    "Study",
    "Tuning",
    "__version__",
    "evaluate",
    "export",
    "gather",
    "list_runs",
    "load",
    "open_run",
    "open_study",
    "open_tuning",
    "predict",
    "recipe",
    "report",
    "reproduce",
    "resume",
    "study",
    "train",
    "tune",
    "verify",
]

_HOMES = {
    "Classifier": "fittingroom.models",
    "DataSplits": "fittingroom.data.dataset",
    "Evaluation": "fittingroom.evaluation.evaluate",
    "FittingroomError": "fittingroom.errors",
    "ImageDataset": "fittingroom.data.dataset",
    "Prediction": "fittingroom.serving.predict",
    "Predictions": "fittingroom.serving.predict",
    "Recipe": "fittingroom.training.recipe",
    "Run": "fittingroom.runs.run",
    "Study": "fittingroom.studies.study",
    "Tuning": "fittingroom.tuning.tuning",
    "evaluate": "fittingroom.evaluation.evaluate",
    "export": "fittingroom.serving.export",
    "gather": "fittingroom.studies.study",
    "list_runs": "fittingroom.runs.run",
    "load": "fittingroom.data.sources",
    "open_run": "fittingroom.runs.run",
    "open_study": "fittingroom.studies.study",
    "open_tuning": "fittingroom.tuning.tuning",
    "predict": "fittingroom.serving.predict",
    "recipe": "fittingroom.training.recipe",
    "report": "fittingroom.reports.report",
    "reproduce": "fittingroom.runs.reproduce",
    "resume": "fittingroom.runs.train",
    "study": "fittingroom.studies.conduct",
    "train": "fittingroom.runs.train",
    "tune": "fittingroom.tuning.conduct",
    "verify": "fittingroom.studies.verify",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'fittingroom' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
