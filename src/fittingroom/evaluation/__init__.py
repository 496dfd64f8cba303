"""Stage 4: what a model gets wrong, how often, and how sure that is.

The map of the room::

    evaluate.py       a model and pictures -> Evaluation
    metrics.py        scores of each class, calibration, loss
    confusion.py      the confusion matrix, an array that knows its classes
    significance.py   intervals
    summary.py        an Evaluation as plain text
    columns.py        text measured in columns, Korean letters two wide
    display.py        what Jupyter shows
    figures/          heat map, learning curves, rankings, sheets of pictures
"""

from fittingroom.evaluation.evaluate import Evaluation, evaluate, predict_logits
from fittingroom.evaluation.metrics import ClassScore, ConfusedPair
from fittingroom.evaluation.significance import wilson_interval

__all__ = [
    "ClassScore",
    "ConfusedPair",
    "Evaluation",
    "evaluate",
    "predict_logits",
    "wilson_interval",
]
