"""K fully connected networks as one module, so that many runs are trained at once.

A batched multiplication does for K small matrices what K single ones do, but has the costs of a
call once, and so has a fused optimizer's step. On one core of a Xeon, three-layer and batches of
64, a step took 0.81 ms a run in a stack of 5, 0.98 in one of 2 and 1.25 with nn.Linear. A stack
of one took 1.18: weights that lie in memory as (in, out) are multiplied faster than nn.Linear's
(out, in). Storing nn.Linear's own that way loses more than it gains, for torch's fused Adam then
copies them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fittingroom.errors import ModelError
from fittingroom.models.build import MODELS
from fittingroom.models.classifier import Classifier
from fittingroom.models.mlp import FullyConnected

# Floats in the widest vector register. A fused optimizer rounds otherwise in the numbers that are
# left over after the last whole vector: so each run's biases fill whole ones.
LANES = 16


class Stacked(nn.Module):
    """K classifiers side by side: the scores of each, and the gradients, are its own alone.

    Trained on one thread of a Xeon, a run's weights came out the same, bit for bit, whatever K
    was and wherever in the stack it stood, as long as the number of weights of each layer was a
    multiple of 16. Elsewhere they do within rounding.

    Parameters
    ----------
    classifiers
        One or more, all of the same architecture, sizes and preprocessing. Their weights are
        copied.

    Raises
    ------
    ModelError
        If they are of different kinds, or of one that cannot be stacked.
    """

    def __init__(self, classifiers: Sequence[Classifier]) -> None:
        super().__init__()
        first, *others = classifiers
        check_alike(first, others)
        self.classifiers = tuple(classifiers)
        self.preprocessing = copy.deepcopy(first.preprocessing)
        self.features = copy.deepcopy(network_of(first).features)
        layers = list(zip(*(network_of(each).layers for each in classifiers), strict=True))
        self.weights = nn.ParameterList(
            stack(layer.weight.t() for layer in same) for same in layers
        )
        self.biases = nn.ParameterList(
            stack(F.pad(layer.bias, (0, -len(layer.bias) % LANES))[None] for layer in same)
            for same in layers
        )

    @property
    def runs(self) -> int:
        """How many there are, K."""
        return len(self.classifiers)

    @property
    def architecture(self) -> str:
        """The name of the network."""
        return self.classifiers[0].architecture

    @property
    def num_parameters(self) -> int:
        """How many numbers training adjusts, in all K together."""
        return sum(classifier.num_parameters for classifier in self.classifiers)

    def forward(self, images: Tensor) -> Tensor:
        """Return the scores, float (K*B, classes), of images, uint8 (K*B, C, H, W).

        The first B pictures are those of the first classifier, and so on.
        """
        x = self.features(self.preprocessing(images)).unflatten(0, (self.runs, -1))
        *hidden, last = zip(self.biases, self.weights, strict=True)
        for bias, weight in hidden:
            x = F.relu(linear(x, weight, bias))
        bias, weight = last
        return linear(x, weight, bias).flatten(0, 1)

    @torch.no_grad()
    def unstack(self) -> tuple[Classifier, ...]:
        """Return the classifiers that it was made of, with the weights that they have now."""
        for run, classifier in enumerate(self.classifiers):
            layers = network_of(classifier).layers
            for layer, weight, bias in zip(layers, self.weights, self.biases, strict=True):
                layer.weight.copy_(weight[run].t())
                layer.bias.copy_(bias[run, 0, : len(layer.bias)])
        return self.classifiers


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return x (K, B, in) times weight (K, in, out) plus the first `out` of bias (K, 1, ...)."""
    out = weight.shape[-1]
    return torch.baddbmm(bias if bias.shape[-1] == out else bias[..., :out], x, weight)


def can_stack(classifier: Classifier) -> bool:
    """Tell whether a classifier's network is one of ours that `Stacked` knows how to repeat."""
    network = classifier.network
    ours = isinstance(network, FullyConnected) and type(network) in MODELS.values()
    return ours and classifier.views == "one"


def network_of(classifier: Classifier) -> FullyConnected:
    """Return a classifier's network.

    Raises
    ------
    ModelError
        If it cannot be stacked.
    """
    if can_stack(classifier) and isinstance(classifier.network, FullyConnected):
        return classifier.network
    raise ModelError(
        f"{classifier.architecture}: only fully connected networks of ours can be trained "
        "many at once"
    )


def check_alike(first: Classifier, others: Iterable[Classifier]) -> None:
    """See that classifiers differ in nothing but their weights.

    Raises
    ------
    ModelError
        If they do not.
    """
    for other in others:
        if not (same_sizes(first, other) and same_constants(first, other)):
            raise ModelError(
                f"{other.architecture}: networks that are trained at once must be of the same "
                f"sizes and preprocessing; this one differs from the first, {first.architecture}"
            )


def same_sizes(one: Classifier, other: Classifier) -> bool:
    """Tell whether two classifiers have tensors of the same names and shapes."""
    shapes = [{k: t.shape for k, t in each.state_dict().items()} for each in (one, other)]
    return shapes[0] == shapes[1] and one.classes == other.classes


def same_constants(one: Classifier, other: Classifier) -> bool:
    """Tell whether what is not trained, preprocessing above all, is the same in both."""
    pairs = zip(one.buffers(), other.buffers(), strict=True)
    return all(torch.equal(ours, theirs) for ours, theirs in pairs)


def stack(tensors: Iterable[Tensor]) -> nn.Parameter:
    """Return K tensors as one parameter, (K, ...), contiguous in memory."""
    return nn.Parameter(torch.stack([tensor.detach() for tensor in tensors]))
