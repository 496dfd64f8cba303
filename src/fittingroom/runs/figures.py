"""The figures that every run draws, as PNG and SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import RunError
from fittingroom.evaluation.evaluate import Evaluation
from fittingroom.training.history import Epoch


def draw_figures(
    folder: Path, evaluation: Evaluation, splits: DataSplits, history: Sequence[Epoch]
) -> None:
    """Draw and save the confusion matrix, learning curves, one picture, samples and mistakes.

    Raises
    ------
    RunError
        If the folder cannot be written, or is a link.
    """
    if folder.is_symlink():
        raise RunError(f"{folder}: a link, perhaps out of the run's folder; remove it")
    from fittingroom.evaluation import figures

    first = splits.train.classes[splits.train.labels[0]]
    drawn = {
        "confusion-matrix": figures.confusion_heatmap(evaluation),
        "learning-curves": figures.learning_curves(
            history, data_name=splits.name, sketches=splits.sketches
        ),
        "first-picture": figures.single_image(
            splits.train.images[0], first, sketches=splits.sketches
        ),
        "samples": figures.samples_sheet(
            splits.train, data_name=splits.name, sketches=splits.sketches
        ),
        "mistakes": figures.mistakes_sheet(evaluation, splits.test),
    }
    try:
        folder.mkdir(exist_ok=True)
        for name, figure in drawn.items():
            figures.save(figure, folder / name)
    except OSError as error:
        raise RunError(f"{folder}: figures cannot be written: {error.strerror or error}") from error
