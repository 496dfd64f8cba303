"""A run, a study or a tuning -> its report, in a file."""

from __future__ import annotations

from pathlib import Path

from fittingroom.data.dataset import DataSplits
from fittingroom.errors import FittingroomError, StudyError
from fittingroom.reports.run_report import run_page, view_run, write_run_markdown
from fittingroom.reports.run_view import RunView
from fittingroom.reports.study_report import study_page, view_study, write_study_markdown
from fittingroom.reports.study_view import StudyView
from fittingroom.reports.texts import Texts
from fittingroom.reports.tuning_final import final_of
from fittingroom.reports.tuning_report import tuning_page, write_tuning_markdown
from fittingroom.reports.tuning_view import FINAL_PAGE, TuningView
from fittingroom.runs import folder as files
from fittingroom.runs.run import Run, open_run
from fittingroom.studies import study as studies
from fittingroom.studies.study import Study, open_study
from fittingroom.tuning import tuning as tunings
from fittingroom.tuning.tuning import Tuning, open_tuning

FORMATS = ("html", "md")


def report(
    subject: Run | Study | Tuning | str | Path,
    out: str | Path | None = None,
    *,
    language: str = "en",
    format: str = "html",  # noqa: A002 - what the command line calls it too
    data: DataSplits | str | Path | None = None,
) -> Path:
    """Write the report of a run, a study or a tuning.

    The page of a tuning that has its final done leads to the final's own, which is written too
    where both lie in the tuning's folder.

    Parameters
    ----------
    subject
        A finished run, a study with at least one finished run, a tuning, or the folder of one.
    out
        The file to write; by default report.html or report.md in the folder.
    language
        "en" or "ko": the language of a Markdown report, and the one in which a page opens; a page
        has both.
    format
        "html", one page that needs nothing else, or "md", with its pictures in a folder beside it.
    data
        Where the pictures are now, or the data themselves; None for where they were. If they
        cannot be had any more, the report is written without pictures, and says so.

    Returns
    -------
    The path of the file.

    Raises
    ------
    FittingroomError
        If language or format are unknown, or there is no place to write to.
    RunError, StudyError, TuningError
        If the run or study is unfinished, something is damaged, or the file cannot be written.
    """
    if format not in FORMATS:
        raise FittingroomError(f"unknown format {format!r}; known are {', '.join(FORMATS)}")
    texts = Texts(language)
    found = find_subject(subject)
    path = choose_path(found, out, format)
    if isinstance(found, Tuning):
        write_tuning(found, data, texts, path, format)
    elif isinstance(found, Study):
        write_study(view_study(found, data), texts, path, format)
    else:
        write_run(view_run(found, data), texts, path, format)
    return path


def write_run(view: RunView, texts: Texts, path: Path, ending: str) -> None:
    """Write the report of a run in one of `FORMATS`."""
    if ending == "md":
        write_run_markdown(view, texts, path)
    else:
        files.write_text(path, run_page(view, texts))


def write_study(view: StudyView, texts: Texts, path: Path, ending: str) -> None:
    """Write the report of a study in one of `FORMATS`."""
    if ending == "md":
        write_study_markdown(view, texts, path)
    else:
        files.write_text(path, study_page(view, texts))


def write_tuning(
    tuning: Tuning, data: DataSplits | str | Path | None, texts: Texts, path: Path, ending: str
) -> None:
    """Write the report of a tuning in one of `FORMATS`, and as a page the final's beside it."""
    if ending == "md":
        write_tuning_markdown(TuningView(tuning), texts, path)
        return
    linked = final_of(tuning) is not None and path.parent.resolve() == tuning.folder.resolve()
    if linked and tuning.final is not None:
        write_study(view_study(tuning.final, data), texts, path.parent / FINAL_PAGE, "html")
    page = tuning_page(TuningView(tuning, linked), texts)
    files.write_text(path, page)


def find_subject(subject: Run | Study | Tuning | str | Path) -> Run | Study | Tuning:
    """Return the run, study or tuning that lies in a folder; one that is open already as it is.

    Raises
    ------
    RunError, StudyError, TuningError
        If it cannot be opened, or there is none.
    """
    if isinstance(subject, Run | Study | Tuning):
        return subject
    folder = Path(subject)
    if (folder / files.RECORD).is_file():
        return open_run(folder)
    if (folder / studies.RECORD).is_file():
        return open_study(folder)
    if (folder / tunings.RECORD).is_file():
        return open_tuning(folder)
    raise StudyError(
        f"{folder}: nothing to report on: expected the folder of a run, with {files.RECORD}, "
        f"of a study, with {studies.RECORD}, or of a tuning, with {tunings.RECORD}"
    )


def choose_path(subject: Run | Study | Tuning, out: str | Path | None, ending: str) -> Path:
    """Return where the report goes.

    Raises
    ------
    FittingroomError
        If the folder is not there, or nobody said where.
    """
    if out is None:
        if subject.folder is None:
            raise FittingroomError("say where to write the report: out=, or -o FILE")
        return subject.folder / f"report.{ending}"
    path = Path(out)
    if path.is_dir():
        return path / f"report.{ending}"
    if not path.parent.is_dir():
        raise FittingroomError(f"{path}: cannot be written: there is no folder {path.parent}")
    return path
