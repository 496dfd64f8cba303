"""The page as a person meets it: in Chromium, from a file, with the network off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from markupsafe import Markup
from tests.reports.conftest import HOSTILE, splits_of

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.reports.explorer import Explorer, Model
from fittingroom.reports.page import Section, environment, render_page
from fittingroom.reports.pictures import build_album
from fittingroom.reports.report import report
from fittingroom.reports.texts import Texts, say
from fittingroom.runs.train import train

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

Open = Callable[..., "Page"]

# The colours of a canvas, row by row, red green blue alpha each.
PIXELS = "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open a file offline; anything that it fetches or complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []
    requests: list[str] = []

    def open_(path: Path, fragment: str = "", **options: Any) -> Page:
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{path.resolve().as_uri()}{fragment}")
        if options.get("java_script_enabled", True):
            page.wait_for_selector(".explorer[data-ready]")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


@pytest.fixture
def path(run: fr.Run, shapes: DataSplits) -> Path:
    """The report of a run."""
    return report(run, data=shapes)


def cell_of(page: Page, true: int, predicted: int) -> Any:
    return page.locator(".matrix tbody tr").nth(true).locator("td").nth(predicted)


def shown_indices(page: Page) -> list[int]:
    found = page.locator(".pictures li").evaluate_all("items => items.map(i => +i.dataset.index)")
    return [int(index) for index in found]


def test_a_click_on_any_cell_shows_exactly_its_pictures(
    path: Path, run: fr.Run, shapes: DataSplits, open_page: Open
) -> None:
    page = open_page(path)
    evaluation = run.evaluation
    for true in range(4):
        for predicted in range(4):
            cell_of(page, true, predicted).click()
            of_cell = (evaluation.labels == true) & (evaluation.predicted == predicted)
            expected = np.flatnonzero(of_cell).tolist()
            found = shown_indices(page)
            assert sorted(found) == expected  # fewer right ones than are sampled
            confidence = evaluation.confidence[found]
            assert (np.diff(confidence) <= 0.001).all()  # the surest first, as far as is shown
            for place, index in enumerate(found):
                item = page.locator(".pictures li").nth(place)
                pixels = item.locator("canvas").evaluate(PIXELS)
                expected_pixels = 255 - shapes.test.images[index, 0]
                assert np.array_equal(np.reshape(pixels, (8, 8, 4))[..., 0], expected_pixels)
                classes = evaluation.classes
                text = item.inner_text()
                assert f"{100 * evaluation.confidence[index]:.1f}%" in text
                assert f"true: {classes[true]}; predicted: {classes[predicted]}" in text
            heading = page.locator(".cell h3").inner_text()
            assert evaluation.classes[true] in heading
            assert (f"predicted as {evaluation.classes[predicted]}" in heading) == (
                true != predicted
            )


def test_the_most_frequent_mistake_is_open_at_first(
    path: Path, run: fr.Run, open_page: Open
) -> None:
    pair = run.evaluation.most_confused[0]
    heading = open_page(path).locator(".cell h3").inner_text()
    assert heading == f"{pair.true}, predicted as {pair.predicted}"


def test_another_model_has_its_own_matrix_and_pictures(
    shapes: DataSplits, isolated: Path, open_page: Open
) -> None:
    models = [
        Model(name, train("two-layer", shapes, epochs=1, lr=lr, figures=False).evaluation)
        for name, lr in (("slow", 0.0002), ("<b>fast</b>", 0.005))
    ]
    album = build_album([model.evaluation for model in models], shapes.test)
    pieces = '{% from "pieces.html.jinja" import explorer with context %}{{ explorer(view) }}'
    texts = Texts("en")
    template = environment(texts).from_string(pieces)
    html = template.render(view=Explorer("explorer", models, album))
    section = Section("confusion", "run.sections.confusion", Markup(html))  # noqa: S704
    title = say("run.title", model="two", data="shapes")
    content = render_page(texts, title=title, kind=say("run.kind"), sections=[section])
    Path("two.html").write_text(content, "utf-8")
    page = open_page(Path("two.html"))
    for chosen in (1, 0):
        page.locator("select.model").select_option(index=chosen)
        evaluation = models[chosen].evaluation
        numbers = page.locator(".matrix tbody td").all_inner_texts()
        assert numbers == [str(count) for count in evaluation.confusion.ravel()]
        for true, predicted in ((0, 1), (1, 0), (3, 2), (2, 2)):
            cell_of(page, true, predicted).click()
            of_cell = (evaluation.labels == true) & (evaluation.predicted == predicted)
            expected = np.flatnonzero(of_cell & np.isin(np.arange(80), album.indices))
            assert sorted(shown_indices(page)) == expected.tolist()
            if true != predicted:
                assert len(expected) == evaluation.confusion[true, predicted]


def test_counts_and_shares_are_switched(path: Path, run: fr.Run, open_page: Open) -> None:
    page = open_page(path)
    confusion = run.evaluation.confusion

    def numbers() -> list[str]:
        return page.locator(".matrix tbody td").all_inner_texts()

    assert numbers() == [str(count) for count in confusion.ravel()]
    page.get_by_role("button", name="Share of the row").click()
    shares = confusion / confusion.sum(axis=1, keepdims=True)
    assert numbers() == [f"{100 * share:.1f}%" for share in shares.ravel()]
    page.get_by_role("button", name="Counts").click()
    assert numbers() == [str(count) for count in confusion.ravel()]


def test_the_language_is_switched_in_the_whole_page(path: Path, open_page: Open) -> None:
    page = open_page(path)
    root = page.locator("html")
    assert root.get_attribute("lang") == "en"
    assert page.get_by_role("heading", name="Class by class").is_visible()
    page.get_by_role("button", name="한국어").click()
    assert root.get_attribute("lang") == "ko"
    assert page.title() == "shapes 분류: two-layer 모델"
    assert page.get_by_role("heading", name="클래스별 점수").is_visible()
    assert page.locator('[lang="en"]:not(html)').evaluate_all(
        "spans => spans.every(span => getComputedStyle(span).display === 'none')"
    )
    cell_of(page, 0, 0).click()
    assert page.locator(".cell h3").inner_text() == "left: 맞힌 예측"


def test_a_fragment_chooses_the_language(path: Path, open_page: Open) -> None:
    assert open_page(path, "#ko").locator("html").get_attribute("lang") == "ko"
    assert open_page(path, "#cautions").locator("html").get_attribute("lang") == "en"


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_dark_follows_the_system_and_the_switch(path: Path, open_page: Open) -> None:
    page = open_page(path, color_scheme="dark")
    dark = background(page)
    page.get_by_role("button", name="Light").click()
    light = background(page)
    assert light != dark
    page.get_by_role("button", name="Auto").click()
    assert background(page) == dark
    other = open_page(path, color_scheme="light")
    assert background(other) == light
    other.get_by_role("button", name="Dark").click()
    assert background(other) == dark
    other.emulate_media(media="print")
    assert background(other) != dark


CONTRASTS = """() => {
  const numbers = colour => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const linear = value =>
      (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const behind = element => {
    const layers = [];
    for (let node = element; node; node = node.parentElement) {
      const found = getComputedStyle(node).backgroundColor.match(/[\\d.]+/g).map(Number);
      layers.push([found[0], found[1], found[2], found[3] ?? 1]);
    }
    return layers.reverse().reduce((under, [r, g, b, alpha]) =>
      [r, g, b].map((value, i) => value * alpha + under[i] * (1 - alpha)), [255, 255, 255]);
  };
  const poor = [];
  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!text || !element.checkVisibility() || element.closest('svg, script')) continue;
    const pair = [light(numbers(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (contrast < 4.5) poor.push([element.className || element.tagName, contrast]);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_against_its_ground(
    path: Path, open_page: Open, scheme: str
) -> None:
    """Contrast at least 4.5 to 1 (WCAG 2.2, 1.4.3), cells of the matrix included."""
    page = open_page(path, color_scheme=scheme)
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate(CONTRASTS) == []


def test_the_matrix_is_used_with_the_keyboard_alone(
    path: Path, run: fr.Run, open_page: Open
) -> None:
    page = open_page(path)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "TD":
            break
    for key in ("Home", "PageUp", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    evaluation = run.evaluation
    assert page.locator(".cell h3").inner_text() == "top, predicted as left"
    expected = np.flatnonzero((evaluation.labels == 2) & (evaluation.predicted == 0))
    assert sorted(shown_indices(page)) == expected.tolist()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    assert page.locator(".cell h3").inner_text() == "right, predicted as left"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") != "TD"


def test_hostile_names_run_nothing(run_on: Callable[[DataSplits], fr.Run], open_page: Open) -> None:
    splits = splits_of(HOSTILE)
    page = open_page(report(run_on(splits), data=splits))
    for true in range(len(HOSTILE)):
        for predicted in range(len(HOSTILE)):
            cell_of(page, true, predicted).click()
            text = page.locator(".cell h3").inner_text()
            assert HOSTILE[true] in text
            assert HOSTILE[predicted] in text
    assert page.evaluate("window.hacked") is None
    assert page.locator("script").count() == 3


def test_a_script_that_got_in_would_not_run(path: Path, browser: Browser) -> None:
    """The policy of the page lets nothing run but the script that it names."""
    text = path.read_text("utf-8")
    path.write_text(text.replace("<main", "<script>window.hacked = 1</script><main", 1), "utf-8")
    page = browser.new_page()
    page.goto(path.resolve().as_uri())
    assert page.evaluate("window.hacked") is None
    page.close()


def test_it_prints_with_everything_unfolded(path: Path, open_page: Open) -> None:
    page = open_page(path)
    pdf = page.pdf(prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF-")
    assert len(pdf) > 20_000
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_is_wider_than_the_window(path: Path, open_page: Open, width: int) -> None:
    for language in ("#en", "#ko"):
        page = open_page(path, language, viewport={"width": width, "height": 800})
        for summary in page.locator("summary").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_javascript_texts_and_tables_are_there(
    path: Path, run: fr.Run, open_page: Open
) -> None:
    page = open_page(path, java_script_enabled=False)
    assert page.get_by_text("Without JavaScript").is_visible()
    assert page.get_by_role("heading", name="Class by class").is_visible()
    assert not page.get_by_role("heading", name="클래스별 점수").is_visible()
    numbers = page.locator(".matrix tbody td").all_inner_texts()
    assert numbers == [str(count) for count in run.evaluation.confusion.ravel()]
    assert not page.locator(".cell").is_visible()


def test_a_report_without_pictures_says_so_and_works(run: fr.Run, open_page: Open) -> None:
    page = open_page(report(run))
    assert page.get_by_text("The pictures themselves are not in this report").is_visible()
    true, predicted = divmod(int(run.evaluation.confusion.argmax()), 4)
    cell_of(page, true, predicted).click()
    assert shown_indices(page) == []
    assert "Pictures: " in page.locator(".cell .count").inner_text()
