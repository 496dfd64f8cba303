from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.reports.planting import BAD, GOOD, plant_study

from fittingroom.reports.report import report
from fittingroom.reports.study_report import view_study
from fittingroom.studies.study import Study

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = '</script><img src=x onerror="window.hacked=1">|`*_ 한글 🙂'
CLAIMS = [{"id": "1", "kind": "better", "pairs": [["good", "bad"]], "text": HOSTILE}]
RECORDED = [
    {
        "id": "1",
        "accuracy": 0.9,
        "settings": ["good", "bad"],
        "label": HOSTILE,
        "note": HOSTILE,
    }
]


class Page(HTMLParser):
    """The ids, links, headings and tags of a page, and its words outside of scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.labels: list[str] = []
        self.tags: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name == "href":
                self.links.append(str(value).lstrip("#"))
            if name == "aria-labelledby":
                self.labels.append(str(value))

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture
def study(tmp_path: Path) -> Study:
    accuracies = {"good": GOOD, "bad": BAD, HOSTILE: [a + 0.05 for a in BAD]}
    return plant_study(
        tmp_path, accuracies, claims=CLAIMS, recorded=RECORDED, title=HOSTILE, about=HOSTILE
    )


def written(study: Study, path: Path, **options: str) -> str:
    return report(study, path / f"report.{options.get('format', 'html')}", **options).read_text()


def test_a_page_has_every_section_and_every_link_leads_somewhere(
    study: Study, tmp_path: Path
) -> None:
    page = Page(written(study, tmp_path))
    assert {*view_study(study).titles} <= {*page.ids}
    assert {*page.links} <= {*page.ids}
    assert {*page.labels} <= {*page.ids}
    assert len(page.ids) == len({*page.ids})


def test_names_show_as_text(study: Study, tmp_path: Path) -> None:
    html = written(study, tmp_path)
    page = Page(html)
    assert HOSTILE in page.words
    assert "img" not in page.tags
    assert "<img src=x" not in html


def test_without_the_data_the_report_says_that_the_pictures_are_missing(
    study: Study, tmp_path: Path
) -> None:
    assert view_study(study).pictures is None
    assert "the data could not be read again" in Page(written(study, tmp_path)).words


@pytest.mark.parametrize("seeds", [1, 2])
@pytest.mark.parametrize("settings", [1, 3])
def test_any_size_is_reported_in_both_forms_and_languages(
    tmp_path: Path, seeds: int, settings: int
) -> None:
    accuracies = {f"s{n}": [a - n / 100 for a in GOOD[:seeds]] for n in range(settings)}
    study = plant_study(tmp_path / "study", accuracies)
    titles = view_study(study).titles
    assert ("pairs" in titles) == ("cost" in titles) == (settings > 1)
    assert "claims" not in titles
    assert "recorded" not in titles
    for language in ("en", "ko"):
        for form in ("html", "md"):
            text = written(study, tmp_path, language=language, format=form)
            assert "None" not in Page(text).words
            assert "nan" not in re.findall(r"\b\w+\b", Page(text).words)


def test_markdown_has_its_pictures_beside_it_and_tables_that_hold_together(
    study: Study, tmp_path: Path
) -> None:
    text = written(study, tmp_path, format="md", language="ko")
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert len(pictures) == 5
    for picture in pictures:
        assert (tmp_path / picture).stat().st_size > 500
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = [len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()]
        assert len({*rows}) == 1, table
    assert "<img" not in text


def test_one_seed_has_neither_intervals_nor_significance(tmp_path: Path) -> None:
    study = plant_study(tmp_path, {"good": GOOD[:1], "bad": BAD[:1]}, claims=CLAIMS)
    words = Page(written(study, tmp_path)).words
    assert "one seed: no interval" in words
    assert "is significantly" not in words


@pytest.mark.parametrize(("width", "shown"), [(1280, "wide"), (375, "narrow")])
def test_a_browser_shows_the_charts_that_fit_and_runs_nothing_else(
    study: Study, tmp_path: Path, browser: Browser, width: int, shown: str
) -> None:
    written(study, tmp_path)
    page = browser.new_page(viewport={"width": width, "height": 800})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.context.set_offline(True)
    page.goto((tmp_path / "report.html").as_uri())
    for kind in ("wide", "narrow"):
        charts = page.locator(f".chart-{kind}")
        # Ranking, curves, cost, calibration; the narrow curves have a second row, a part by itself.
        assert charts.count() == (4 if kind == "wide" else 5)
        assert all(chart.is_visible() == (kind == shown) for chart in charts.all())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.hacked === undefined")
    assert complaints == []
    page.close()


def test_the_choice_of_a_language_changes_the_charts_too(
    study: Study, tmp_path: Path, browser: Browser
) -> None:
    written(study, tmp_path)
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto((tmp_path / "report.html").as_uri())
    english, korean = (
        page.locator(f".chart-wide tspan[lang={language}]").first for language in ("en", "ko")
    )
    assert (english.is_visible(), korean.is_visible()) == (True, False)
    page.get_by_role("button", name="한국어").click()
    assert (english.is_visible(), korean.is_visible()) == (False, True)
    page.close()
