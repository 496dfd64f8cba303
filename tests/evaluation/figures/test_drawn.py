"""Every figure is drawn as it was when somebody looked at it: words, places, sizes, colours.

`drawn/` describes each, a line for a text, a shape or a row of marks, in points. After a change
that is meant, look at the pictures, and write the descriptions anew:

    python -m tests.evaluation.figures.test_drawn FOLDER-FOR-THE-PICTURES
"""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Callable, Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from tests.evaluation.figures.test_curves import history
from tests.evaluation.figures.test_ranking import BAD, GOOD, Setting
from tests.evaluation.figures.test_trials import TRIALS

from fittingroom.data.dataset import ImageDataset
from fittingroom.evaluation import Evaluation
from fittingroom.evaluation.figures import (
    confusion_heatmap,
    learning_curves,
    mistakes_sheet,
    samples_sheet,
    save,
    settings_ranking,
    single_image,
    trial_history,
)

DRAWN = Path(__file__).with_name("drawn")
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
# Of a point, 1/72 inch: other versions of matplotlib round otherwise.
TOLERANCE = 0.2
XLINK = "{http://www.w3.org/1999/xlink}href"
PETS = ("cat", "dog", "a rather long-haired guinea pig")


def evaluation(classes: tuple[str, ...] = PETS, count: int = 90) -> Evaluation:
    """Predictions of which some are wrong, the same ones always."""
    labels = np.arange(count) % len(classes)
    predicted = np.where(np.arange(count) % 7 == 0, (labels + 1) % len(classes), labels)
    logits = np.zeros((count, len(classes)), np.float32)
    logits[np.arange(count), predicted] = 1 + np.arange(count) % 5
    return Evaluation.from_predictions(
        labels,
        logits,
        classes,
        data_name="pets",
        fingerprint="ab" * 32,
        split="test",
        sketches=False,
    )


def pictures(classes: tuple[str, ...] = PETS, count: int = 90, channels: int = 1) -> ImageDataset:
    """Stripes, brighter from picture to picture."""
    images = np.zeros((count, channels, 12, 8), np.uint8)
    images[..., ::2, :] = (np.arange(count) * 2)[:, None, None, None] + 50
    return ImageDataset(images, np.arange(count, dtype=np.int64) % len(classes), classes)


SOME, MANY = (tuple(f"kind {k}" for k in range(count)) for count in (13, 33))
FIGURES: dict[str, Callable[[], Figure]] = {
    "confusion": lambda: confusion_heatmap(evaluation()),
    "confusion-some": lambda: confusion_heatmap(evaluation(SOME, 60)),
    "confusion-many": lambda: confusion_heatmap(evaluation(MANY, 120)),
    "curves": lambda: learning_curves(history(6), data_name="pets"),
    "curves-close": lambda: learning_curves(history(3, gap=0.001), data_name="pets", sketches=True),
    "curves-long": lambda: learning_curves(history(45, validation=False), data_name="pets"),
    "mistakes": lambda: mistakes_sheet(evaluation(), pictures()),
    "picture": lambda: single_image(pictures().images[3], "cat", caption="the fourth"),
    "picture-colour": lambda: single_image(pictures(channels=3).images[9], "dog", sketches=True),
    "ranking": lambda: settings_ranking([GOOD, BAD, Setting("one", (0.87,))], data_name="pets"),
    "samples": lambda: samples_sheet(pictures(), data_name="pets", per_class=5),
    "samples-many": lambda: samples_sheet(pictures(MANY), data_name="pets", seed=3),
    "trials": lambda: trial_history(TRIALS, data_name="pets"),
}


def described(figure: Figure) -> list[str]:
    """Return what a figure shows, a line for each thing."""
    content = StringIO()
    with mpl.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": "the same", "text.parse_math": False}
    ):
        figure.savefig(content, format="svg", metadata={"Date": None})
    root = ET.fromstring(content.getvalue())  # noqa: S314 - our own
    return [f"page {root.get('width')} x {root.get('height')}", *things(root)]


