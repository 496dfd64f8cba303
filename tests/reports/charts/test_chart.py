from __future__ import annotations

import re

from tests.reports.charts.conftest import parse

from fittingroom.reports.charts import Chart
from fittingroom.reports.charts.chart import LIGHT
from fittingroom.reports.charts.drawing import Drawing
from fittingroom.reports.texts import Texts, say
from fittingroom.studies.plan import Words

HOSTILE = "</text></svg><script>alert('&amp;')</script>\x00"


def chart(label: object = "a label") -> Chart:
    drawing = Drawing(300, 100)
    drawing.line((0, 0), (10, 10), "faint")
    drawing.text((5, 50), label)
    drawing.dot((1 / 3, 20), 3, "series-1", tip=label)
    return Chart(say("charts.ranking.title"), say("charts.ranking.caption"), drawing, drawing)


def test_a_page_shows_both_drawings_in_the_page_s_colours_and_both_languages() -> None:
    page = str(chart(Words(en="one", ko="하나")).inline(Texts()))
    root = parse(page)
    assert [svg.get("class") for svg in root.iter("svg")] == ["chart-wide", "chart-narrow"]
    assert 'stroke="var(--faint)"' in page
    assert '<tspan lang="en">one</tspan><tspan lang="ko">하나</tspan>' in page
    assert "#" not in re.sub(r"chart-\w+", "", page)


def test_a_screen_reader_finds_the_words_that_name_the_chart() -> None:
    root = parse(str(chart().inline(Texts())))
    caption = root.find("p")
    assert caption is not None
    assert "Ranking" in "".join(caption.itertext())
    for svg in root.iter("svg"):
        assert svg.get("role") == "img"
        assert svg.get("aria-labelledby") == caption.get("id")


def test_a_tall_drawing_is_cut_into_parts_that_a_printer_keeps_whole() -> None:
    tall = Drawing(300, 250)
    for place in range(3):
        if place:
            tall.cut(80.0 * place)
        tall.text((0, 80 * place + 40), f"part {place}")
    found = Chart(say("charts.ranking.title"), say("charts.ranking.caption"), tall, Drawing(9, 9))
    root = parse(str(found.inline(Texts())))
    assert root.get("class") == "chart in-parts"
    parts = [svg for svg in root.iter("svg") if svg.get("class") == "chart-wide"]
    boxes = ["0 0 300 80", "0 80 300 80", "0 160 300 90"]
    assert [svg.get("viewBox") for svg in parts] == boxes
    assert ["".join(svg.itertext()) for svg in parts] == ["part 0", "part 1", "part 2"]
    assert [svg.get("aria-hidden") for svg in parts] == [None, "true", "true"]
    assert 'viewBox="0 0 300 250"' in found.file(Texts(), "en")


def test_a_file_is_one_language_in_colours_that_need_no_page() -> None:
    text = chart(Words(en="one", ko="하나")).file(Texts(), "ko")
    assert "var(" not in text
    assert "one" not in text
    assert "하나" in text
    assert LIGHT["faint"] in text
    root = parse(text)
    kinds = [child.tag.rpartition("}")[2] for child in root]
    assert kinds[:2] == ["title", "desc"]


def test_words_that_look_like_marks_stay_words() -> None:
    for text in (chart(HOSTILE).file(Texts(), "en"), str(chart(HOSTILE).inline(Texts()))):
        root = parse(text)
        assert not [element for element in root.iter() if element.tag.endswith("script")]
        assert "alert('&amp;')" in "".join(root.itertext())


def test_the_same_chart_is_the_same_page() -> None:
    assert chart().inline(Texts()) == chart().inline(Texts())
    assert "0.33" in chart().inline(Texts())
    assert "0.333" not in chart().inline(Texts())
