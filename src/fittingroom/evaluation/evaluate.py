"""A model and labelled pictures -> `Evaluation`: what it gets right, wrong, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fittingroom.data.dataset import ImageDataset, Images, Labels, number_names
from fittingroom.errors import DataError, DivergenceError, ModelError
from fittingroom.evaluation import metrics
from fittingroom.evaluation.confusion import ConfusionMatrix
from fittingroom.evaluation.significance import CONFIDENCE_LEVEL, wilson_interval

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure
    from torch import nn

SKETCHES_NOTE = "Built-in sketches, not Fashion-MNIST (for the real pictures: --data fashion-mnist)"


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """What a model predicts for labelled pictures, and every score that follows from it.

    The fields are the predictions and where they come from; everything else is computed from
    them when it is first asked for. Printed, it is a report in plain text; in Jupyter it shows
    itself as tables.

    Parameters
    ----------
    labels
        int64, shape (N,): the true classes, indices into `classes`.
    logits
        float32, shape (N, K): the model's scores before softmax, all finite.
    classes
        The K class names, in label order.
    data_name, fingerprint
        The data set, and the SHA-256 of its content (`DataSplits.fingerprint`).
    split
        Which part of it: "validation" or "test".
    sketches
        True if the pictures are the program's own drawings.
    protocol
        How training and choices were made, where that needs to be said beside the score.

    Raises
    ------
    DataError
        If there are no pictures, or labels that are not classes.
    ModelError
        If the shape of the logits does not fit the labels and classes.
    DivergenceError
        If a logit is NaN or infinite.
    """

    labels: Labels
    logits: metrics.Scores
    classes: tuple[str, ...]
    data_name: str
    fingerprint: str
    split: str
    sketches: bool
    protocol: str | None = None

    def __post_init__(self) -> None:
        labels, logits = self.labels, self.logits
        if len(labels) == 0:
            raise DataError(f"{self.data_name}: no pictures to evaluate on in the {self.split} set")
        if not 0 <= labels.min() <= labels.max() < len(self.classes):
            raise DataError(
                f"{self.data_name}: labels must lie in 0..{len(self.classes) - 1} for "
                f"{len(self.classes)} classes, found {labels.min()}..{labels.max()}"
            )
        if logits.shape != (len(labels), len(self.classes)):
            raise ModelError(
                f"expected logits of shape ({len(labels)}, {len(self.classes)}) for "
                f"{len(labels):,} pictures and {len(self.classes)} classes, found {logits.shape}"
            )
        broken = int((~np.isfinite(logits)).any(axis=1).sum())
        if broken:
            raise DivergenceError(
                f"the model gives NaN or infinite scores for {broken:,} of {len(labels):,} "
                "pictures: its training diverged; train again with a lower learning rate"
            )

    @classmethod
    def from_predictions(
        cls,
        labels: ArrayLike,
        logits: ArrayLike,
        classes: Sequence[str],
        *,
        data_name: str,
        fingerprint: str,
        split: str,
        sketches: bool,
        protocol: str | None = None,
    ) -> Evaluation:
        """Build an evaluation from anything that NumPy makes labels and logits of."""
        return cls(
            labels=np.asarray(labels, np.int64),
            logits=np.asarray(logits, np.float32),
            classes=tuple(classes),
            data_name=data_name,
            fingerprint=fingerprint,
            split=split,
            sketches=sketches,
            protocol=protocol,
        )

    @cached_property
    def probabilities(self) -> metrics.Scores:
        """Softmax of the logits, float32, shape (N, K)."""
        return metrics.softmax(self.logits)

    @cached_property
    def predicted(self) -> Labels:
        """The class with the highest score, int64, shape (N,); of equal ones the first."""
        highest: Labels = self.logits.argmax(axis=1).astype(np.int64)
        return highest

    @cached_property
    def confidence(self) -> metrics.Scores:
        """Probability of the predicted class, float32, shape (N,)."""
        highest: metrics.Scores = self.probabilities.max(axis=1)
        return highest

    @property
    def count(self) -> int:
        """Number of pictures, N."""
        return len(self.labels)

    @cached_property
    def correct(self) -> int:
        """Number of pictures whose class is predicted correctly."""
        return int((self.predicted == self.labels).sum())

    @property
    def accuracy(self) -> float:
        """`correct` / `count`, a fraction 0 to 1."""
        return self.correct / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval of the accuracy: (low, high), fractions."""
        return wilson_interval(self.correct, self.count)

    @cached_property
    def loss(self) -> float:
        """Mean cross-entropy, in nats."""
        return metrics.cross_entropy(self.logits, self.labels)

    @cached_property
    def confusion(self) -> ConfusionMatrix:
        """Pictures by true class (rows) and predicted class (columns), int64, shape (K, K)."""
        counts = metrics.confusion_matrix(self.labels, self.predicted, len(self.classes))
        return ConfusionMatrix(counts, self.classes, self.caption, sketches=self.sketches)

    @cached_property
    def per_class(self) -> tuple[metrics.ClassScore, ...]:
        """Precision, recall, F1 and support of each class, in label order."""
        return metrics.per_class_scores(self.confusion, self.classes)

    @cached_property
    def most_confused(self) -> tuple[metrics.ConfusedPair, ...]:
        """Up to ten pairs of classes, the most frequent mistake first."""
        return metrics.most_confused_pairs(self.confusion, self.classes)

    @cached_property
    def calibration(self) -> metrics.Calibration:
        """Mean confidence and accuracy in 15 bins of confidence, for a reliability diagram."""
        return metrics.calibration(self.confidence, self.predicted == self.labels)

    @property
    def calibration_error(self) -> float:
        """Expected calibration error, a fraction 0 to 1."""
        return self.calibration.error

    def mistakes(self) -> Labels:
        """Return the indices of the wrongly predicted pictures, int64, the surest first."""
        wrong = np.flatnonzero(self.predicted != self.labels)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")].astype(np.int64)

    @property
    def caption(self) -> str:
        """What the numbers were measured on: data, part, number of pictures, protocol."""
        parts = [self.data_name, f"{self.split} set", f"{self.count:,} pictures"]
        if self.protocol:
            parts.append(f"protocol {self.protocol}")
        return ", ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the arrays of single pictures, ready for JSON."""
        return {
            "data_name": self.data_name,
            "fingerprint": self.fingerprint,
            "split": self.split,
            "sketches": self.sketches,
            "protocol": self.protocol,
            "count": self.count,
            "correct": self.correct,
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "interval_confidence": CONFIDENCE_LEVEL,
            "loss": self.loss,
            "calibration_error": self.calibration_error,
            "classes": list(self.classes),
            "confusion": self.confusion.tolist(),
            "per_class": [asdict(score) for score in self.per_class],
            "most_confused": [asdict(pair) for pair in self.most_confused],
        }

    def plot(self) -> Figure:
        """Draw the confusion matrix; in Jupyter the figure shows itself."""
        return self.confusion.plot()

    def __str__(self) -> str:
        from fittingroom.evaluation.summary import summary

        return summary(self)

    def __repr__(self) -> str:
        return f"<Evaluation: accuracy {self.accuracy:.4f} on {self.caption}>"

    def _repr_html_(self) -> str:
        from fittingroom.evaluation.display import show_evaluation

        return show_evaluation(self)


