"""Stage 2 of the notebook: networks, and the classifier that carries one.

The map of the room::

    classifier.py   Classifier: preprocessing + network + class names; saved and loaded
    inference.py    scores of pictures, batch by batch
    build.py        MODELS, and networks by name
    mlp.py          the notebook's two networks
    convnet.py      a small convolutional network
"""

from fittingroom.models.build import MODELS, build_network, import_network
from fittingroom.models.classifier import Classifier, Preprocessing
from fittingroom.models.convnet import ConvNet
from fittingroom.models.mlp import ThreeLayer, TwoLayer

__all__ = [
    "MODELS",
    "Classifier",
    "ConvNet",
    "Preprocessing",
    "ThreeLayer",
    "TwoLayer",
    "build_network",
    "import_network",
]
