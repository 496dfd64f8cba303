"""Keras's basic-classification tutorial on Fashion-MNIST, as it stands there.

Flatten, Dense 128 with ReLU, Dense 10; Adam, 10 epochs, batches of 32
(https://www.tensorflow.org/tutorials/keras/classification). It runs in an environment of its own
and imports nothing of this project; pictures come from the same four files.

    PYTHON keras_basic.py FOLDER SEED EPOCHS
"""

from __future__ import annotations

import gzip
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def load(folder: Path, part: str) -> tuple[Any, Any]:
    """Return the pictures of "train" or "t10k", 0 to 1, and their labels."""
    import numpy as np

    with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return images / 255.0, labels


def main(folder: Path, seed: int, epochs: int) -> None:
    """Train, evaluate, and print what was found."""
    keras, tf = (importlib.import_module(name) for name in ("keras", "tensorflow"))

    keras.utils.set_random_seed(seed)
    train, test = load(folder, "train"), load(folder, "t10k")
    started = time.perf_counter()
    model = keras.Sequential(
        [
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10),
        ]
    )
    model.compile(
        optimizer="adam",
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(*train, epochs=epochs, verbose=0)
    seconds = time.perf_counter() - started
    _, accuracy = model.evaluate(*test, verbose=0)
    found = {
        "seconds": seconds,
        "accuracy": float(accuracy),
        "epochs": epochs,
        "peak_MB": peak_memory(),
        "version": f"keras {keras.__version__}, tensorflow {tf.__version__}",
    }
    print("\n" + json.dumps(found))


def peak_memory() -> float:
    """Return this process's peak resident memory in MB, as Linux knows it."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
