"""scikit-learn's MLPClassifier with its own settings, but for early stopping.

One hidden layer of 100, Adam at 0.001, batches of 200, at most 200 epochs; early stopping, which
its manual recommends for larger data, holds a tenth of the pictures back and ends training after
10 epochs without progress.
"""

from __future__ import annotations

import time
import warnings

from row import Found, Turn


def run(turn: Turn) -> Found:
    """Train once, at most `epochs` epochs, and look at the accuracy."""
    from sklearn.neural_network import MLPClassifier

    import notebook_loop

    train, test = (
        (images.flatten(1).numpy(), labels.numpy())
        for images, labels in (notebook_loop.load(part).tensors for part in ("train", "t10k"))
    )
    model = MLPClassifier(
        early_stopping=True, max_iter=turn.options.get("epochs", 200), random_state=turn.seed
    )
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says so where the epochs did not suffice
        model.fit(*train)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "accuracy": float(model.score(*test)), "epochs": model.n_iter_}
