from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.reports.conftest import HOSTILE
from tests.reports.planting_tuning import (
    START,
    VARY,
    plant_tuning,
    searched,
    small_plan,
    trained_again,
    trial_at,
)
from tests.reports.test_study_report import Page

from fittingroom.reports import tuning_tables
from fittingroom.reports.report import find_subject, report
from fittingroom.reports.texts import load
from fittingroom.reports.tuning_view import TuningView
from fittingroom.tuning.plan import plan_of
from fittingroom.tuning.space import Parameter, Space
from fittingroom.tuning.tuning import Tuning

if TYPE_CHECKING:
    from playwright.sync_api import Browser

START_SCORES, BEST_SCORES = (0.882, 0.884, 0.881), (0.891, 0.894, 0.890)


def full(folder: Path, **fields: Any) -> Tuning:
    """Plant a tuning of four parameters, with trials of every kind and a final."""
    plan = plan_of(START, vary=VARY, trials=60, name="full", final_seeds=3, **fields)
    scores = {"start": START_SCORES, "best": BEST_SCORES}
    trials = searched(plan)
    again = trained_again(plan, trials)
    return plant_tuning(folder / "full", trials, plan, final=scores, again=again)


@pytest.fixture(scope="module")
def tuning(tmp_path_factory: pytest.TempPathFactory) -> Tuning:
    return full(tmp_path_factory.mktemp("tuning"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Tuning:
    """A tuning whose names, choices and reasons are markup."""
    choices: tuple[Any, ...] = (*HOSTILE, [1], None)
    choice = Parameter("<b>option</b>", "choice", choices=choices, in_options=True)
    usual = small_plan(name=HOSTILE[0])
    plan = replace(usual, space=Space((*usual.space.parameters, choice)))
    trials = [
        trial_at(plan, n, lr=0.001 * (n + 1), accuracy=0.8 + n / 100, **{choice.name: value})
        for n, value in enumerate(choices)
    ]
    values: dict[str, Any] = dict(trials[0].values)
    trials.append(trial_at(plan, 9, "failed", reason=HOSTILE[1], **values))
    return plant_tuning(tmp_path_factory.mktemp("hostile") / "t", trials, plan)


def written(tuning: Tuning, path: Path, **options: Any) -> str:
    return report(tuning, path, **options).read_text("utf-8")


def words_of(tuning: Tuning, path: Path, language: str = "en") -> str:
    """Return the words of a page in one language, without its style, script and code."""
    other = "ko" if language == "en" else "en"
    hidden = rf'<t?span lang="{other}">.*?</t?span>|<(style|script|pre)\b.*?</\1>'
    shown = re.sub(hidden, "", written(tuning, path), flags=re.DOTALL)
    return " ".join(Page(shown).words.split())


def without_code(markdown: str) -> str:
    """Return Markdown without its blocks of code, which show what they hold as it is."""
    return re.sub(r"^```.*?^```$", "", markdown, flags=re.DOTALL | re.MULTILINE)


def test_the_large_number_is_the_winner_s_test_accuracy_with_the_difference_to_the_start(
    tuning: Tuning, tmp_path: Path
) -> None:
    head = words_of(tuning, tmp_path).partition("Contents")[0]
    assert "89.17% test accuracy of the winner" in head
    assert "mean of 3 new seeds, 95% interval 88.65\N{EN DASH}89.68%" in head
    assert "+0.93 percentage points against the starting recipe" in head


def test_before_the_final_the_large_number_is_called_a_validation_accuracy(tmp_path: Path) -> None:
    plan = small_plan()
    tuning = plant_tuning(tmp_path / "t", [trial_at(plan, 0, lr=0.002, accuracy=0.876)], plan)
    head = words_of(tuning, tmp_path).partition("Contents")[0]
    assert "87.60% best validation accuracy" in head
    assert "flattering" in head
    assert "The test set has not been opened." in head


def test_every_section_is_there_and_every_link_leads_somewhere(
    tuning: Tuning, tmp_path: Path
) -> None:
    page = Page(written(tuning, tmp_path))
    titles = TuningView(tuning).titles
    assert [*titles] == [
        "done", "result", "final", "history", "importance", "rate", "slices", "best", "repeat",
        "cautions",
    ]  # fmt: skip
    assert {*titles} | {*page.links} <= {*page.ids}
    assert {*page.labels} <= {*page.ids}
    assert len(page.ids) == len({*page.ids})


def test_finalists_and_how_the_winner_was_picked_among_them_are_shown(
    tuning: Tuning, tmp_path: Path
) -> None:
    words = words_of(tuning, tmp_path)
    best = tuning.finalists[0]
    assert best == tuning.best
    assert best.number != tuning_tables.best_trials(tuning)[0].number
    assert "The best 3 trials were then trained again with 2 further seeds" in words
    assert (
        f"Trial {best.number} has the highest mean validation accuracy over 3 seeds of the 3 "
        f"finalists, the best of {len(tuning.complete)} complete trials: {100 * best.mean:.2f}%"
    ) in words
    assert "Mean of all seeds" in words
    assert "3, again with seeds 1, 2" in words
    assert "finalists.jsonl" in words
    assert "it need not stand highest" in words


def test_two_objectives_have_their_front(tmp_path: Path) -> None:
    tuning = full(tmp_path, objective="accuracy-seconds")
    assert "front" in TuningView(tuning).titles
    words = words_of(tuning, tmp_path)
    assert f"{len(tuning.front)} trials are on the front." in words
    for trial in tuning.front:
        assert f"trial {trial.number}: {100 * (trial.accuracy or 0):.2f}%" in words


def test_the_final_s_own_report_is_written_and_linked_in_the_tuning_s_folder_only(
    tmp_path: Path,
) -> None:
    tuning = full(tmp_path)
    elsewhere = Page(written(tuning, tmp_path / "elsewhere.html"))
    assert not (tuning.folder / "final" / "report.html").exists()
    assert "final/report.html" not in elsewhere.links
    here = Page(report(tuning.folder).read_text("utf-8"))
    assert "final/report.html" in here.links
    assert "Report of a study" in (tuning.folder / "final" / "report.html").read_text("utf-8")


def test_a_folder_of_a_tuning_is_known_as_one(tuning: Tuning) -> None:
    found = find_subject(tuning.folder)
    assert isinstance(found, Tuning)
    assert found.trials == tuning.trials


@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_key_of_a_text_is_left_and_no_number_is_missing(
    tuning: Tuning, tmp_path: Path, language: str
) -> None:
    words = words_of(tuning, tmp_path, language)
    markdown = without_code(written(tuning, tmp_path, format="md", language=language))
    for text in (words, markdown):
        assert not re.search(r"\btuning\.\w+\.|\bcharts\.\w+\.|\bNone\b|\bnan\b(?! in)", text)
        assert not re.search(r"\{\w+\}", text)
    assert bool(re.search("[가-힣]", words.replace("한국어", ""))) == (language == "ko")
    assert load(language)["tuning.kind"] in words


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_tuning_of_any_size_has_a_report(tmp_path: Path, count: int) -> None:
    plan = plan_of(START, vary=VARY, trials=9)
    trials = searched(plan)[:count]
    running = replace(searched(plan)[5], number=count, state="running", accuracy=None)
    tuning = plant_tuning(tmp_path / "t", [*trials, running], plan)
    for form in ("html", "md"):
        text = written(tuning, tmp_path, format=form)
        assert "None" not in Page(text).words
    assert "1 trial was still running" in Page(written(tuning, tmp_path)).words


def test_markdown_has_its_charts_beside_it_and_tables_that_hold_together(
    tuning: Tuning, hostile: Tuning, tmp_path: Path
) -> None:
    text = written(tuning, tmp_path / "full.md", format="md", language="ko")
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert len(pictures) == 5
    for picture in pictures:
        assert (tmp_path / picture).stat().st_size > 500
    for each in (text, written(hostile, tmp_path / "hostile.md", format="md")):
        for table in re.findall(r"(?:^\|.*\n)+", each, re.MULTILINE):
            rows = [len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()]
            assert len({*rows}) == 1, table
        assert not re.search("<img|<script", without_code(each))


def test_names_that_are_markup_show_as_text(hostile: Tuning, tmp_path: Path) -> None:
    html = written(hostile, tmp_path)
    page = Page(html)
    assert page.tags.count("script") == 2
    assert "img" not in page.tags
    for name in HOSTILE[:3]:
        assert name in page.words


class Looked:
    """A page in a browser, and what it complained of."""

    def __init__(self, browser: Browser, path: Path, width: int, **options: Any) -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 800}, **options)
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.context.set_offline(True)
        self.page.goto(path.as_uri())


