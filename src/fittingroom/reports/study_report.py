"""The report of a study, as a page and as Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import DataError
from fittingroom.evaluation.evaluate import check_same_pictures
from fittingroom.reports import study_tables as tables
from fittingroom.reports.markdown import png, write_markdown
from fittingroom.reports.names import quoted
from fittingroom.reports.page import render_view
from fittingroom.reports.study_view import StudyView
from fittingroom.reports.texts import Texts, say
from fittingroom.studies.study import Study


def view_study(study: Study, data: DataSplits | str | Path | None = None) -> StudyView:
    """Return what a report needs of a study, with its pictures if they can be had.

    Raises
    ------
    StudyError
        If no run of it is finished.
    """
    evaluation = study.results.ranking[0].runs[0].evaluation
    try:
        pictures = study.data(data).test
        check_same_pictures(evaluation, pictures)
    except DataError as error:
        return StudyView(study, None, str(error))
    return StudyView(study, pictures)


def study_page(view: StudyView, texts: Texts) -> str:
    """Return the HTML report of a study."""
    return render_view(texts, view, say("study.kind"), "study.html.jinja", context(view, texts))


def write_study_markdown(view: StudyView, texts: Texts, path: Path) -> None:
    """Write the Markdown report of a study, and its pictures.

    Raises
    ------
    RunError
        If they cannot be written.
    """
    from fittingroom.evaluation import figures

    shown = view.closeup.run
    charts = {
        "ranking": view.ranking,
        "learning-curves": view.curves,
        "calibration": shown.reliability,
    }
    if "cost" in view.titles:
        charts["cost"] = view.pareto
    pictures = {
        f"{name}.svg": chart.file(texts, texts.language).encode() for name, chart in charts.items()
    }
    pictures["confusion-matrix.png"] = png(figures.confusion_heatmap(view.explorer.evaluation))
    if shown.pictures is not None and shown.evaluation.correct < shown.evaluation.count:
        pictures["mistakes.png"] = png(figures.mistakes_sheet(shown.evaluation, shown.pictures))

    def show(value: Any) -> str:
        return texts.plain(say("study.shown", value=value))

    def show_all(rows: list[list[Any]]) -> list[list[str]]:
        return [[show(cell) for cell in row] for row in rows]

    names = {"view": view, "tables": tables, "quoted": quoted, "show": show, "show_all": show_all}
    write_markdown(path, texts, "study.md.jinja", names, pictures)


def context(view: StudyView, texts: Texts) -> dict[str, Any]:
    """Return the names that the template uses."""
    return {
        "view": view,
        "texts": texts,
        "tables": tables,
        "quoted": quoted,
        "show_all": texts.cells,
    }
