"""How figures look and how they are written: the one place for colours, sizes and fonts."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from fittingroom.data.records import never_through_a_link
from fittingroom.errors import RunError
from fittingroom.evaluation.columns import shorten, wrap
from fittingroom.evaluation.evaluate import SKETCHES_NOTE
from fittingroom.evaluation.figures.fonts import BASE_FAMILY, Lettering

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1f2933"
MUTED = "#616e7c"
FAINT = "#cbd2d9"
BLUE = "#08519c"
SLATE = "#748494"
ACCENT = "#b4530a"

HEADING_SIZE = 13.0
TEXT_SIZE = 9.0
SMALL_SIZE = 8.0

DPI = 150
CSS_PIXELS = 96  # of an inch, by definition (CSS Values and Units, 5.2)
MARGIN = 0.16  # inches
MIN_WIDTH = 6.4  # inches: a caption stays in two lines

_HEADING_HEIGHT = 0.30  # inches
_LINE_HEIGHT = 0.19
_COLUMNS_PER_INCH = 13.5  # of TEXT_SIZE in DejaVu Sans

_SETTINGS: dict[Any, Any] = {
    "axes.edgecolor": FAINT,
    "axes.labelcolor": MUTED,
    "axes.labelsize": TEXT_SIZE,
    "axes.linewidth": 0.8,
    "font.size": TEXT_SIZE,
    "image.composite_image": False,  # the pictures of a sheet stay apart in the SVG
    "svg.fonttype": "path",  # letters show on machines without the font
    "svg.hashsalt": "fittingroom",  # the same figure is the same file
    "text.color": INK,
    "text.parse_math": False,  # a class may be called "$5_bags"
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "xtick.labelsize": SMALL_SIZE,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
    "ytick.labelsize": SMALL_SIZE,
}


def sketches_note(sketches: bool) -> str:
    """Return what every figure says of the program's own drawings; nothing for other pictures."""
    return SKETCHES_NOTE if sketches else ""


@contextmanager
def figure_style(families: Sequence[str] = (BASE_FAMILY,)) -> Iterator[None]:
    """Use these settings, whatever the caller's are; the caller's are back afterwards."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({**_SETTINGS, "font.family": list(families)})
        yield


@dataclass(frozen=True)
class Header:
    """Heading and caption at the top left of a figure that is `width` inches wide.

    `note`, in the accent colour, is for what must not be overlooked.
    """

    heading: str
    caption: Sequence[str]
    note: Sequence[str]
    width: float

    @classmethod
    def fit(cls, heading: str, caption: str, note: str, width: float) -> Header:
        """Break caption and note into lines that fit."""
        columns = int((width - 2 * MARGIN) * _COLUMNS_PER_INCH)
        return cls(heading, wrap(caption, columns), wrap(note, columns) if note else (), width)

    @property
    def height(self) -> float:
        """Inches from the upper edge of the figure to where its content may begin."""
        lines = len(self.caption) + len(self.note)
        return MARGIN + _HEADING_HEIGHT + lines * _LINE_HEIGHT + MARGIN / 2

    def new_figure(self, content_height: float) -> Figure:
        """Return a figure with this header and `content_height` inches below it."""
        height = self.height + content_height
        figure = _blank(self.width, height)
        left, top = MARGIN / self.width, MARGIN
        figure.text(left, 1 - top / height, self.heading, size=HEADING_SIZE, va="top")
        top += _HEADING_HEIGHT
        for lines, colour in ((self.caption, MUTED), (self.note, ACCENT)):
            for line in lines:
                figure.text(left, 1 - top / height, line, color=colour, va="top")
                top += _LINE_HEIGHT
        return figure

    @contextmanager
    def arranged(self, figure: Figure) -> Iterator[None]:
        """Let the axes that are made inside fill the figure below the header, with their labels."""
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        room = (0, 0, 1, 1 - self.height / figure.get_size_inches()[1])
        engine = ConstrainedLayoutEngine(rect=room, w_pad=MARGIN, h_pad=MARGIN / 2)
        figure.set_layout_engine(engine)
        yield
        engine.execute(figure)
        # Positions stay; searching again for each file would take as long as writing it.
        figure.set_layout_engine("none")


def _blank(width: float, height: float) -> Figure:
    """Return an empty figure, in inches, that can measure text without being drawn first."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = _figure_class()(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


@functools.cache
def _figure_class() -> type[Figure]:
    """Return matplotlib's Figure, one that shows itself as the value of a Jupyter cell.

    Without pyplot Jupyter knows nothing of figures. IPython asks a value for this method, and
    scales the picture by what comes with it: sharp on screens of two pixels a CSS pixel.
    """
    from matplotlib.figure import Figure

    class ShownFigure(Figure):
        def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
            width, height = (round(CSS_PIXELS * inches) for inches in self.get_size_inches())
            with figure_style():
                return _rendered(self, "png"), {"width": width, "height": height}

    return ShownFigure


def text_width(texts: Iterable[str], size: float, lettering: Lettering) -> float:
    """Return the width in inches of the widest of `texts` at `size` points."""
    with figure_style(lettering.families):
        paper = _blank(1, 1)
        widths = [paper.text(0, 0, text, size=size).get_window_extent().width for text in texts]
    return float(max(widths, default=0)) / DPI


def fitted(name: str, size: float, width: float, lettering: Lettering) -> str:
    """Shorten `name` until, at `size` points, it is at most `width` inches wide."""
    columns, short = cell_len(name), name
    while (found := text_width([short], size, lettering)) > width and columns > 1:
        columns = min(columns - 1, int(columns * width / found) + 1)
        short = shorten(name, columns)
    return short


def save(figure: Figure, path: Path | str) -> tuple[Path, Path]:
    """Write `figure` as PNG and as SVG, each whole or not at all.

    Parameters
    ----------
    path
        Where to, without the ending: "figures/confusion" gives confusion.png and confusion.svg.

    Returns
    -------
    The paths of the PNG and of the SVG.

    Raises
    ------
    RunError
        If they cannot be written there.
    """
    stem = Path(path)
    png, svg = (stem.with_name(stem.name + ending) for ending in (".png", ".svg"))
    with figure_style():
        for target in (png, svg):
            _write_whole(target, _rendered(figure, target.suffix[1:]))
    return png, svg


def write(figure: Figure, path: Path) -> None:
    """Write `figure` whole or not at all, in the format that the name ends in: png, svg or pdf.

    Raises
    ------
    RunError
        If it cannot be written there.
    """
    with figure_style():
        _write_whole(path, _rendered(figure, path.suffix[1:].lower()))


def _rendered(figure: Figure, kind: str) -> bytes:
    content = BytesIO()
    metadata = {"Date": None} if kind == "svg" else None
    figure.savefig(content, format=kind, dpi=DPI, metadata=metadata)
    return content.getvalue()


def _write_whole(target: Path, content: bytes) -> None:
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb", opener=never_through_a_link) as file:
            file.write(content)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise RunError(f"cannot write the figure {target}: {error.strerror}") from error
