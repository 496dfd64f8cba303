"""A shortened study, the notebook's seven settings with several seeds: its own loop against ours.

The reference makes the same runs the way the notebook does, one after the other: its loop for the
same network, learning rate and epochs, its evaluation, the data read once. Ours is
`fittingroom.study` with one run a core: its worker processes, run folders and statistics are in its
time. Epochs are cut to a few, the same for both, which is to the reference's favour.

    FITTINGROOM_DATA=... python benchmarks/study.py [REPETITIONS] [SEEDS] [EPOCHS]
"""

from __future__ import annotations

import sys
import tempfile
import time

from measuring import data_folder, machine, print_comparison, print_result, run_in_turn

REFERENCE = "notebook's loop"

# The seven recorded settings; of the rates that the notebook states for one, the first.
SEVEN = (
    ("two-layer", 0.001),
    ("three-layer", 0.001),
    ("three-layer", 0.01),
    ("three-layer", 0.0001),
    ("three-layer", 0.008),
    ("three-layer", 0.0008),
    ("three-layer", 0.005),
)


def main(repetitions: int = 3, seeds: int = 2, epochs: int = 3) -> None:
    """Measure and print."""
    data_folder()
    print(f"{len(SEVEN)} settings x {seeds} seeds, {epochs} epochs of 60,000 pictures a run")
    print(f"  {machine()}")
    numbers = [str(seeds), str(epochs)]
    programs = {
        REFERENCE: [__file__, "reference", *numbers],
        "fittingroom": [__file__, "ours", *numbers],
    }
    results = run_in_turn(programs, repetitions)
    print_comparison(results, "seconds", "s", reference=REFERENCE)
    print_comparison(results, "mean_accuracy", "", reference=REFERENCE)


def reference(seeds: int, epochs: int) -> None:
    """Make the runs with the notebook's loop."""
    import torch

    from notebook_loop import evaluate, load, train

    started = time.perf_counter()
    data, test = load("train"), load("t10k")
    accuracies = []
    for seed in range(seeds):
        for network, lr in SEVEN:
            torch.manual_seed(seed)
            model, _ = train(data, epochs, network, lr)
            accuracies.append(evaluate(model, test))
    report(started, accuracies)


def ours(seeds: int, epochs: int) -> None:
    """Make the runs as a study."""
    import fittingroom as fr

    plan = {
        "name": "seven",
        "seeds": seeds,
        "base": {"protocol": "notebook", "epochs": epochs},
        "settings": {f"{model}-{lr}": {"model": model, "lr": lr} for model, lr in SEVEN},
    }
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        study = fr.study(plan, "fashion-mnist", out=folder)
        report(started, [a for s in study.results.settings for a in s.accuracies])


def report(started: float, accuracies: list[float]) -> None:
    """Print what was measured."""
    seconds = time.perf_counter() - started
    print_result(seconds=seconds, mean_accuracy=sum(accuracies) / len(accuracies))


if __name__ == "__main__":
    if sys.argv[1:2] in (["reference"], ["ours"]):
        {"reference": reference, "ours": ours}[sys.argv[1]](*(int(n) for n in sys.argv[2:4]))
    else:
        main(*(int(argument) for argument in sys.argv[1:4]))
