"""Stage 2 of the notebook: networks, and the classifier that carries one.

The map of the room::

    classifier.py   Classifier: preprocessing + network + class names; saved and loaded
    inference.py    scores of pictures, batch by batch
    build.py        MODELS, and networks by name
    mlp.py          the notebook's two networks
    stacked.py      many of them as one, to train many seeds at once
    convnet.py      a small convolutional network
    resnet.py       ResNet-18, the field's yardstick
    wide_resnet.py  wide residual networks, the most accurate
    whitened.py     a network made to learn in seconds
"""

from fittingroom.models.build import MODELS, build_network, import_network
from fittingroom.models.classifier import Classifier, Preprocessing
from fittingroom.models.convnet import ConvNet
from fittingroom.models.mlp import ThreeLayer, TwoLayer
from fittingroom.models.resnet import ResNet
from fittingroom.models.whitened import WhitenedNet
from fittingroom.models.wide_resnet import WideResNet

__all__ = [
    "MODELS",
    "Classifier",
    "ConvNet",
    "Preprocessing",
    "ResNet",
    "ThreeLayer",
    "TwoLayer",
    "WhitenedNet",
    "WideResNet",
    "build_network",
    "import_network",
]
