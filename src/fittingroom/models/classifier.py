"""A classifier that carries its own preprocessing and class names, saved and loaded as one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.conv import _ConvNd

from fittingroom.errors import ModelError
from fittingroom.models.build import MODELS, allocate, build_unfilled
from fittingroom.models.defaults import defaults
from fittingroom.models.mlp import PrincipalComponents
from fittingroom.models.tensor_file import pack, unpack

# The first one holds the SHA-256 of its content.
FORMATS = ("fittingroom-model/2", "fittingroom-model/1")
FORMAT = FORMATS[0]
# That a convolution makes of a picture, 64 MB: wide-resnet makes 6.4 million numbers of 224x224.
MOST_NUMBERS = 2**24

# What a trained classifier looks at: shares of the picture itself and of the picture moved by
# (down, right) pixels; and whether each is looked at from both sides. As in airbench
# (Jordan 2024, arXiv 2404.00498, section 3.5).
VIEWS: dict[str, tuple[dict[tuple[int, int], float], bool]] = {
    "one": ({(0, 0): 1.0}, False),
    "mirror": ({(0, 0): 1.0}, True),
    "shifts": ({(0, 0): 0.5, (1, 1): 0.25, (-1, -1): 0.25}, True),
}


class Preprocessing(nn.Module):
    """Pixels 0-255 to the floats that the network sees: (pixel / 255 - mean) / std.

    Parameters
    ----------
    mean, std
        One value a channel, on the 0-1 scale. The default, 0 and 1, is the notebook's
        normalisation: pixel / 255 and nothing else.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float] = (0.0,), std: Sequence[float] = (1.0,)) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(1, -1, 1, 1))
        self.only_scales = all(m == 0 for m in mean) and all(s == 1 for s in std)

    def forward(self, images: Tensor) -> Tensor:
        """Map images, uint8 (B, C, H, W), to float32 of the same shape."""
        x = images / 255
        return x if self.only_scales else (x - self.mean) / self.std


