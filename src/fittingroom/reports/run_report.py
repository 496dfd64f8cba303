"""The report of a run, as a page and as Markdown."""

from __future__ import annotations

from pathlib import Path

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DataError, RunError
from fittingroom.evaluation.evaluate import check_same_pictures
from fittingroom.reports.markdown import png, write_markdown
from fittingroom.reports.page import Section, render_page, render_sections
from fittingroom.reports.run_view import RunView
from fittingroom.reports.texts import Texts, say
from fittingroom.runs import folder as files
from fittingroom.runs.run import Run

# The macros of run.html.jinja, in the order of the page.
SECTIONS = (
    "done",
    "result",
    "curves",
    "confusion",
    "classes",
    "pairs",
    "mistakes",
    "calibration",
    "repeat",
    "cautions",
)


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


def run_sections(view: RunView, texts: Texts) -> list[Section]:
    """Return the sections of a run's report."""
    titles = {name: f"run.sections.{name}" for name in SECTIONS}
    return render_sections(texts, "run.html.jinja", titles, {"view": view, "texts": texts})


def run_page(view: RunView, texts: Texts) -> str:
    """Return the HTML report of a run."""
    context = {"view": view, "texts": texts}
    (hero,) = render_sections(texts, "run.html.jinja", {"hero": ""}, context)
    return render_page(
        texts,
        title=view.title,
        kind=say("run.kind"),
        sections=run_sections(view, texts),
        hero=hero.html,
        warnings=view.warnings,
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
