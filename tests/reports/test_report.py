from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.reports.conftest import HOSTILE, splits_of

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import FittingroomError, RunError, StudyError
from fittingroom.reports.report import report
from fittingroom.runs import folder as files


class Elements(HTMLParser):
    """Every tag with its attributes, and the text between."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def page_of(run: fr.Run, data: DataSplits | None = None, **options: Any) -> str:
    return report(run, data=data, **options).read_text("utf-8")


def test_a_report_lies_in_the_run_s_folder_unless_told_otherwise(
    run: fr.Run, shapes: DataSplits, tmp_path: Path
) -> None:
    assert report(run, data=shapes) == run.folder / "report.html"
    assert report(run.folder, data=shapes, format="md") == run.folder / "report.md"
    assert report(run, tmp_path / "a.html", data=shapes) == tmp_path / "a.html"
    assert report(str(run.folder), str(tmp_path), data=shapes) == tmp_path / "report.html"


def test_the_page_holds_everything_itself(run: fr.Run, shapes: DataSplits) -> None:
    elements = Elements(page_of(run, shapes))
    for _, attributes in elements.tags:
        for name in ("src", "href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#"))
    assert {"link", "iframe", "object", "embed"}.isdisjoint(tag for tag, _ in elements.tags)
    policy = next(a["content"] for t, a in elements.tags if t == "meta" and "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_the_page_says_the_run_s_numbers(run: fr.Run, shapes: DataSplits) -> None:
    text = Elements(page_of(run, shapes)).text
    evaluation = run.evaluation
    low, high = evaluation.interval
    assert f"{100 * evaluation.accuracy:.2f}%" in text
    assert f"{100 * low:.2f}\N{EN DASH}{100 * high:.2f}%" in text
    assert shapes.fingerprint in text
    assert "216 / 24 / 80" in text
    for name, digest in run.record["files"].items():
        assert name in text
        assert digest in text
    for epoch in run.history:
        assert f"{epoch.train_loss:.4f}" in text
    for score in evaluation.per_class:
        assert f"{100 * score.recall:.1f}%" in text


def test_a_heading_follows_the_one_above_it_and_every_table_has_a_caption(
    run: fr.Run, shapes: DataSplits
) -> None:
    elements = Elements(page_of(run, shapes))
    levels = [int(tag[1]) for tag, _ in elements.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert elements.count("table") == elements.count("caption") > 3
    assert elements.count("main") == elements.count("nav") == elements.count("footer") == 1
    ids = [attributes["id"] for _, attributes in elements.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in elements.tags:
        names = (attributes.get("aria-labelledby") or "").split()
        assert set(names) <= set(ids)
        if (attributes.get("href") or "").startswith("#"):
            assert (attributes["href"] or "")[1:] in ids


def test_every_sentence_is_there_in_both_languages(run: fr.Run, shapes: DataSplits) -> None:
    elements = Elements(page_of(run, shapes))
    spans = [attributes.get("lang") for tag, attributes in elements.tags if tag == "span"]
    assert spans.count("en") == spans.count("ko") > 100


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_opens_in_the_language_asked_for(
    run: fr.Run, shapes: DataSplits, language: str
) -> None:
    page = page_of(run, shapes, language=language)
    assert f'<html lang="{language}" data-language="{language}">' in page
    title = {"en": "two-layer on shapes", "ko": "shapes 분류: two-layer 모델"}[language]
    assert f"<title>{title}</title>" in page


def test_markdown_is_in_one_language_with_its_pictures(run: fr.Run, shapes: DataSplits) -> None:
    for language, heading in (("en", "Class by class"), ("ko", "클래스별 점수")):
        path = report(run, data=shapes, format="md", language=language)
        text = path.read_text("utf-8")
        assert f"## {heading}" in text
        assert bool(re.search("[가-힣]", text)) == (language == "ko")
        pictures = re.findall(r"\]\((\S+)\)", text)
        assert len(pictures) == 4
        for picture in pictures:
            assert (path.parent / picture).stat().st_size > 1000


def test_tables_in_markdown_have_as_many_cells_in_each_row(
    run_on: Callable[[DataSplits], fr.Run],
) -> None:
    splits = splits_of(HOSTILE)
    path = report(run_on(splits), data=splits, format="md")
    table: list[int] = []
    for line in [*path.read_text("utf-8").splitlines(), ""]:
        cells = len(re.findall(r"(?<!\\)\|", line))
        if line.startswith("|"):
            table.append(cells)
        elif table:
            assert len(set(table)) == 1, table
            assert len(table) > 2
            table = []


def test_hostile_names_are_text_everywhere(run_on: Callable[[DataSplits], fr.Run]) -> None:
    splits = splits_of(HOSTILE)
    run = run_on(splits)
    elements = Elements(page_of(run, splits))
    assert elements.count("script") == 3  # texts, the matrix, and the page's own
    for name in HOSTILE:
        assert name in elements.text
    for _, attributes in elements.tags:
        assert not any(attribute.startswith("on") for attribute in attributes)
    text = report(run, data=splits, format="md").read_text("utf-8")
    assert "<script" not in text
    assert "<img" not in text
    assert not re.search(r"(?<!\\)\]\(javascript:", text)


def test_sketches_are_called_sketches(run_on: Callable[[DataSplits], fr.Run]) -> None:
    for sketches in (False, True):
        splits = splits_of(("a", "b"), sketches=sketches)
        run = run_on(splits)
        page = Elements(page_of(run, splits)).text
        text = report(run, data=splits, format="md").read_text("utf-8")
        assert ("sketches that the program drew itself" in page) == sketches
        assert ("sketches that the program drew itself" in text) == sketches


def test_without_the_data_the_report_is_written_without_pictures_and_says_so(
    run: fr.Run,
) -> None:
    page = page_of(run)
    assert "The pictures themselves are not in this report" in page
    assert "data:image" not in page
    assert f"{100 * run.evaluation.accuracy:.2f}%" in page
    text = report(run, format="md").read_text("utf-8")
    assert "The pictures themselves are not in this report" in text
    assert "mistakes.png" not in text


def test_other_data_are_no_pictures_of_this_run(run: fr.Run) -> None:
    page = page_of(run, splits_of(("a", "b")))
    assert "not the data of run" in page


def test_a_class_without_pictures_and_one_picture_alone_are_reported(
    run_on: Callable[[DataSplits], fr.Run],
) -> None:
    splits = splits_of(("a", "b", "c"))
    first = splits.test.subset(splits.test.labels.argsort()[:1])
    alone = DataSplits("noise", "made for a test", splits.learning, first)
    text = Elements(page_of(run_on(alone), alone)).text
    assert "Not judged, for want of test pictures, 2 classes are: b, c." in text
    assert "1 test picture is few" in text


def test_a_hundred_classes_are_reported(run_on: Callable[[DataSplits], fr.Run]) -> None:
    splits = splits_of(tuple(f"class {number}" for number in range(100)))
    page = page_of(run_on(splits), splits)
    assert 'class="explorer dense upright"' in page
    assert len(page) < 5_000_000


def test_of_very_many_classes_the_matrix_is_left_out(
    run_on: Callable[[DataSplits], fr.Run],
) -> None:
    splits = splits_of(tuple(f"class {number}" for number in range(200)))
    page = page_of(run_on(splits), splits)
    assert "A matrix of 200 classes is too large for a page" in page
    assert 'class="matrix"' not in page
    assert "data:image" in page  # the most confident mistakes are there


def test_the_page_is_the_same_file_when_written_again(run: fr.Run, shapes: DataSplits) -> None:
    assert page_of(run, shapes) == page_of(run, shapes)


def test_what_cannot_be_reported_on_is_one_line(run: fr.Run, tmp_path: Path) -> None:
    with pytest.raises(FittingroomError, match="unknown language 'fr'; known are en, ko"):
        report(run, language="fr")
    with pytest.raises(FittingroomError, match="unknown format 'pdf'; known are html, md"):
        report(run, format="pdf")
    with pytest.raises(StudyError, match=r"expected the folder of a run, with run\.json"):
        report(tmp_path)
    with pytest.raises(FittingroomError, match="there is no folder"):
        report(run, tmp_path / "nowhere" / "a.html")


def test_an_unfinished_run_has_no_report_yet(run: fr.Run) -> None:
    files.write_record(run.folder / files.RECORD, run.record | {"status": "interrupted"})
    with pytest.raises(RunError, match=r"no report yet: the run is interrupted; .*--resume"):
        report(run.folder)


def test_a_damaged_run_is_refused(run: fr.Run) -> None:
    path = run.folder / files.HISTORY
    path.write_text(path.read_text("utf-8").replace("1", "2"), "utf-8")
    with pytest.raises(RunError, match="damaged or replaced"):
        report(run.folder)


def test_heavy_libraries_wait_until_a_report_is_written() -> None:
    code = (
        "import sys, fittingroom.reports.report;"
        "print([m for m in ('jinja2', 'PIL', 'matplotlib', 'sklearn') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout.strip() == "[]", found.stderr
