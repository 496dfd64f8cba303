"""Test accuracy over seeds: train the recipes of the README's table, then mean and 95% interval.

``FITTINGROOM_DATA=... python benchmarks/accuracy.py [FOLDER]`` writes the runs to FOLDER (else
``runs/accuracy``); a run that is there already is not repeated.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import fittingroom as fr
from fittingroom.runs.folder import FINISHED
from measuring import data_folder, machine

# Flags of `fittingroom train`, and how many seeds, counted from 0.
ROWS = {
    "three-layer, protocol notebook": (fr.recipe(protocol="notebook"), 5),
    "three-layer": (fr.recipe(), 5),
    "two-layer, protocol notebook": (fr.recipe("notebook-two-layer", protocol="notebook"), 5),
    "convnet": (fr.recipe("convnet"), 3),
}


def main(folder: Path) -> None:
    """Train what is missing and print the table."""
    data = fr.load(data_folder())
    print(f"{data.name}, fingerprint {data.fingerprint[:12]}, test set of {len(data.test):,}")
    print(machine())
    for title, (recipe, seeds) in ROWS.items():
        runs = [finished_run(recipe.but(seed=seed), data, folder / title) for seed in range(seeds)]
        accuracies = [run.evaluation.accuracy for run in runs]
        seconds = [run.record["results"]["training_seconds"] for run in runs]
        print(f"{title}: {summary(accuracies)}, {statistics.median(seconds):.0f} s a run (median)")
        print("    " + ", ".join(f"{accuracy:.2%}" for accuracy in accuracies))


def finished_run(recipe: fr.Recipe, data: fr.DataSplits, folder: Path) -> fr.Run:
    """Return the run of this recipe in the folder, or train it now."""
    name = f"seed{recipe.seed}"
    if (folder / name).is_dir():
        run = fr.open_run(folder / name)
        if (run.status, run.recipe) != (FINISHED, recipe):
            sys.exit(f"{run.folder}: holds another or an unfinished run; remove it")
        return run
    return fr.train(recipe, data, out=folder, name=name, figures=False)


def summary(values: list[float]) -> str:
    """Return mean and 95% interval for the mean, by Student's t over the seeds."""
    from scipy import stats

    mean, error = statistics.mean(values), statistics.stdev(values) / len(values) ** 0.5
    low, high = stats.t.interval(0.95, len(values) - 1, loc=mean, scale=error)
    return f"mean {mean:.2%}, 95% interval {low:.2%} to {high:.2%}, n={len(values)} seeds"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/accuracy"))
