"""What the program aims at, row by row, and whether what was measured reaches it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from measuring import mean_score, spread
from results import Result
from row import OURS, TILES

FEWEST_SEEDS = 5

NOT_MEASURED, REACHED, STRETCH = "not measured", "reached", "stretch reached"


@dataclass(frozen=True)
class Aim:
    """A row of the table.

    Parameters
    ----------
    row
        Whose result it speaks of.
    what, reference
        What is measured and what beside, in words.
    kind
        "ratio": at least so many times as fast as the reference. "seconds": in at most so many.
        "accuracy": at least so high a mean.
    aim, stretch
        In the unit of the kind: times, seconds, a fraction.
    accuracy
        The mean test accuracy, a fraction, that must be there too; None for any.
    seeds
        The fewest for a mean accuracy to count.
    way
        Whose numbers count.
    """

    row: str
    what: str
    reference: str
    kind: str
    aim: float
    stretch: float | None = None
    accuracy: float | None = None
    seeds: int = FEWEST_SEEDS
    way: str = OURS

    def written(self, value: float | None) -> str:
        """Write an aim with its unit."""
        if value is None:
            return "-"
        return {"ratio": f"{value:g}x", "seconds": f"{value:g} s", "accuracy": f"{value:.1%}"}[
            self.kind
        ]

    def measured(self, result: Result | None) -> str:
        """Say what was measured: ratio, seconds and accuracy, with spread, interval and n."""
        if result is None or self.way not in result.ways:
            return NOT_MEASURED
        parts = []
        ratios = result.ratios(self.way)
        if ratios:
            parts.append(f"{'more than ' if result.at_least else ''}{times(ratios)}")
        parts.append(spread(result.values(self.way, "seconds"), ".3g", "s"))
        if self.accuracy is not None or self.kind == "accuracy":
            parts.insert(0, mean_score(result.values(self.way, "accuracy")))
        return "; ".join(parts)

    def verdict(self, result: Result | None) -> str:
        """Say whether the aim is reached."""
        if result is None or self.way not in result.ways:
            return NOT_MEASURED
        missing = self.missing_accuracy(result)
        if missing:
            return missing
        value = self.value(result)
        if self.stretch is not None and self.is_enough(value, self.stretch):
            return STRETCH
        return REACHED if self.is_enough(value, self.aim) else "not reached"

    def missing_accuracy(self, result: Result) -> str:
        """Say what is wrong with the mean accuracy; nothing if it is as it must be."""
        if self.accuracy is None and self.kind != "accuracy":
            return ""
        found = result.values(self.way, "accuracy")
        if len(found) < self.seeds:
            return f"open: n={len(found)} of {self.seeds}"
        if self.accuracy is not None and statistics.mean(found) < self.accuracy:
            return "not reached: accuracy"
        return ""

    def value(self, result: Result) -> float:
        """Return what the aim speaks of: a median ratio, median seconds or a mean accuracy."""
        if self.kind == "accuracy":
            return statistics.mean(result.values(self.way, "accuracy"))
        ratio = self.kind == "ratio"
        found = result.ratios(self.way) if ratio else result.values(self.way, "seconds")
        return statistics.median(found)

    def is_enough(self, value: float, wanted: float) -> bool:
        """Tell whether a value is as good as wanted."""
        return value <= wanted if self.kind == "seconds" else value >= wanted


def times(ratios: Sequence[float]) -> str:
    """Write ratios as "5.2x (4.9x to 5.5x, n=5)"."""
    middle, low, high = statistics.median(ratios), min(ratios), max(ratios)
    if len(ratios) == 1:
        return f"{middle:.3g}x (n=1)"
    return f"{middle:.3g}x ({low:.3g}x to {high:.3g}x, n={len(ratios)})"


PLAIN = "the same network, plain fp32 DataLoader + Adam loop"
RESNET = "a standard ResNet-18 recipe, same GPU"
NOTEBOOK = "the notebook's DataLoader loop"
ON_DISK = "on disk"  # a way of rows/on_disk.py
SHOWN = "the same, in bf16 with the tiles described"

AIMS = (
    Aim(
        "study-of-seeds",
        "the notebook's algorithm, studies of many seeds, seconds a run",
        NOTEBOOK,
        "ratio",
        4,
        6,
    ),
    Aim("one-run", "the same, one run alone", NOTEBOOK, "ratio", 1.6, 2.5),
    Aim(
        "fast-mlp",
        "time to a mean of 88.94% with an MLP",
        f"{NOTEBOOK}, 15 epochs",
        "ratio",
        20,
        40,
        accuracy=0.8894,
    ),
    Aim("convnet-92", "time to a mean of 92%", PLAIN, "ratio", 6, 12, accuracy=0.92),
    Aim("convnet-92", SHOWN, PLAIN, "ratio", 6, 12, accuracy=0.92, way=TILES),
    Aim("convnet-94", "time to a mean of 94%", PLAIN, "seconds", 120, 60, accuracy=0.94),
    Aim("convnet-94", SHOWN, PLAIN, "seconds", 120, 60, accuracy=0.94, way=TILES),
    Aim("gpu-94", "time to a mean of 94%, GPU", RESNET, "seconds", 2, 1, accuracy=0.94),
    Aim("gpu-95", "time to a mean of 95%, GPU", RESNET, "seconds", 8, 4, accuracy=0.95),
    Aim("gpu-96", "time to a mean of 96%, GPU", RESNET, "seconds", 90, 45, accuracy=0.96),
    Aim(
        "gpu-study",
        "7 settings x 100 seeds, GPU, seconds a run",
        "runs one by one, same GPU",
        "ratio",
        30,
        100,
    ),
    Aim(
        "evaluation-three-layer",
        "evaluation of the test pictures, three-layer",
        "DataLoader, batches of 64",
        "ratio",
        5,
    ),
    Aim(
        "evaluation-convnet",
        "the same, convnet",
        "DataLoader, batches of 64",
        "ratio",
        5,
    ),
    Aim("evaluation-convnet", SHOWN, "DataLoader, batches of 64", "ratio", 5, way=TILES),
    *(
        Aim(row, f"5 million pictures on disk, {recipe}", "in memory", "ratio", 0.77, way=ON_DISK)
        for row, recipe in (("on-disk-fast", "fast"), ("on-disk-three-layer", "three-layer"))
    ),
    Aim(
        "best-accuracy",
        "best accuracy, single model, within 30 minutes of one GPU",
        "96.41% (SAM, arXiv 2010.01412); 96.91% (highest claim, arXiv 2006.09042)",
        "accuracy",
        0.965,
        0.97,
        seeds=3,
    ),
)