class Classifier(nn.Module):
    """Preprocessing, network and class names as one module: pictures in, scores out.

    Parameters
    ----------
    network
        Maps floats (B, C, H, W) to scores (B, K).
    classes
        The K class names, in label order.
    preprocessing
        What is done to the pixels first.
    architecture
        The name the network can be built again by: a key of MODELS, or "module:Class".
    options
        The arguments it was built with, JSON values.
    input_shape
        (C, H, W) of the pictures.
    views
        A key of VIEWS: what it looks at in evaluation mode. Its scores are the mean over the views.
    """

    def __init__(
        self,
        network: nn.Module,
        classes: Sequence[str],
        input_shape: tuple[int, int, int],
        *,
        preprocessing: Preprocessing | None = None,
        architecture: str = "",
        options: dict[str, Any] | None = None,
        views: str = "one",
    ) -> None:
        super().__init__()
        self.preprocessing = preprocessing or Preprocessing()
        self.network = network
        self.classes = tuple(classes)
        self.input_shape = input_shape
        self.architecture = architecture
        self.options = dict(options or {})
        self.views = views

    def forward(self, images: Tensor) -> Tensor:
        """Return the scores, float (B, K), of images, uint8 (B, C, H, W).

        In training mode they are those of the pictures as they are, whatever the views.
        """
        if self.training or self.views == "one":
            return self.score(images)
        shares, both_sides = VIEWS[self.views]
        scores = [share * self.score(moved(images, *by)) for by, share in shares.items()]
        if both_sides:
            images = images.flip(-1)
            scores += [share * self.score(moved(images, *by)) for by, share in shares.items()]
        return torch.stack(scores).sum(dim=0) / (1 + both_sides)

    def score(self, images: Tensor) -> Tensor:
        """Return the network's scores, float (B, K), of images, uint8 (B, C, H, W)."""
        return self.network(self.preprocessing(images))  # type: ignore[no-any-return]

    @property
    def num_parameters(self) -> int:
        """How many numbers training adjusts."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    def count_multiply_adds(self) -> int:
        """Count the multiplications and additions of a forward pass, pairs of them, per picture.

        Those of linear layers, convolutions and principal components, which are nearly all; a
        network of your own
        that multiplies matrices by itself is counted too low.
        """
        counts: list[int] = []

        def count(
            layer: nn.Linear | _ConvNd | PrincipalComponents, _inputs: object, output: Tensor
        ) -> None:
            weight = layer.directions if isinstance(layer, PrincipalComponents) else layer.weight
            counts.append(output[0].numel() * weight[0].numel())

        kinds = nn.Linear | _ConvNd | PrincipalComponents
        layers = (m for m in self.modules() if isinstance(m, kinds))
        hooks = [layer.register_forward_hook(count) for layer in layers]
        try:
            self.check_scores()
        finally:
            for hook in hooks:
                hook.remove()
        return sum(counts)

    def check_scores(self) -> None:
        """Run two blank pictures through the network and see that scores (2, K) come out.

        Raises
        ------
        ModelError
            If the network does not take these pictures or returns another shape.
        """
        device = next((p.device for p in self.parameters()), torch.device("cpu"))
        images = torch.zeros((2, *self.input_shape), dtype=torch.uint8, device=device)
        was_training = self.training
        self.eval()
        try:
            with torch.no_grad():
                scores = self(images)
        except (RuntimeError, TypeError, ValueError) as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise ModelError(
                f"{self.architecture}: does not take pictures of {self.input_shape} (C, H, W): "
                f"{reason}"
            ) from error
        finally:
            self.train(was_training)
        expected = (2, len(self.classes))
        if not isinstance(scores, Tensor) or tuple(scores.shape) != expected:
            found = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
            raise ModelError(
                f"{self.architecture}: for 2 pictures and {len(self.classes)} classes expected "
                f"scores of shape {expected}, found {found}"
            )

    def to_bytes(self) -> bytes:
        """Return weights, preprocessing and class names as the content of a safetensors file.

        Nothing is pickled, so reading such a file runs no code.
        """
        description = {
            "format": FORMAT,
            "architecture": self.architecture,
            "options": json.dumps(self.options),
            "input_shape": json.dumps(self.input_shape),
            "classes": json.dumps(self.classes, ensure_ascii=False),
        }
        if self.views != "one":
            description["views"] = self.views
        return pack(self.state_dict(), description)

    def save(self, path: str | Path) -> None:
        """Write `to_bytes` to a file, which `Classifier.load` reads."""
        Path(path).write_bytes(self.to_bytes())

    @classmethod
    @defaults()
    def load(cls, path: str | Path, network: nn.Module | None = None) -> Classifier:
        """Read a file that `save` wrote.

        Parameters
        ----------
        path
            The safetensors file.
        network
            Needed only if the file was written from a network of your own: an instance of it.
            A file never makes fittingroom import code.

        Raises
        ------
        ModelError
            If the file is missing, damaged, of another kind, or does not fit the network.
        """
        description, tensors = unpack(Path(path), "model", FORMATS)
        try:
            architecture = description["architecture"]
            options = dict(json.loads(description["options"]))
            channels, height, width = (int(n) for n in json.loads(description["input_shape"]))
            classes = [str(name) for name in json.loads(description["classes"])]
            views = description.get("views", "one")
            mean, std = tensors["preprocessing.mean"], tensors["preprocessing.std"]
            preprocessing = Preprocessing(mean.flatten().tolist(), std.flatten().tolist())
            constants_fit = {mean.numel(), std.numel()} <= {1, channels}
            known = views in VIEWS
            if min(channels, height, width) < 1 or not (classes and constants_fit and known):
                raise ValueError  # noqa: TRY301 - as damaged as what int() refuses
        except (KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
            raise ModelError(f"{path}: the description of the model is damaged") from error
        shape = (channels, height, width)
        ours = network is None
        if network is None:
            if architecture not in MODELS:
                raise ModelError(
                    f"{path}: holds the weights of {architecture!r}, which is none of "
                    f"{', '.join(MODELS)}; give an instance of that class as `network`"
                )
            network = build_unfilled(architecture, shape, len(classes), options)
        classifier = cls(
            network,
            classes,
            shape,
            preprocessing=preprocessing,
            architecture=architecture,
            options=options,
            views=views,
        )
        check_weights(path, classifier, tensors)
        if ours:
            check_maps(path, shape, tensors)
            allocate(network)
        classifier.load_state_dict(tensors)
        return classifier.eval()


def moved(images: Tensor, down: int, right: int) -> Tensor:
    """Move images, uint8 (B, C, H, W), by so many pixels; black comes in from outside."""
    if down == right == 0:
        return images
    height, width = images.shape[-2:]
    most = max(abs(down), abs(right))
    padded = F.pad(images, (most, most, most, most))
    return padded[..., most - down : most - down + height, most - right : most - right + width]


def check_weights(path: str | Path, classifier: Classifier, tensors: Mapping[str, Tensor]) -> None:
    """See that a model file's tensors are those of the classifier, by name, type and shape.

    Raises
    ------
    ModelError
        If they are not.
    """
    expected, found = (
        {name: f"{tensor.dtype} {tuple(tensor.shape)}" for name, tensor in named.items()}
        for named in (classifier.state_dict(), tensors)
    )
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise ModelError(
                f"{path}: the weights do not fit {type(classifier.network).__name__}: {name} "
                f"should be {expected.get(name, 'absent')}, found {found.get(name, 'nothing')}"
            )


def check_maps(
    path: str | Path, input_shape: tuple[int, int, int], tensors: Mapping[str, Tensor]
) -> None:
    """See that no convolution makes more of a picture (C, H, W) than memory can take.

    A few weights suffice for that, of a picture large enough; nothing that our networks make of a
    picture is wider or higher than it.

    Raises
    ------
    ModelError
        If one does.
    """
    channels, height, width = input_shape
    most = max([channels, *(len(t) for t in tensors.values() if t.ndim == 4)])
    if most * height * width > MOST_NUMBERS:
        raise ModelError(
            f"{path}: refused: the model makes {most * height * width:,} numbers of a picture of "
            f"{height}x{width}, at most {MOST_NUMBERS:,} are computed"
        )
