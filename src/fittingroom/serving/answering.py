"""A classifier that says how sure it is, and how far it may be believed: one module, one graph.

It is what predicts, and what is exported.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fittingroom.data.dataset import DataSplits
from fittingroom.evaluation.metrics import cross_entropy
from fittingroom.models import Classifier
from fittingroom.models.defaults import defaults
from fittingroom.models.inference import pictures_at_once
from fittingroom.serving.fitted import Fitted
from fittingroom.serving.novelty import BANK, LEARNED_FROM, MOST_NUMBERS, Novelty, choose
from fittingroom.serving.preparation import Preparation

MOST_HELD_BACK = 5000  # pictures that confidence and novelty are fitted on
# Temperatures beyond these are no calibration any more.
TEMPERATURES = (0.05, 20.0)


class Answering(nn.Module):
    """Pictures in, probabilities and novelty out.

    Parameters
    ----------
    classifier
        Trained.
    novelty
        What it knows.
    temperature
        What its scores are divided by.
    """

    def __init__(self, classifier: Classifier, novelty: Novelty, temperature: float) -> None:
        super().__init__()
        self.classifier = classifier
        self.novelty = novelty
        self.temperature = temperature
        self.eval()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities (B, K) and novelty (B,), float32, of images, uint8 (B, C, H, W).

        Not for several threads at once.
        """
        scores, features = with_features(self.classifier, images)
        return (scores.float() / self.temperature).softmax(dim=1), self.novelty(images, features)

    @defaults()
    def answer(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Do the same batch by batch, on the CPU."""
        size = pictures_at_once(self.classifier, torch.device("cpu"))
        with torch.inference_mode():
            parts = [self(batch) for batch in torch.tensor(images).split(size)]
        probabilities, novelty = (torch.cat(part).numpy() for part in zip(*parts, strict=True))
        return probabilities, novelty


def with_features(
    classifier: Classifier, images: Tensor, *, all_views: bool = True
) -> tuple[Tensor, Tensor]:
    """Return the scores of pictures, and what the last linear layer is given, (B, D).

    Of a network without one, the scores themselves. Where the classifier looks at several views,
    the features are those of the picture as it is; without `all_views` so are the scores.
    """
    given: list[Tensor] = []

    def remember(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        given.append(inputs[0])

    layers = [part for part in classifier.network.modules() if isinstance(part, nn.Linear)]
    hook = layers[-1].register_forward_pre_hook(remember) if layers else None
    try:
        scores = (classifier if all_views else classifier.score)(images)
    finally:
        if hook is not None:
            hook.remove()
    # Compared by shape: the exporter would take len() for a number that never changes.
    features = given[0] if given and given[0].shape[0] == images.shape[0] else scores
    return scores, features.flatten(1)


@defaults()
def fit_answering(classifier: Classifier, splits: DataSplits) -> tuple[Answering, Fitted]:
    """Fit on the data that a classifier was trained with all that its answers need.

    Parameters
    ----------
    splits
        Divided as they were for training. Test pictures are not looked at.
    """
    classifier = classifier.cpu().eval()
    known, classes = splits.learning, len(splits.classes)
    size = min(LEARNED_FROM, 2**26 // int(np.prod(splits.image_shape)))
    held_back = splits.validation_indices
    usable = np.setdiff1d(np.arange(len(known)), held_back, assume_unique=True)
    chosen = usable[choose(known.labels[usable], size, classes)]
    fitted_on = "validation"
    if not len(held_back):
        fitted_on, held_back = "training", chosen[: min(MOST_HELD_BACK, len(chosen) // 2)]
        chosen = chosen[len(held_back) :]
    elif len(held_back) > MOST_HELD_BACK:
        held_back = held_back[choose(known.labels[held_back], MOST_HELD_BACK, classes)]
    images, labels = known.images[chosen], known.labels[chosen]
    others = known.images[held_back]
    _, features = scores_and_features(classifier, images[:BANK], all_views=False)
    features = features[: max(1, MOST_NUMBERS // features.shape[1])]
    logits, others_features = scores_and_features(classifier, others)
    temperature = fit_temperature(logits.numpy(), known.labels[held_back])
    novelty, threshold = Novelty.fit(images, labels, classes, features, others, others_features)
    preparation = Preparation.measured(images)
    fitted = Fitted(preparation, temperature, threshold, fitted_on, len(others))
    return Answering(classifier, novelty, temperature), fitted


def scores_and_features(
    classifier: Classifier, images: NDArray[np.uint8], *, all_views: bool = True
) -> tuple[Tensor, Tensor]:
    """Return scores (N, K) and features (N, D) of pictures, as `with_features`, batch by batch."""
    size = pictures_at_once(classifier, torch.device("cpu"))
    with torch.inference_mode():
        batches = torch.tensor(images).split(size)
        parts = [with_features(classifier, batch, all_views=all_views) for batch in batches]
    scores, features = (torch.cat(part).float().clone() for part in zip(*parts, strict=True))
    return scores, features


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the temperature that makes the labels likeliest.

    Parameters
    ----------
    logits, labels
        (V, K) and (V,), of pictures that were not learned from.
    """
    from scipy.optimize import minimize_scalar

    low, high = np.log(TEMPERATURES)
    found = minimize_scalar(
        lambda power: cross_entropy(logits / np.float32(np.exp(power)), labels),
        bounds=(low, high),
        method="bounded",
    )
    return float(np.exp(found.x))