def evaluate(
    classifier: nn.Module,
    dataset: ImageDataset,
    *,
    data_name: str,
    fingerprint: str,
    split: str,
    sketches: bool,
    protocol: str | None = None,
    batch_size: int | None = None,
    device: torch.device | str | None = None,
    autocast_dtype: torch.dtype | None = None,
) -> Evaluation:
    """Let `classifier` predict every picture of `dataset`, and judge the predictions.

    Parameters
    ----------
    classifier
        Takes images uint8 (B, C, H, W) and returns logits (B, K); `classifier.classes` names
        the K classes. Classes are matched by name, whatever their order in `dataset`; a data
        set or classifier whose classes are mere numbers is matched by position.
    data_name, fingerprint, split, sketches, protocol
        Said beside every score; see `Evaluation`.
    batch_size, device, autocast_dtype
        See `predict_logits`.

    Raises
    ------
    DataError
        If `dataset` is empty, or has classes that the classifier does not know.
    ModelError
        If the logits do not have one column for each class.
    DivergenceError
        If a logit is NaN or infinite.
    """
    from fittingroom.models.defaults import defaults  # with it comes torch

    if len(dataset) == 0:
        raise DataError(f"{data_name}: no pictures to evaluate on in the {split} set")
    known = tuple(str(name) for name in getattr(classifier, "classes", dataset.classes))
    labels, classes = match_classes(dataset, known)
    with defaults():
        logits = predict_logits(
            classifier,
            dataset.images,
            batch_size=batch_size,
            device=device,
            autocast_dtype=autocast_dtype,
        )
        return Evaluation.from_predictions(
            labels,
            logits,
            classes,
            data_name=data_name,
            fingerprint=fingerprint,
            split=split,
            sketches=sketches,
            protocol=protocol,
        )


