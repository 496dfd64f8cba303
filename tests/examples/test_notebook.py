"""The notebook runs from top to bottom in a real kernel, without network: on the sketches."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook.ipynb"

Book = Any
Cell = Any


def read() -> Book:
    return nbformat.reads(NOTEBOOK.read_text("utf-8"), as_version=4)  # type: ignore[no-untyped-call]


def code_cells(book: Book) -> list[Cell]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def shown(cell: Cell, kind: str) -> str:
    """Return what a cell's value shows of a kind, e.g. text/html; empty for nothing."""
    found = [output.data.get(kind, "") for output in cell.outputs if "data" in output]
    return "".join(found)


def test_it_is_kept_without_outputs_and_says_everything_in_both_languages() -> None:
    book = read()
    nbformat.validate(book)
    assert set(book.metadata) == {"kernelspec", "language_info"}
    for cell in book.cells:
        assert not cell.metadata
        if cell.cell_type == "code":
            assert cell.execution_count is None
            assert cell.outputs == []
        else:
            korean = re.search("[가-힣]", cell.source)
            english = re.search(r"^[A-Z][a-z]*\b.*[.?:]", cell.source, re.MULTILINE)
            assert korean is not None
            assert english is not None
            assert korean.start() < english.start()
    assert 10 <= len(code_cells(book)) <= 15


@pytest.mark.slow
def test_it_runs_and_every_value_shows_itself(
    isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbclient import NotebookClient

    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(isolated / "jupyter"))
    book = read()
    kernel = {"metadata": {"path": str(isolated)}}
    NotebookClient(book, timeout=600, kernel_name="python3", resources=kernel).execute()
    cells = code_cells(book)
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert kinds <= {"execute_result", "stream"}
    errors = [o.text for cell in cells for o in cell.outputs if o.get("name") == "stderr"]
    assert errors == []

    for cell in cells:
        last_line = cell.source.splitlines()[-1]
        if ".plot()" in last_line or last_line.startswith("figures."):
            picture = base64.b64decode(shown(cell, "image/png"))
            assert picture.startswith(b"\x89PNG")
            assert len(picture) > 5_000

    first, *_ = cells
    assert "Built-in sketches, not Fashion-MNIST" in shown(first, "text/html")
    tables = [shown(cell, "text/html") for cell in cells if shown(cell, "text/html")]
    assert len(tables) == 4
    assert all("<table" in html for html in tables)
    _, run, evaluation, study = tables
    for html in (run, evaluation):
        accuracy = re.search(r"Accuracy ([\d.]+)%", html)
        assert accuracy
        assert 50 < float(accuracy[1]) < 100
    assert "9 of 9 runs finished" in study
    assert study.count("learning rate 0.") == 3
    assert "0.0001 underfits" in study

    report = (isolated / "report.html").read_text("utf-8")
    assert "학습률 비교" in report
    assert len(list((isolated / "runs").iterdir())) == 2
    assert len(list((isolated / "studies" / "learning-rates" / "runs").iterdir())) == 9