def things(root: ET.Element) -> Iterator[str]:
    """Describe what is drawn, in its order; marks of one kind in one line."""
    defined = {part for defs in root.iterfind(".//{*}defs") for part in defs.iter()}
    outlines = {part.get("id"): part.get("d", "") for part in defined}
    marks: list[str] = []
    kind = ""
    for part in root.iter():
        tag = str(part.tag).rpartition("}")[2]
        if part in defined or tag not in {"path", "use", "text", "image"}:
            continue
        if tag == "use":
            mark = f"marks {shape(outlines[part.get(XLINK, '')[1:]])} {part.get('style')}"
            if mark != kind and marks:
                yield f"{kind}: {' '.join(marks)}"
                marks = []
            kind = mark
            marks.append(f"{rounded(part.get('x', '0'))},{rounded(part.get('y', '0'))}")
            continue
        if marks:
            yield f"{kind}: {' '.join(marks)}"
            marks = []
        yield thing(tag, part)
    if marks:
        yield f"{kind}: {' '.join(marks)}"


def thing(tag: str, part: ET.Element) -> str:
    """Describe a line or an area, a text, or a picture."""
    style = rounded(part.get("style", ""))
    if tag == "path":
        return f"shape {shape(part.get('d', ''))} {style}"
    place = rounded(f"{part.get('x', '')},{part.get('y', '')} {part.get('transform', '')}")
    if tag == "text":
        style = style.replace(" font-family: 'DejaVu Sans';", "")
        turned = re.sub(r" rotate\(-0 .*\)", "", place)
        return f"text {''.join(part.itertext())!r} {turned} {style}"
    shown = Image.open(BytesIO(base64.b64decode(part.get(XLINK, "").partition(",")[2])))
    size = rounded(f"{part.get('width')} x {part.get('height')}")
    grey = np.asarray(shown.convert("L"), float)
    return f"picture {place} {size}, {shown.width} x {shown.height} pixels, mean {grey.mean():.1f}"


def shape(outline: str) -> str:
    """Describe an outline: its commands, its first point, its box."""
    numbers = [float(number) for number in NUMBER.findall(outline)]
    if not numbers:
        return "nothing"
    xs, ys = numbers[::2], numbers[1::2]
    commands = "".join(re.findall("[A-Za-z]", outline))
    commands = re.sub(r"(.)\1{3,}", lambda run: f"{run[1]}*{len(run[0])}", commands)
    ends = (xs[0], ys[0], xs[-1], ys[-1], min(xs), min(ys), max(xs), max(ys))
    return f"{commands} {' '.join(f'{end:.1f}' for end in ends)}"


def rounded(text: str) -> str:
    """Return a text with at most one digit behind each point."""
    return NUMBER.sub(lambda found: f"{float(found[0]):.1f}" if "." in found[0] else found[0], text)


def same(line: str, expected: str) -> bool:
    """Tell whether two lines say the same, but for measures that hardly differ."""
    if QUOTED.findall(line) != QUOTED.findall(expected):
        return False
    if NUMBER.sub("#", line) != NUMBER.sub("#", expected):
        return False
    pairs = zip(NUMBER.findall(line), NUMBER.findall(expected), strict=True)
    return all(abs(float(ours) - float(theirs)) <= TOLERANCE for ours, theirs in pairs)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_as_it_was_looked_at(name: str, bundled_fonts_only: Any) -> None:
    drawn = described(FIGURES[name]())
    expected = (DRAWN / f"{name}.txt").read_text("utf-8").splitlines()
    others = [
        (ours, theirs)
        for ours, theirs in zip(drawn, expected, strict=False)
        if not same(ours, theirs)
    ]
    assert others == []
    assert len(drawn) == len(expected)


def write_anew(pictures_folder: Path) -> None:
    """Write every description, and every figure to look at."""
    DRAWN.mkdir(exist_ok=True)
    for name, draw in FIGURES.items():
        figure = draw()
        (DRAWN / f"{name}.txt").write_text("\n".join(described(figure)) + "\n", "utf-8")
        save(figure, pictures_folder / name)


if __name__ == "__main__":
    write_anew(Path(sys.argv[1]))
