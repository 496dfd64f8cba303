"""What a user would pick instead: Keras's tutorial, scikit-learn's MLPClassifier, a plain CNN."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from measuring import data_folder
from row import ACCURACY, MEMORY, SECONDS, Found, Row, Size, Turn

KERAS, SKLEARN, CNN = "Keras tutorial", "scikit-learn MLPClassifier", "plain PyTorch CNN"
SCRIPT = Path(__file__).parents[1] / "instead" / "keras_basic.py"


def keras(turn: Turn) -> Found:
    """Run Keras's tutorial in its own environment."""
    from instead.environment import keras_python

    arguments = [str(data_folder()), str(turn.seed), str(turn.options.get("epochs", 10))]
    command = [str(keras_python()), str(SCRIPT), *arguments]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr.strip().splitlines()[-1])
    found: Found = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def sklearn(turn: Turn) -> Found:
    """Fit scikit-learn's classifier."""
    from instead import sklearn_mlp

    return sklearn_mlp.run(turn)


def cnn(turn: Turn) -> Found:
    """Train a plain convolutional network."""
    from instead import pytorch_cnn

    return pytorch_cnn.run(turn)


ROW = Row(
    name="instead",
    title="what a user would pick instead: seconds to final weights, and test accuracy",
    ways={KERAS: keras, SKLEARN: sklearn, CNN: cnn},
    full=Size(3),
    quick=None,
    tiny=Size(1, options={"epochs": 1}),
    quantities=(SECONDS, ACCURACY, MEMORY),
)