@pytest.fixture(scope="module", params=["full", "hostile"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    subject = request.getfixturevalue({"full": "tuning"}.get(request.param, request.param))
    return report(subject, tmp_path_factory.mktemp("page"))


# Where words of a chart end left or right of its drawing, in its own pixels.
CUT_OFF = """() => [...document.querySelectorAll('.chart svg')].flatMap(svg => {
  const width = svg.viewBox.baseVal.width;
  return [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBBox()])
    .filter(([, box]) => box.width && (box.x < -1 || box.x + box.width > width + 1))
    .map(([words, box]) => [words, box.x, box.width, width]);
})"""


@pytest.mark.parametrize(("width", "shown"), [(1280, "wide"), (375, "narrow")])
def test_a_browser_shows_the_charts_that_fit_nothing_cut_off_and_runs_nothing_else(
    path: Path, browser: Browser, width: int, shown: str
) -> None:
    looked = Looked(browser, path, width)
    page = looked.page
    for kind in ("wide", "narrow"):
        charts = page.locator(f".chart-{kind}").all()
        assert len(charts) >= 3
        assert all(chart.is_visible() == (kind == shown) for chart in charts)
    for language in ("English", "한국어"):
        page.get_by_role("button", name=language).click()
        for summary in page.locator("summary").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CUT_OFF) == []
    assert page.evaluate("window.hacked === undefined")
    assert looked.complaints == []
    page.close()
