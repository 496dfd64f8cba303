"""Our side of the rows: a recipe followed by the library, timed from process-ready to weights.

Ready means: libraries imported, pictures read, and on a GPU its driver started. What comes after
is counted: choosing the precision, building, whitening, compiling, moving the pictures to the
device, training.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from measuring import data_folder, get_ready
from row import Found, Turn, Unfinished

if TYPE_CHECKING:
    from fittingroom.data.dataset import DataSplits
    from fittingroom.training.recipe import Recipe


def train(turn: Turn, name: str) -> Found:
    """Follow a shipped recipe once, on all training pictures; judge it on the test pictures."""
    from fittingroom.data.sources import load

    return train_recipe(settle(turn, name), load(data_folder()))


def settle(turn: Turn, name: str) -> Recipe:
    """Return the shipped recipe with the turn's seed and the notebook's protocol.

    Options: `epochs`, and numbers that the network's own options have, e.g. `width`, where other
    ones are wanted.
    """
    from fittingroom.training.recipe import recipe

    epochs = {"epochs": turn.options["epochs"]} if "epochs" in turn.options else {}
    followed = recipe(name, protocol="notebook", seed=turn.seed, **epochs)
    network = {key: turn.options.get(key, old) for key, old in followed.model_options.items()}
    return followed.but(model_options=network)


def train_recipe(
    followed: Recipe, data: DataSplits, watch: AbstractContextManager[Any] | None = None
) -> Found:
    """Follow a recipe once; return seconds, test accuracy and the work that it was.

    `watch` is entered around the loop.
    """
    import torch

    from fittingroom.models.stacked import Stacked
    from fittingroom.runs.prepare import build_classifier
    from fittingroom.runs.run import divide, judge
    from fittingroom.training.compatibility import together
    from fittingroom.training.device import flushed_denormals, select_device
    from fittingroom.training.loop import fit
    from limits import work_of

    get_ready()
    started = time.perf_counter()
    with flushed_denormals():
        device = select_device("auto", followed.precision)
        splits = divide(data, followed)
        classifier = build_classifier(followed, splits)
        trained = together(followed, [classifier])
        with watch or nullcontext():
            loop_started = time.perf_counter()
            result = fit(trained, splits, followed, device)
            if isinstance(trained, Stacked):
                trained.unstack()
            device.synchronize()
            loop_seconds = time.perf_counter() - loop_started
    seconds = time.perf_counter() - started
    evaluation = judge(classifier, splits, followed, device.autocast_dtype)
    return {
        "seconds": seconds,
        "loop_seconds": loop_seconds,
        "seconds_per_epoch": seconds / len(result.history),
        "accuracy": evaluation.accuracy,
        "epochs": len(result.history),
        "threads": torch.get_num_threads(),
        "precision": device.precision,
        "gpu_MB": torch.cuda.max_memory_allocated() / 1e6 if torch.cuda.is_available() else None,
        "work": work_of(classifier, followed, len(splits.train)),
    }


def train_in_pieces(turn: Turn, name: str) -> Found:
    """Follow a shipped recipe through `fittingroom.train`, which stops in time and goes on later.

    The seconds are those of training that the run's record says: checkpoints are written outside
    of them.

    Raises
    ------
    Unfinished
        If the time was too short.
    """
    import fittingroom as fr
    from fittingroom.data.sources import load

    get_ready()
    begun = turn.folder / "run" / "run.json"
    with interrupted_after(turn.seconds_left):
        try:
            if begun.is_file():
                run = fr.resume(begun.parent, load(data_folder()), figures=False)
            else:
                followed = settle(turn, name)
                run = fr.train(
                    followed, load(data_folder()), out=turn.folder, name="run", figures=False
                )
        except KeyboardInterrupt:
            raise Unfinished from None
    found = run.record["results"]
    return {
        "seconds": found["training_seconds"],
        "accuracy": run.evaluation.accuracy,
        "epochs": found["epochs"],
        "precision": run.record["environment"]["precision"],
    }


# What a run needs at its end to write itself down, in seconds.
SAVING_SECONDS = 20.0


@contextmanager
def interrupted_after(seconds: float | None) -> Iterator[None]:
    """Press Ctrl-C, as it were, after so many seconds; None for never."""

    def press(number: int, frame: object) -> None:
        del number, frame
        signal.raise_signal(signal.SIGINT)

    if seconds is None:
        yield
        return
    before = signal.signal(signal.SIGALRM, press)
    signal.setitimer(signal.ITIMER_REAL, max(seconds - SAVING_SECONDS, 1.0))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
