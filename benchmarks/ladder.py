"""The ladder: test accuracy against training seconds, ours and what a user would pick instead."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import written
from results import Result
from row import NOTEBOOK, OURS, TILES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox, BboxBase

WIDTH, HEIGHT = 9.0, 6.8  # inches

# Rows and their ways on the ladder: label, and whether it is ours.
RUNGS = (
    ("one-run", NOTEBOOK, "notebook's loop", False),
    ("one-run", OURS, "notebook-three-layer", True),
    ("fast-mlp", OURS, "fast", True),
    ("convnet-92", OURS, "convnet-92", True),
    ("convnet-94", OURS, "convnet-94", True),
    ("convnet-92", TILES, "convnet-92, bf16", True),
    ("convnet-94", TILES, "convnet-94, bf16", True),
    ("convnet-92", "plain loop", "convnet-92, plain loop", False),
    ("convnet-94", "plain loop", "convnet-94, plain loop", False),
    ("instead", "Keras tutorial", "Keras tutorial", False),
    ("instead", "scikit-learn MLPClassifier", "scikit-learn MLPClassifier", False),
    ("instead", "plain PyTorch CNN", "plain PyTorch CNN", False),
    ("gpu-94", OURS, "gpu-94 (GPU)", True),
    ("gpu-95", OURS, "gpu-95 (GPU)", True),
    ("gpu-96", OURS, "gpu-96 (GPU)", True),
    ("best-accuracy", OURS, "best (GPU)", True),
    ("gpu-96", "ResNet-18", "ResNet-18 (GPU)", False),
)


@dataclass(frozen=True)
class Rung:
    """One way on the ladder: median seconds, mean test accuracy (a fraction), its 95% interval."""

    label: str
    ours: bool
    seconds: float
    accuracy: float
    interval: tuple[float, float] | None

    @property
    def text(self) -> str:
        """What stands beside its mark."""
        return f"{self.label}\n{self.accuracy:.1%}, {written(self.seconds)} s"


def rungs_of(results: Mapping[str, Result]) -> list[Rung]:
    """Return what the results have for the ladder."""
    from fittingroom.evaluation.intervals import t_interval

    found = []
    for row, way, label, ours in RUNGS:
        accuracies = results[row].values(way, "accuracy") if row in results else []
        if accuracies:
            seconds = statistics.median(results[row].values(way, "seconds"))
            mean = statistics.mean(accuracies)
            found.append(Rung(label, ours, seconds, mean, t_interval(accuracies)))
    return found


def alt_text(rungs: Sequence[Rung]) -> str:
    """Describe the picture in a sentence."""
    told = "; ".join(f"{r.label} {r.accuracy:.1%} in {written(r.seconds)} s" for r in rungs)
    return f"Test accuracy against training seconds on a logarithmic scale: {told}"


def draw(rungs: Sequence[Rung], machine: str, *, sketches: bool = False) -> Figure:
    """Draw the ladder: seconds on a logarithmic axis, a mark and a label for each rung."""
    from matplotlib.ticker import FuncFormatter, PercentFormatter

    from fittingroom.evaluation.figures.style import FAINT, Header, figure_style, sketches_note

    caption = (
        f"Mean test accuracy with its 95% interval against median seconds from process-ready to "
        f"final weights (blue: fittingroom); {machine}"
    )
    heading = "How accurate, how soon"
    header = Header.fit(heading, caption, sketches_note(sketches), WIDTH)
    with figure_style():
        figure = header.new_figure(HEIGHT)
        with header.arranged(figure):
            axes = figure.add_subplot()
            axes.set_xscale("log")
            for rung in rungs:
                draw_rung(axes, rung)
            axes.margins(x=0.2, y=0.12)
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} s"))
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
            axes.set_xlabel("seconds, logarithmic")
            axes.set_ylabel("test accuracy")
            axes.grid(color=FAINT, linewidth=0.5)
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
        label(axes, rungs)
    return figure


def draw_rung(axes: Axes, rung: Rung) -> None:
    """Draw one mark and its interval."""
    colour = colour_of(rung)
    if rung.interval:
        axes.plot((rung.seconds, rung.seconds), rung.interval, color=colour, linewidth=1.4)
    axes.plot(rung.seconds, rung.accuracy, "o", color=colour, markersize=6, zorder=3)


def colour_of(rung: Rung) -> str:
    """Return blue for ours, grey for the others."""
    from fittingroom.evaluation.figures.style import BLUE, SLATE

    return BLUE if rung.ours else SLATE


# A label further from its mark than so many points is joined to it by a line.
NEAR = 9
LEADER = {"arrowstyle": "-", "color": "0.6", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 4}

# Where a label may stand: offset in points, and how it is aligned there.
PLACES: tuple[tuple[tuple[int, int], str, str], ...] = (
    ((9, 0), "left", "center"),
    ((-9, 0), "right", "center"),
    ((0, 9), "center", "bottom"),
    ((0, -9), "center", "top"),
    ((9, 9), "left", "bottom"),
    ((9, -9), "left", "top"),
    ((-9, 9), "right", "bottom"),
    ((-9, -9), "right", "top"),
    ((16, 16), "left", "bottom"),
    ((16, -16), "left", "top"),
    ((-16, 16), "right", "bottom"),
    ((-16, -16), "right", "top"),
    ((24, 24), "left", "bottom"),
    ((24, -24), "left", "top"),
    ((-24, 24), "right", "bottom"),
    ((-24, -24), "right", "top"),
)


def label(axes: Axes, rungs: Sequence[Rung]) -> None:
    """Write each rung's label where it covers nothing: the first place that is free."""
    from fittingroom.evaluation.figures.style import SMALL_SIZE

    inside = axes.bbox
    taken = [mark_box(axes, rung) for rung in rungs]
    for own, rung in zip(list(taken), rungs, strict=True):
        others = [box for box in taken if box is not own]
        best: tuple[float, Any] | None = None
        for offset, across, along in PLACES:
            text = axes.annotate(
                rung.text,
                (rung.seconds, rung.accuracy),
                xytext=offset,
                textcoords="offset points",
                ha=across,
                va=along,
                color=colour_of(rung),
                fontsize=SMALL_SIZE,
                linespacing=1.15,
                arrowprops=LEADER if max(map(abs, offset)) > NEAR else None,
            )
            box = text.get_window_extent()
            cost = sum(overlap(box, other) for other in others) + outside(box, inside)
            if best is None or cost < best[0]:
                if best is not None:
                    best[1].remove()
                best = (cost, text)
            else:
                text.remove()
            if cost < 1:
                break
        if best is not None:
            taken.append(best[1].get_window_extent().padded(4))


