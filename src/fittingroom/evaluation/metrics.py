"""Scores of predictions: plain functions of labels, logits and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fittingroom.data.dataset import Labels

Scores = NDArray[np.float32]
Confusion = NDArray[np.int64]

CALIBRATION_BINS = 15


@dataclass(frozen=True)
class ClassScore:
    """How well one class is recognised.

    Parameters
    ----------
    name
        The class.
    precision
        Share of the pictures predicted as this class that are of this class; 0 if none is.
    recall
        Share of the pictures of this class that are predicted as such; 0 if there are none.
    f1
        Harmonic mean of precision and recall; 0 if both are.
    support
        Number of pictures of this class.
    predicted
        Number of pictures predicted as this class.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int

    @property
    def never_predicted(self) -> bool:
        """True if the class occurs but no picture was taken for it: its 0 is no mere low score."""
        return self.predicted == 0 and self.support > 0


@dataclass(frozen=True)
class ConfusedPair:
    """How often pictures of the class `true` were predicted as `predicted`.

    `share` is the fraction (0 to 1) of all pictures of the true class.
    """

    true: str
    predicted: str
    count: int
    share: float


@dataclass(frozen=True, eq=False)
class Calibration:
    """Does a confidence of 80% mean right in 80% of the cases? Per bin of equal width.

    Parameters
    ----------
    confidence
        float64, shape (M,): mean confidence of the pictures in each bin, 0 for an empty bin.
    accuracy
        float64, shape (M,): share of them that is predicted correctly, 0 for an empty bin.
    count
        int64, shape (M,): number of pictures in each bin.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    count: NDArray[np.int64]

    @property
    def error(self) -> float:
        """Expected calibration error, a fraction: the mean gap, weighted by count."""
        gaps = np.abs(self.accuracy - self.confidence)
        return float((gaps * self.count).sum() / self.count.sum())


def softmax(logits: Scores) -> Scores:
    """Turn logits float32 (N, K) into probabilities float32 (N, K) that add up to 1 in each row."""
    return np.exp(_log_softmax(logits)).astype(np.float32)


def cross_entropy(logits: Scores, labels: Labels) -> float:
    """Return the mean cross-entropy in nats of logits (N, K) and labels (N,), as in training."""
    return float(-_log_softmax(logits)[np.arange(len(labels)), labels].mean())


def _log_softmax(logits: Scores) -> NDArray[np.float64]:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    normalised: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalised


def confusion_matrix(labels: Labels, predicted: Labels, num_classes: int) -> Confusion:
    """Count pictures by true class (rows) and predicted class (columns).

    The same as scikit-learn's, without the two seconds that its import takes. Every class has its
    row and column, whether it occurs or not.

    Parameters
    ----------
    labels, predicted
        int64, shape (N,), values 0 to num_classes-1.

    Returns
    -------
    int64, shape (num_classes, num_classes).
    """
    pairs = labels * num_classes + predicted
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def per_class_scores(confusion: Confusion, classes: Sequence[str]) -> tuple[ClassScore, ...]:
    """Precision, recall and F1 of each class, from a confusion matrix (rows true), in its order."""
    correct = confusion.diagonal()
    predicted, support = confusion.sum(axis=0), confusion.sum(axis=1)
    precision = correct / np.maximum(predicted, 1)
    recall = correct / np.maximum(support, 1)
    f1 = 2 * correct / np.maximum(predicted + support, 1)
    return tuple(
        ClassScore(
            name,
            float(precision[k]),
            float(recall[k]),
            float(f1[k]),
            int(support[k]),
            int(predicted[k]),
        )
        for k, name in enumerate(classes)
    )


def most_confused_pairs(
    confusion: Confusion, classes: Sequence[str], limit: int = 10
) -> tuple[ConfusedPair, ...]:
    """Return the off-diagonal cells of a confusion matrix (rows true) with the highest counts.

    Highest first; equal counts in the order of the matrix; pairs that never occur left out.
    """
    mistakes = confusion.copy()
    np.fill_diagonal(mistakes, 0)
    support = confusion.sum(axis=1)
    order = np.argsort(-mistakes, axis=None, kind="stable")[:limit]
    cells = [divmod(int(cell), len(classes)) for cell in order]
    return tuple(
        ConfusedPair(
            classes[true],
            classes[predicted],
            int(mistakes[true, predicted]),
            float(mistakes[true, predicted] / support[true]),
        )
        for true, predicted in cells
        if mistakes[true, predicted] > 0
    )


def calibration(
    confidence: Scores, correct: NDArray[np.bool_], bins: int = CALIBRATION_BINS
) -> Calibration:
    """Group predictions by confidence into `bins` bins of equal width, open at the left end.

    Follows Guo et al. 2017 (arXiv 1706.04599, equations 2 to 5), 15 bins as in their tables.

    Parameters
    ----------
    confidence
        float32, shape (N,): probability of the predicted class, 0 to 1.
    correct
        bool, shape (N,): is the prediction right.
    """
    values = confidence.astype(np.float64)
    inner_edges = np.arange(1, bins) / bins
    places = np.searchsorted(inner_edges, values, side="left")
    count = np.bincount(places, minlength=bins).astype(np.int64)
    filled = np.maximum(count, 1)
    return Calibration(
        confidence=np.bincount(places, weights=values, minlength=bins) / filled,
        accuracy=np.bincount(places, weights=correct, minlength=bins) / filled,
        count=count,
    )


def expected_calibration_error(
    confidence: Scores, correct: NDArray[np.bool_], bins: int = CALIBRATION_BINS
) -> float:
    """Return the expected calibration error, a fraction 0 to 1; see `calibration`."""
    return calibration(confidence, correct, bins).error
