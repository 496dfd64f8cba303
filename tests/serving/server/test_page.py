"""The page as a person meets it: in Chromium, before a server that answers by trained runs."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.conftest import free_port
from tests.reports import conftest as of_reports
from tests.reports.test_page import CONTRASTS, background
from tests.serving.conftest import enlarged, png

import fittingroom as fr
import fittingroom.serving.server.page as room
from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.data.fashion_mnist import CLASSES
from fittingroom.errors import FittingroomError
from fittingroom.reports.texts import LANGUAGES, parameters
from fittingroom.runs.run import open_run
from fittingroom.serving.predict import WARNINGS, predict
from fittingroom.serving.predictor import RunPredictor
from fittingroom.serving.server.page import POLICY, STATIC, index_page, matrix_page, names, texts

pytest.importorskip("fastapi", reason="the page is served by FastAPI")

from fittingroom.serving.server.app import build_app
from fittingroom.serving.server.running import Server, listen
from fittingroom.serving.server.served import ServedModel, ServedModels
from fittingroom.serving.server.service import Service

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route

FOLDER = Path(room.__file__).parent
browser = of_reports.browser
SURE, OTHER = "fast-run", "another <b>run</b>"
# What Chromium logs of every refusal, and of a canvas that a test looks at.
EXPECTED = re.compile("Failed to load resource|willReadFrequently")


# --- texts and policy ---------------------------------------------------------------------------


def test_no_text_is_missing_in_a_language() -> None:
    known = {language: texts(language) for language in LANGUAGES}
    assert known["en"].keys() == known["ko"].keys()
    for key in known["en"]:
        assert parameters(known["en"][key]) == parameters(known["ko"][key]), key
        assert all(known[language][key].strip() for language in LANGUAGES), key
        assert not re.search("[가-힣]", known["en"][key]), key
        words = re.sub(r"\{[^{}]*\}", "", known["ko"][key])
        assert re.search("[가-힣]", words) or not re.search(r"[a-z]{3}", words), key


def test_every_text_is_used_and_every_text_that_is_used_is_there() -> None:
    source = (FOLDER / "page.js").read_text("utf-8") + index_page("en").html
    source = source[: source.index('id="texts"')] + (FOLDER / "page.html.jinja").read_text("utf-8")
    found = set(re.findall(r"""["'`](\w+\.[\w-]+)["'`]""", source)) - {"drawing.png"}
    starts = tuple(re.findall(r"""["'`](\w+\.[\w-]*)(?:\$\{|["'] ~)""", source))
    known = texts("en")
    assert [key for key in known if key not in found and not key.startswith(starts)] == []
    tables = {key.split(".")[0] for key in known}
    assert [key for key in found if key.split(".")[0] in tables and key not in known] == []


def test_every_warning_says_what_is_wrong_and_what_to_do() -> None:
    for language in LANGUAGES:
        for code in (*WARNINGS, "other"):
            assert {f"warn.{code}", f"warn.{code}-do"} <= texts(language).keys()


def test_every_class_of_fashion_mnist_has_its_korean_name() -> None:
    assert set(names()) == set(CLASSES)


@pytest.mark.parametrize("language", ["en", "ko", "auto"])
def test_the_page_holds_nothing_that_its_policy_forbids(language: str) -> None:
    page = index_page(language)
    assert page.policy == POLICY
    assert "unsafe" not in page.policy
    assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:", page.html)
    scripts = re.findall(r"<script[^>]*>", page.html)
    assert [tag for tag in scripts if "src=" not in tag] == [
        '<script type="application/json" id="texts">'
    ]
    links = re.findall(r'(?:src|href)="([^"]*)"', page.html)
    assert {link for link in links if not link.startswith("#")} == {
        f"/static/{name}" for name in STATIC
    }
    assert not any(
        re.search(r"url\(|@import|https?:", STATIC[f"page.{end}"][1]) for end in ("css", "js")
    )
    assert not re.search("innerHTML|outerHTML|insertAdjacentHTML|eval", STATIC["page.js"][1])


def test_an_unknown_language_is_refused_with_the_known_ones() -> None:
    with pytest.raises(FittingroomError, match="'fr'; known are auto, en, ko"):
        index_page("fr")


def test_the_matrix_page_is_the_reports_own_with_a_way_back(
    garments_run: fr.Run, garments: DataSplits
) -> None:
    page = matrix_page(garments_run, garments, "ko")
    assert re.findall(r'<section id="(\w+)"', page.html) == ["confusion", "classes", "mistakes"]
    assert '<a href="/">' in page.html
    assert "frame-ancestors 'none'" in page.policy
    own = re.search(r'Security-Policy" content="([^"]*)"', page.html)
    assert own is not None
    assert page.policy.startswith(own[1])


# --- a server, and a browser before it ----------------------------------------------------------


class Running:
    """The application in a thread, which can be stopped and started again at its port."""

    def __init__(self, models: list[ServedModel]) -> None:
        self.models, self.port = models, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        began = threading.Event()
        app = build_app(Service(ServedModels(self.models)))
        self.server = Server(app, began.set)
        sockets = listen("127.0.0.1", self.port)
        self.thread = threading.Thread(target=self.server.run, args=(sockets,))
        self.thread.start()
        assert began.wait(60)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(60)


@pytest.fixture(scope="module")
def runs(
    garments_run: fr.Run, garments: DataSplits, tmp_path_factory: pytest.TempPathFactory
) -> list[fr.Run]:
    """Two runs: one that is right most often, and one that has learned from shuffled labels."""
    rng = np.random.default_rng(0)
    learning = garments.learning
    wrong = ImageDataset(learning.images, rng.permutation(learning.labels), learning.classes)
    shuffled = DataSplits("shuffled", "made for a test", wrong, garments.test, sketches=True)
    folder = tmp_path_factory.mktemp("other")
    other = fr.train(
        "two-layer", shuffled, protocol="notebook", epochs=1, out=folder, figures=False
    )
    RunPredictor(other, shuffled)  # what it needs for photos is kept with the run
    return [garments_run, other]


def opened(run: fr.Run) -> RunPredictor:
    """Open a run anew: a predictor answers one thread at a time, and each server has its own."""
    assert run.folder is not None
    return RunPredictor(open_run(run.folder))


@pytest.fixture(scope="module")
def judges(runs: list[fr.Run]) -> list[RunPredictor]:
    """What the answers of the servers are compared with."""
    return [opened(run) for run in runs]


@pytest.fixture(scope="module")
def server(runs: list[fr.Run]) -> Iterator[Running]:
    """A server of both."""
    names = (SURE, OTHER)
    models = [ServedModel(name, opened(run)) for name, run in zip(names, runs, strict=True)]
    running = Running(models)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def alone(runs: list[fr.Run]) -> Iterator[Running]:
    """A server of the first."""
    running = Running([ServedModel(SURE, opened(runs[0]))])
    yield running
    running.stop()


Open = Callable[..., "Page"]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open the page; a complaint in the console or a request elsewhere fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []
    requests: list[str] = []
    hosts: list[str] = ["data:", "blob:"]

    def open_(running: Running, language: str = "en", **options: Any) -> Page:
        context = browser.new_context(locale={"en": "en-GB", "ko": "ko-KR"}[language], **options)
        contexts.append(context)
        hosts.append(running.url)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        # Playwright asks for choosers only once somebody listens, and may then miss the first.
        page.on("filechooser", lambda _chooser: None)
        page.goto(running.url)
        page.wait_for_selector(".choices")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert [text for text in complaints if not EXPECTED.search(text)] == []
    assert [url for url in requests if not url.startswith(tuple(hosts))] == []


def picture(content: bytes, name: str = "boot.png", kind: str = "image/png") -> dict[str, Any]:
    return {"name": name, "mimeType": kind, "buffer": content}


def give(page: Page, *contents: bytes) -> None:
    """Choose pictures, and wait for their answers."""
    pictures = [picture(content, f"{place}.png") for place, content in enumerate(contents)]
    page.locator("#files").set_input_files(pictures)  # type: ignore[arg-type]
    for card in page.locator(".card").all():
        card.locator(".answer").first.wait_for()


def transfer(page: Page, *contents: bytes, kind: str = "image/png") -> Any:
    """Return what is dropped or pasted, in the page."""
    return page.evaluate_handle(
        """([contents, kind]) => {
          const made = new DataTransfer();
          contents.forEach((content, place) => {
            const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
            made.items.add(new File([bytes], `dropped-${place}`, { type: kind }));
          });
          return made;
        }""",
        [[base64.b64encode(content).decode() for content in contents], kind],
    )


def headline(page: Page, place: int = 0) -> str:
    return page.locator(".card").nth(place).locator(".headline-answer strong").first.inner_text()


def right_ones(judge: RunPredictor, garments: DataSplits, count: int) -> list[int]:
    """Return test pictures of different classes that the first model answers, and believes."""
    found: dict[str, int] = {}
    for place in range(200):
        prediction = predict(judge, png(enlarged(garments.test.images[place, 0])))[0]
        if prediction.believable and not prediction.warnings:
            found.setdefault(prediction.answer, place)
        if len(found) == count:
            return list(found.values())
    raise AssertionError(found)


@pytest.fixture(scope="module")
def known(judges: list[RunPredictor], garments: DataSplits) -> list[bytes]:
    """Photos of two kinds of things that the first model knows."""
    places = right_ones(judges[0], garments, 2)
    return [png(enlarged(garments.test.images[place, 0])) for place in places]


# A chessboard, unlike every garment.
STRANGE = png(enlarged((255 * ((np.indices((28, 28)) // 2).sum(axis=0) % 2)).astype(np.uint8)))


# --- giving pictures ----------------------------------------------------------------------------


def test_pictures_that_are_chosen_are_answered_as_the_library_does(
    alone: Running, judges: list[RunPredictor], known: list[bytes], open_page: Open
) -> None:
    page = open_page(alone)
    give(page, *known)
    expected = predict(judges[0], known)
    assert page.locator(".card h3").all_inner_texts() == ["0.png", "1.png"]
    for place, prediction in enumerate(expected):
        assert headline(page, place) == prediction.answer
        card = page.locator(".card").nth(place)
        ranked = card.locator(".ranking .class").all_inner_texts()
        assert ranked == [name for name, _ in prediction.ranked[:3]]
        card.get_by_role("button", name="All 10 classes").click()
        ranked = card.locator(".ranking .class").all_inner_texts()
        assert ranked == [name for name, _ in prediction.ranked]
        photo, box = card.evaluate(
            "card => ['.photo img', '.box'].map(name => "
            "card.querySelector(name).getBoundingClientRect().toJSON())"
        )
        assert prediction.photo.box is not None
        scale = photo["width"] / prediction.photo.shown.width
        left, top, right, bottom = (scale * side for side in prediction.photo.box)
        found = (box["x"] - photo["x"], box["y"] - photo["y"], box["width"], box["height"])
        assert found == pytest.approx((left, top, right - left, bottom - top), abs=1)


def test_a_picture_that_is_taken_with_the_camera_is_answered(
    alone: Running, known: list[bytes], open_page: Open
) -> None:
    page = open_page(alone, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    assert page.locator("#camera").get_attribute("capture") == "environment"
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Take a photo").tap()
    chooser.value.set_files(picture(known[0], "image.jpg", "image/jpeg"))  # type: ignore[arg-type]
    page.wait_for_selector(".headline-answer")


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_pictures_that_are_dropped_or_pasted_are_answered(
    alone: Running, known: list[bytes], open_page: Open, way: str
) -> None:
    page = open_page(alone)
    content = transfer(page, known[0])
    if way == "drop":
        page.dispatch_event("#zone", "dragover", {"dataTransfer": content})
        assert page.get_by_text("Let go").is_visible()
        page.dispatch_event("body", "drop", {"dataTransfer": content})
        assert not page.get_by_text("Let go").is_visible()
    else:
        page.evaluate(
            "content => document.body.dispatchEvent("
            "new ClipboardEvent('paste', { clipboardData: content, bubbles: true }))",
            content,
        )
    page.wait_for_selector(".headline-answer")
    title = {"drop": "dropped-0", "paste": "pasted picture"}[way]
    assert page.locator(".card h3").inner_text() == title


def stroke(page: Page, *points: tuple[float, float]) -> None:
    """Draw a line through points of the paper, from 0 to 1."""
    box = page.locator("#paper").bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


DARK = (
    "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    ".filter((value, i) => i % 4 === 0 && value < 128).length"
)


def test_a_drawing_is_answered_and_strokes_are_taken_back(alone: Running, open_page: Open) -> None:
    page = open_page(alone)
    page.get_by_role("button", name="Draw one").click()
    paper = page.locator("#paper")
    page.get_by_role("button", name="What is it?").click()
    assert "empty" in page.locator("#blank").inner_text()
    stroke(page, (0.3, 0.2), (0.3, 0.8))
    once = paper.evaluate(DARK)
    assert once > 0.05 * 448 * 448
    page.get_by_text("Thin", exact=True).click()
    stroke(page, (0.7, 0.2), (0.7, 0.8))
    twice = paper.evaluate(DARK)
    assert once < twice < 1.5 * once
    page.get_by_role("button", name="Undo").click()
    assert paper.evaluate(DARK) == once
    page.get_by_role("button", name="Clear").click()
    assert paper.evaluate(DARK) == 0
    page.get_by_text("Thick", exact=True).click()
    for x in (0.4, 0.45, 0.5, 0.55, 0.6):
        stroke(page, (x, 0.2), (x, 0.8))
    page.get_by_role("button", name="What is it?").click()
    page.wait_for_selector(".ranking")
    assert not page.locator("#drawing").is_visible()
    assert page.locator(".card h3").inner_text() == "drawing"


def test_what_is_no_picture_or_too_large_is_refused_before_it_is_sent(
    alone: Running, known: list[bytes], open_page: Open
) -> None:
    page = open_page(alone)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    files = [
        picture(b"hello", "notes.txt", "text/plain"),
        picture(b"", "empty.png"),
        picture(bytes(10 * 2**20), "huge.png"),
    ]
    page.locator("#files").set_input_files(files)  # type: ignore[arg-type]
    said = page.locator("#refused p").all_inner_texts()
    assert [text.split(" ")[0] for text in said] == ["notes.txt", "empty.png", "huge.png"]
    assert "10 MB" in said[2]
    assert sent == []
    give(page, known[0])
    assert page.locator("#refused p").count() == 0


def test_of_too_many_pictures_the_first_are_taken(
    alone: Running, known: list[bytes], open_page: Open
) -> None:
    page = open_page(alone)
    give(page, *(known[place % 2] for place in range(22)))
    assert page.locator(".card").count() == 20
    assert "22 pictures" in page.locator("#refused").inner_text()
    page.get_by_role("button", name="Remove all").click()
    assert page.locator(".card").count() == 0
    assert page.evaluate("document.activeElement.id") == "choose"


def test_what_the_server_refuses_is_said_in_its_words(alone: Running, open_page: Open) -> None:
    page = open_page(alone)
    page.locator("#files").set_input_files(picture(b"no picture"))  # type: ignore[arg-type]
    sentence = page.locator(".trouble .sentence")
    sentence.wait_for()
    assert "boot.png" in sentence.inner_text()
    assert page.locator(".trouble").get_attribute("role") == "alert"
    assert page.locator(".trouble button").count() == 0  # it would be refused again
    page.get_by_role("button", name="한국어").click()
    assert "JPEG나 PNG로 다시 저장해" in page.locator(".trouble").inner_text()


def test_a_hostile_file_name_is_shown_and_runs_nothing(
    server: Running, known: list[bytes], open_page: Open
) -> None:
    page = open_page(server)
    name = "<img src=x onerror='window.hacked = 1'>.png"
    page.locator("#files").set_input_files(picture(known[0], name))  # type: ignore[arg-type]
    page.wait_for_selector(".answer")
    assert page.locator(".card h3").inner_text() == name
    assert page.evaluate("window.hacked") is None
    assert page.locator(".answer h4").all_inner_texts() == [SURE, OTHER]


# --- answers ------------------------------------------------------------------------------------


def test_the_answers_come_first_and_then_what_mattered(
    alone: Running, judges: list[RunPredictor], known: list[bytes], open_page: Open
) -> None:
    page = open_page(alone)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/predict*explain=true*", hold)
    give(page, known[0])
    page.get_by_text("Finding out what mattered").wait_for()
    assert headline(page)
    while not held:
        page.wait_for_timeout(10)
    held[0].continue_()
    heat = page.locator("canvas.heat")
    heat.wait_for()
    expected = predict(judges[0], known[0], explain=True)[0].heat
    assert expected is not None
    found = heat.evaluate("c => [...c.getContext('2d').getImageData(0, 0, 28, 28).data]")
    alpha = np.reshape(found, (28, 28, 4))[..., 3]
    assert alpha.argmax() == np.abs(expected.round(2)).argmax()
    assert np.abs(alpha - 215 * np.abs(expected)).max() < 3
    deep = alpha > 30
    blue = np.reshape(found, (28, 28, 4))[..., 2] > np.reshape(found, (28, 28, 4))[..., 0]
    assert (blue == (expected > 0))[deep].all()
    toggle = page.get_by_role("button", name="What mattered")
    toggle.click()
    assert heat.count() == 0
    assert toggle.get_attribute("aria-pressed") == "false"
    assert page.evaluate("document.activeElement.dataset.key") == "heat"


@pytest.mark.parametrize("content", [STRANGE, png(np.full((80, 80), 200, np.uint8))])
def test_an_answer_that_is_not_to_be_believed_says_so(
    alone: Running, open_page: Open, content: bytes
) -> None:
    page = open_page(alone)
    give(page, content)
    assert page.get_by_text("Do not believe this answer").is_visible()
    assert page.locator(".headline-answer").count() == 0
    assert page.locator(".faint").is_visible()
    assert "do not believe" in page.locator("#status").inner_text()


def test_models_that_disagree_stand_side_by_side(
    server: Running, judges: list[RunPredictor], known: list[bytes], open_page: Open
) -> None:
    page = open_page(server, viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    answers = [[predict(judge, one)[0].answer for one in known] for judge in judges]
    give(page, *known)
    for place, (first, second) in enumerate(zip(*answers, strict=True)):
        said = page.locator(".card").nth(place).locator(".agreement").inner_text()
        assert said == ("The models agree." if first == second else "The models disagree.")
    assert answers[0] != answers[1]
    tops = page.locator(".answer").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().top)"
    )
    assert tops[0] == tops[1] < tops[2] == tops[3]
    page.get_by_role("checkbox", name=SURE).uncheck()
    assert page.locator(".answer h4").all_inner_texts() == [OTHER, OTHER]
    page.get_by_role("checkbox", name=OTHER).uncheck()
    assert page.get_by_text("Choose at least one model.").first.is_visible()
    before = len([url for url in asked if "explain=false" in url])
    page.get_by_role("checkbox", name=SURE).check()
    assert page.locator(".answer h4").all_inner_texts() == [SURE, SURE]
    assert len([url for url in asked if "explain=false" in url]) == before  # it is known already


def test_what_must_be_known_of_a_model_stands_beside_it(
    server: Running, runs: list[fr.Run], open_page: Open
) -> None:
    page = open_page(server)
    sure, other = page.locator(".choices li").all()
    assert f"{100 * runs[0].evaluation.accuracy:.2f}%" in sure.inner_text()
    assert "Built-in sketches, not Fashion-MNIST" in sure.inner_text()
    assert "confidence is too high" not in sure.inner_text()
    assert "confidence is too high" in other.inner_text()  # nothing was held back
    with page.context.expect_page() as opened:
        sure.get_by_role("link", name="What it confuses").click()
    matrix = opened.value
    matrix.wait_for_selector(".explorer[data-ready]")
    assert matrix.locator("section").count() == 3
    matrix.get_by_role("link", name="Back to the pictures").click()
    matrix.wait_for_selector(".choices")


# --- a server that is slow, or gone -------------------------------------------------------------


def test_a_slow_server_is_waited_for_and_can_be_cancelled(
    alone: Running, known: list[bytes], open_page: Open
) -> None:
    page = open_page(alone)
    page.clock.install()
    page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/predict*", hold)
    page.locator("#files").set_input_files(picture(known[0]))  # type: ignore[arg-type]
    while not held:
        page.wait_for_timeout(10)
    assert page.locator(".state").count() == 0
    page.clock.run_for(400)
    page.get_by_text("Looking").wait_for()
    page.clock.run_for(8000)
    page.locator(".card").get_by_text("still at it").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Cancelled.").wait_for()
    page.unroute("**/api/predict*")
    page.clock.resume()
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(".headline-answer")
    assert page.locator(".trouble").count() == 0


def test_a_server_that_is_gone_is_said_and_asked_again(
    runs: list[fr.Run], known: list[bytes], open_page: Open
) -> None:
    running = Running([ServedModel(SURE, opened(runs[0]))])
    try:
        page = open_page(running)
    finally:
        running.stop()
    page.locator("#files").set_input_files(picture(known[0]))  # type: ignore[arg-type]
    page.get_by_text("The program does not answer.").wait_for()
    again = page.get_by_role("button", name="Try again")
    again.click()
    page.wait_for_selector(".trouble")
    running.start()
    try:
        again.click()
        page.wait_for_selector(".headline-answer")
    finally:
        page.context.close()
        running.stop()


def test_a_server_that_is_gone_at_the_start_is_said(alone: Running, open_page: Open) -> None:
    page = open_page(alone)
    page.route("**/api/models", lambda route: route.abort())
    page.reload()
    page.get_by_text("The program does not answer.").wait_for()
    page.unroute("**/api/models")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(".choices")


# --- languages, appearance, sizes, keyboard -----------------------------------------------------


def test_korean_is_spoken_where_the_browser_does_and_classes_have_both_names(
    server: Running, judges: list[RunPredictor], known: list[bytes], open_page: Open
) -> None:
    page = open_page(server, "ko")
    assert page.locator("html").get_attribute("lang") == "ko"
    assert page.title() == "이건 무엇일까요? · fittingroom"
    give(page, known[0])
    answer = predict(judges[0], known[0])[0].answer
    assert headline(page) == f"{names()[answer]} {answer}"
    assert "확신도" in page.locator(".answer").first.inner_text()
    href = page.locator(".choices a").first.get_attribute("href")
    assert href is not None
    assert href.endswith("#ko")
    page.get_by_role("button", name="English").click()
    assert headline(page) == answer
    assert not re.search("[가-힣]", page.locator("main").inner_text())


def test_language_and_appearance_are_remembered(alone: Running, open_page: Open) -> None:
    page = open_page(alone)
    page.get_by_role("button", name="한국어").click()
    page.get_by_role("button", name="어둡게").click()
    page.reload()
    root = page.locator("html")
    assert root.get_attribute("lang") == "ko"
    assert root.get_attribute("data-theme") == "dark"


def test_dark_follows_the_system_and_the_switch(alone: Running, open_page: Open) -> None:
    page = open_page(alone, color_scheme="dark")
    dark = background(page)
    page.get_by_role("button", name="Light").click()
    light = background(page)
    assert light != dark
    page.get_by_role("button", name="Auto").click()
    assert background(page) == dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_against_its_ground(
    server: Running, known: list[bytes], open_page: Open, scheme: str
) -> None:
    """Contrast at least 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    page = open_page(server, color_scheme=scheme)
    page.locator("#files").set_input_files(picture(b"no", "a.txt", "text/plain"))  # type: ignore[arg-type]
    give(page, known[0], STRANGE)
    page.get_by_role("button", name="What mattered").first.wait_for()
    assert page.evaluate(CONTRASTS) == []
    page.get_by_role("button", name="Draw one").click()
    assert page.evaluate(CONTRASTS) == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_is_wider_than_the_window(
    server: Running, known: list[bytes], open_page: Open, width: int
) -> None:
    for language in LANGUAGES:
        page = open_page(server, language, viewport={"width": width, "height": 700})
        give(page, known[0], STRANGE)
        page.locator(".toggle").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator("#draw").click()
        sheet = page.locator("#drawing")
        assert sheet.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
        box, tools = sheet.bounding_box(), page.locator(".tools").bounding_box()
        assert box is not None
        assert tools is not None
        assert box["x"] >= 0
        assert all(
            one["x"] + one["width"] <= box["x"] + box["width"]
            for label in page.locator(".tool label").all()
            if (one := label.bounding_box())
        )


def tab_to(page: Page, wanted: Locator) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(wanted)


def test_the_page_is_used_with_the_keyboard_alone(
    server: Running, known: list[bytes], open_page: Open
) -> None:
    page = open_page(server)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    choose = page.get_by_role("button", name="Choose pictures")
    tab_to(page, choose)
    assert choose.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([picture(one, f"{i}.png") for i, one in enumerate(known)])  # type: ignore[arg-type]
    page.locator(".answer").nth(3).wait_for()
    assert "1.png" in page.locator("#status").inner_text()
    more = page.locator("[data-key^='all-']").first
    tab_to(page, more)
    page.keyboard.press("Enter")
    assert more.get_attribute("aria-expanded") == "true"
    assert page.locator(".ranking").first.locator("li").count() == 10
    assert more.evaluate("element => element === document.activeElement")
    first = page.get_by_role("button", name="Remove 0.png")
    while not first.evaluate("element => element === document.activeElement"):
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert page.locator(".card h3").all_inner_texts() == ["1.png"]
    assert page.evaluate("document.activeElement.ariaLabel") == "Remove 1.png"
    tab_to(page, page.get_by_role("button", name="Draw one"))
    page.keyboard.press("Enter")
    assert page.locator("#drawing").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#drawing").is_visible()
    assert page.evaluate("document.activeElement.id") == "draw"


def test_who_wants_no_motion_gets_none(alone: Running, known: list[bytes], open_page: Open) -> None:
    page = open_page(alone, reduced_motion="reduce")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/predict*", hold)
    page.locator("#files").set_input_files(picture(known[0]))  # type: ignore[arg-type]
    bar = page.locator(".bar-of-progress")
    bar.wait_for()
    assert bar.evaluate("element => getComputedStyle(element).animationName") == "none"


def test_without_javascript_the_page_says_what_it_needs(alone: Running, browser: Browser) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(alone.url)
    assert page.get_by_text("This page needs JavaScript").is_visible()
    page.close()