def match_classes(dataset: ImageDataset, known: tuple[str, ...]) -> tuple[Labels, tuple[str, ...]]:
    """Express the labels of `dataset` in the order of the classes that a model knows.

    Returns
    -------
    Labels int64 (N,), and the class names that they index.

    Raises
    ------
    DataError
        If the data set has a class that the model does not know.
    """
    numbers = number_names(len(known))
    if dataset.classes == known or dataset.classes == numbers:
        return dataset.labels, known
    if known == number_names(len(dataset.classes)):
        return dataset.labels, dataset.classes
    unknown = [name for name in dataset.classes if name not in known]
    if unknown:
        raise DataError(
            f"the model does not know the classes {unknown} of the data; it knows {list(known)}"
        )
    positions = np.array([known.index(name) for name in dataset.classes], np.int64)
    return positions[dataset.labels], known


def check_same_pictures(evaluation: Evaluation, dataset: ImageDataset) -> None:
    """See that an evaluation is of these pictures.

    Raises
    ------
    DataError
        If their number or labels differ.
    """
    labels, _ = match_classes(dataset, evaluation.classes)
    if not np.array_equal(labels, evaluation.labels):
        raise DataError(
            f"the pictures are not those that were evaluated ({evaluation.caption}): "
            "their number or labels differ"
        )


def predict_logits(
    classifier: nn.Module,
    images: Images,
    *,
    batch_size: int | None = None,
    device: torch.device | str | None = None,
    autocast_dtype: torch.dtype | None = None,
) -> metrics.Scores:
    """Run `classifier` over `images` in evaluation mode, without gradients.

    Parameters
    ----------
    images
        uint8, shape (N, C, H, W), N at least 1.
    batch_size
        Pictures at a time, None for what is fastest; it changes the time taken, not the result.
    device
        Where the pictures are sent; None for where the classifier's parameters are.
    autocast_dtype
        Reduced precision of the computation, e.g. torch.bfloat16; None for full.

    Returns
    -------
    Logits, float32, shape (N, K).

    Raises
    ------
    ModelError
        If the classifier does not return one row of logits for each picture.
    """
    import torch

    from fittingroom.models.inference import compute_scores, pictures_at_once

    place = torch.device(device) if device is not None else _device_of(classifier)
    precision: AbstractContextManager[Any] = nullcontext()
    if autocast_dtype is not None:
        precision = torch.autocast(place.type, dtype=autocast_dtype)
    size = pictures_at_once(classifier, place) if batch_size is None else batch_size
    starts = range(0, len(images), size)
    # Copies, for torch warns of read-only arrays.
    batches = (torch.tensor(images[start : start + size], device=place) for start in starts)
    with precision:
        return compute_scores(classifier, batches).cpu().numpy()


def _device_of(module: nn.Module) -> torch.device:
    import torch

    for tensor in chain(module.parameters(), module.buffers()):
        return tensor.device
    return torch.device("cpu")
