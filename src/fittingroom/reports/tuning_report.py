"""The report of a tuning, as a page and as Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fittingroom.reports import tuning_tables as tables
from fittingroom.reports.charts.labels import spoken
from fittingroom.reports.markdown import write_markdown
from fittingroom.reports.page import render_view
from fittingroom.reports.study_tables import RANKING_HEADS, ranking_rows
from fittingroom.reports.texts import Texts, say
from fittingroom.reports.tuning_view import TuningView


def tuning_page(view: TuningView, texts: Texts) -> str:
    """Return the HTML report of a tuning."""
    return render_view(texts, view, say("tuning.kind"), "tuning.html.jinja", context(view, texts))


def write_tuning_markdown(view: TuningView, texts: Texts, path: Path) -> None:
    """Write the Markdown report of a tuning, and its charts.

    Raises
    ------
    RunError
        If they cannot be written.
    """
    pictures = {
        f"{name}.svg": chart.file(texts, texts.language).encode()
        for name, chart in view.charts.items()
    }

    def show(value: Any) -> str:
        return spoken(value, texts.language)

    shown = {"show": show, "show_all": lambda rows: [[show(cell) for cell in row] for row in rows]}
    write_markdown(path, texts, "tuning.md.jinja", names(view) | shown, pictures)


def context(view: TuningView, texts: Texts) -> dict[str, Any]:
    """Return the names that the template uses."""
    return names(view) | {"texts": texts, "show": texts.cell, "show_all": texts.cells}


def names(view: TuningView) -> dict[str, Any]:
    """Return the names that both templates use."""
    return {
        "view": view,
        "tuning": view.tuning,
        "tables": tables,
        "ranking_rows": ranking_rows,
        "ranking_heads": [f"study.ranking.{name}" for name in RANKING_HEADS],
    }
