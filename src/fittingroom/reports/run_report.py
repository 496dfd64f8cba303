"""The report of a run, as a page and as Markdown."""

from __future__ import annotations

from pathlib import Path

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DataError, RunError
from fittingroom.evaluation.evaluate import check_same_pictures
from fittingroom.reports.markdown import png, write_markdown
from fittingroom.reports.page import render_view
from fittingroom.reports.run_view import RunView
from fittingroom.reports.texts import Texts, say
from fittingroom.runs import folder as files
from fittingroom.runs.run import Run


def view_run(run: Run, data: DataSplits | str | Path | None = None) -> RunView:
    """Return what a report needs of a finished run, with its pictures if they can be had.

    Raises
    ------
    RunError
        If the run is unfinished or damaged.
    """
    if run.status != files.FINISHED:
        raise RunError(f"{run.folder}: no report yet: the run is {run.status}; {run.how_to_go_on}")
    evaluation = run.evaluation
    if not run.history:
        raise RunError(f"{run.folder / files.HISTORY}: the history has no epoch")
    try:
        pictures = run.data(data).test
        check_same_pictures(evaluation, pictures)
    except DataError as error:
        return RunView(run, None, str(error))
    return RunView(run, pictures)


def run_page(view: RunView, texts: Texts) -> str:
    """Return the HTML report of a run."""
    return render_view(
        texts, view, say("run.kind"), "run.html.jinja", {"view": view, "texts": texts}
    )


def write_run_markdown(view: RunView, texts: Texts, path: Path) -> None:
    """Write the Markdown report of a run, and its pictures.

    Raises
    ------
    RunError
        If they cannot be written.
    """
    from fittingroom.evaluation import figures

    pictures = {
        "learning-curves.svg": view.curves.file(texts, texts.language).encode(),
        "calibration.svg": view.reliability.file(texts, texts.language).encode(),
        "confusion-matrix.png": png(figures.confusion_heatmap(view.evaluation)),
    }
    if view.pictures is not None and view.evaluation.correct < view.evaluation.count:
        sheet = figures.mistakes_sheet(view.evaluation, view.pictures)
        pictures["mistakes.png"] = png(sheet)
    write_markdown(path, texts, "run.md.jinja", {"view": view}, pictures)
