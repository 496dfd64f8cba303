"""Predictions as a picture: the photo, what the model saw of it, its answers, what mattered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fittingroom.evaluation.columns import shorten, wrap
from fittingroom.evaluation.evaluate import SKETCHES_NOTE
from fittingroom.evaluation.figures.fonts import lettering
from fittingroom.evaluation.figures.style import (
    ACCENT,
    BLUE,
    FAINT,
    INK,
    MUTED,
    SLATE,
    SMALL_SIZE,
    TEXT_SIZE,
    Header,
    figure_style,
)
from fittingroom.serving.predict import WARNINGS, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fittingroom.serving.predict import Prediction, Predictions

MOST_PHOTOS = 24
MOST_ANSWERS = 5
NAME_COLUMNS, FILE_COLUMNS, WARNING_COLUMNS = 22, 54, 62
# Inches.
PICTURE, BARS, TITLE, GAP = 1.75, 2.7, 0.5, 0.22
WARNING_LINE = 0.16
HEAT_MAP = "PuOr_r"


def draw_predictions(predictions: Predictions) -> Figure:
    """Draw a row for each photo, `MOST_PHOTOS` at most.

    From left to right: the photo, with a frame around what was found in it; what the model saw;
    where asked for, the same with what mattered; the likeliest classes.
    """
    shown = predictions[:MOST_PHOTOS]
    predictor = shown.predictor
    named = (predictor.name, predictor.data_name, *(one.name for one in shown))
    letters = lettering([*predictor.classes, *named])
    explained = any(one.heat is not None for one in shown)
    pictures = 3 if explained else 2
    width = pictures * (PICTURE + GAP) + BARS + 1.5 + 2 * GAP
    model, data = map(letters.text, (predictor.name, predictor.data_name))
    caption = f"model {model}, trained on {data}; " + (
        "confidence calibrated on validation pictures"
        if predictor.fitted_on == "validation"
        else "no validation pictures were held back: the confidence is too high"
    )
    if explained:
        caption += (
            ". What mattered: orange where covering the picture takes from the answer, violet "
            "where it adds to it"
        )
    if len(predictions) > len(shown):
        caption += f". The first {len(shown)} of {len(predictions):,} photos"
    note = SKETCHES_NOTE if predictor.sketches else ""
    header = Header.fit("What the photos show", caption, note, width)
    rows = [TITLE + PICTURE + GAP + WARNING_LINE * len(warning_lines(one)) for one in shown]
    with figure_style(letters.families):
        figure = header.new_figure(sum(rows) + GAP)
        height = figure.get_size_inches()[1]
        top = height - header.height
        for prediction, row in zip(shown, rows, strict=True):
            draw_row(figure, prediction, (GAP, top), explained, letters.text)
            top -= row
    return figure


def draw_row(
    figure: Figure,
    prediction: Prediction,
    corner: tuple[float, float],
    explained: bool,
    text: object,
) -> None:
    """Draw one photo; `corner` is its upper left one, in inches from the lower left of all."""
    width, height = figure.get_size_inches()
    left, top = corner
    said = text(shorten(prediction.name, FILE_COLUMNS))  # type: ignore[operator]
    figure.text(left / width, (top - 0.06) / height, said, size=TEXT_SIZE, weight="bold", va="top")
    for number, line in enumerate(warning_lines(prediction)):
        place = (top - 0.06 - WARNING_LINE * (1.2 + number)) / height
        figure.text(left / width, place, line, size=SMALL_SIZE, color=ACCENT, va="top")
    bottom = top - TITLE - PICTURE - WARNING_LINE * len(warning_lines(prediction))

    def panel(place: int, wide: float = PICTURE, offset: float = 0.0) -> Axes:
        x = left + place * (PICTURE + GAP) + offset
        return figure.add_axes((x / width, bottom / height, wide / width, PICTURE / height))

    draw_photo(panel(0), prediction)
    draw_seen(panel(1), prediction)
    if explained:
        draw_heat(panel(2), prediction)
    draw_bars(panel(3 if explained else 2, BARS, 1.35), prediction, text)


def warning_lines(prediction: Prediction) -> list[str]:
    """Return what the answer is warned of, in lines."""
    return [line for code in prediction.warnings for line in wrap(WARNINGS[code], WARNING_COLUMNS)]


def draw_photo(axes: Axes, prediction: Prediction) -> None:
    """Draw the photo, and a frame around what was found."""
    from matplotlib.patches import Rectangle

    axes.imshow(np.asarray(prediction.photo.shown))
    if prediction.photo.box is not None:
        left, top, right, bottom = prediction.photo.box
        frame = Rectangle(
            (left - 0.5, top - 0.5), right - left, bottom - top, fill=False, ec=ACCENT, lw=1.2
        )
        axes.add_patch(frame)
    bare(axes, "the photo")


def draw_seen(axes: Axes, prediction: Prediction) -> None:
    """Draw what the model saw: grey as ink on paper."""
    seen = prediction.photo.seen
    channels, height, width = seen.shape
    if channels == 1:
        axes.imshow(seen[0], cmap="binary", vmin=0, vmax=255)
    else:
        axes.imshow(seen.transpose(1, 2, 0))
    bare(axes, f"what the model sees, {height} x {width}")


def draw_heat(axes: Axes, prediction: Prediction) -> None:
    """Draw what mattered, over what the model saw."""
    axes.imshow(prediction.photo.seen.mean(axis=0), cmap="binary", vmin=0, vmax=400)
    if prediction.heat is not None:
        axes.imshow(
            prediction.heat, cmap=HEAT_MAP, vmin=-1, vmax=1, alpha=np.abs(prediction.heat) * 0.9
        )
    bare(axes, "what mattered")


def draw_bars(axes: Axes, prediction: Prediction, text: object) -> None:
    """Draw the likeliest classes, faint where they should not be believed."""
    ranked = prediction.ranked[:MOST_ANSWERS]
    places = np.arange(len(ranked))
    colours = [BLUE if prediction.believable else FAINT, *[SLATE] * (len(ranked) - 1)]
    if not prediction.believable:
        colours = [FAINT] * len(ranked)
    axes.barh(places, [share for _, share in ranked], color=colours, height=0.62)
    names = [text(shorten(name, NAME_COLUMNS)) for name, _ in ranked]  # type: ignore[operator]
    axes.set_yticks(places, names, size=TEXT_SIZE)
    for place, (_, share) in enumerate(ranked):
        axes.text(share + 0.02, place, percent(share), va="center", size=TEXT_SIZE, color=INK)
    axes.set(xlim=(0, 1.25), ylim=(MOST_ANSWERS - 0.5, -0.5), xticks=[])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def bare(axes: Axes, title: str) -> None:
    """Leave nothing of the axes but a frame, and words below."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color(FAINT)
    axes.set_anchor("N")
    axes.set_title(title, size=SMALL_SIZE, color=MUTED, pad=4)