def mark_box(axes: Axes, rung: Rung) -> Bbox:
    """Return the pixels that a mark and its interval cover."""
    from matplotlib.transforms import Bbox

    low, high = rung.interval or (rung.accuracy, rung.accuracy)
    ends = axes.transData.transform([(rung.seconds, low), (rung.seconds, high)])
    return Bbox([ends[0] - 8, ends[1] + 8])


def overlap(one: BboxBase, other: BboxBase) -> float:
    """Return the area in which two boxes overlap, in pixels."""
    from matplotlib.transforms import Bbox

    common = Bbox.intersection(one, other)
    return 0.0 if common is None else float(common.width * common.height)


def outside(box: BboxBase, room: BboxBase) -> float:
    """Return the area of a box that lies outside of the room, in pixels."""
    return float(box.width * box.height) - overlap(box, room)


def write(results: Mapping[str, Result], stem: Path) -> list[Rung]:
    """Draw the ladder as PNG and SVG, if there is anything to draw; return its rungs."""
    from fittingroom.evaluation.figures import save

    rungs = rungs_of(results)
    if rungs:
        shown = measured_for(results)
        sketches = any("sketches" in result.data for result in shown)
        figure = draw(rungs, machines_of(shown), sketches=sketches)
        save(figure, stem)
    return rungs


def measured_for(results: Mapping[str, Result]) -> list[Result]:
    """Return the results that the ladder shows: others may be of other machines."""
    rows = {row for row, *_ in RUNGS}
    return [result for row, result in results.items() if row in rows]


def machines_of(results: Iterable[Result]) -> str:
    """Name the machines that were measured on."""
    names = {
        ", ".join(
            filter(None, (r.machine["gpu"], f"{r.machine['cpu']}, {r.machine['cores']} cores"))
        )
        for r in results
    }
    return "; ".join(sorted(names))
