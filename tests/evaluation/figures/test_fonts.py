from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from fittingroom.evaluation.figures import FontWarning, confusion_heatmap, save
from fittingroom.evaluation.figures.fonts import BASE_FAMILY, lettering


def make_font(path: Path, family: str, letters: str) -> None:
    """Write a TrueType font that draws each of `letters` as a black square."""
    pen = TTGlyphPen(None)
    for corner in ((0, 0), (0, 700), (700, 700), (700, 0)):
        (pen.lineTo if corner != (0, 0) else pen.moveTo)(corner)
    pen.closePath()
    square = pen.glyph()
    glyphs = {f"uni{ord(letter):04X}": square for letter in dict.fromkeys(letters)}
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *glyphs])
    builder.setupCharacterMap({int(name[3:], 16): name for name in glyphs})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), **glyphs})
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *glyphs], (800, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


def install(monkeypatch: pytest.MonkeyPatch, *paths: Path) -> None:
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(path) for path in paths])


@pytest.mark.usefixtures("bundled_fonts_only")
def test_letters_of_the_bundled_font_need_no_other() -> None:
    found = lettering(["Ankle boot é Ж $x_1$"])
    assert found.families == (BASE_FAMILY,)
    assert not found.missing


@pytest.mark.usefixtures("bundled_fonts_only")
def test_a_font_installed_a_moment_ago_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_font(tmp_path / "new.ttf", "Brand New", "바지코트")
    install(monkeypatch, tmp_path / "new.ttf")
    found = lettering(["바지 A", "코트"])
    assert found.families == (BASE_FAMILY, "Brand New")
    assert not found.missing


@pytest.mark.usefixtures("bundled_fonts_only")
def test_a_preferred_font_comes_before_one_that_has_as_many_letters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_font(tmp_path / "a.ttf", "Aardvark", "바지")
    make_font(tmp_path / "n.ttf", "NanumGothic", "바지")
    install(monkeypatch, tmp_path / "a.ttf", tmp_path / "n.ttf")
    assert lettering(["바지"]).families == (BASE_FAMILY, "NanumGothic")


@pytest.mark.usefixtures("bundled_fonts_only")
def test_a_font_is_judged_by_its_letters_not_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_font(tmp_path / "n.ttf", "NanumGothic", "ABC")
    make_font(tmp_path / "p.ttf", "Partly", "바")
    make_font(tmp_path / "w.ttf", "Whole", "바지")
    install(monkeypatch, *tmp_path.iterdir())
    assert lettering(["바지"]).families == (BASE_FAMILY, "Whole")


@pytest.mark.usefixtures("bundled_fonts_only")
def test_a_damaged_font_file_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.ttf").write_bytes(b"no font")
    make_font(tmp_path / "good.ttf", "Good", "바지")
    install(monkeypatch, tmp_path / "bad.ttf", tmp_path / "good.ttf")
    assert lettering(["바지"]).families == (BASE_FAMILY, "Good")


@pytest.mark.usefixtures("bundled_fonts_only")
def test_a_font_that_was_listed_and_is_gone_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Gone", "Good"):
        make_font(tmp_path / f"{name}.ttf", name, "바지")
    install(monkeypatch, tmp_path / "Gone.ttf", tmp_path / "Good.ttf")
    font_manager.fontManager.addfont(tmp_path / "Gone.ttf")
    (tmp_path / "Gone.ttf").unlink()
    assert lettering(["바지"]).families == (BASE_FAMILY, "Good")


@pytest.mark.usefixtures("bundled_fonts_only")
def test_one_warning_names_the_package_where_no_font_has_korean() -> None:
    with pytest.warns(FontWarning, match="apt install fonts-nanum") as caught:
        found, _ = lettering(["바지"]), lettering(["코트"])
    assert len(caught) == 1
    assert found.missing == {"바", "지"}
    assert found.class_names(["Coat", "바지"]) == ("Coat", "class 1")
    assert found.text("A 바지") == "A □□"


@pytest.mark.usefixtures("bundled_fonts_only")
def test_other_scripts_get_a_warning_of_their_own() -> None:
    with pytest.warns(FontWarning, match="fonts-noto"):
        lettering(["靴"])


@pytest.mark.usefixtures("bundled_fonts_only")
def test_an_emoji_that_no_font_has_is_left_out_and_the_words_stay() -> None:
    # A warning would be an error here.
    found = lettering(["Bag 👜", "Bag 👛", "👟", "👗"], families=[])
    assert found.class_names(["Bag 👜", "👟", "👗"]) == ("Bag", "class 1", "class 2")
    assert found.text("my 👜 bags") == "my bags"
    assert found.class_names(["Bag 👜", "Bag 👛"]) == ("class 0", "class 1")


@pytest.mark.usefixtures("bundled_fonts_only")
def test_the_families_to_choose_from_can_be_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_font(tmp_path / "n.ttf", "NanumGothic", "바지")
    font_manager.fontManager.addfont(tmp_path / "n.ttf")
    assert lettering(["바지"], ["NanumGothic"]).families == (BASE_FAMILY, "NanumGothic")
    with pytest.warns(FontWarning):
        assert lettering(["바지"], []).families == (BASE_FAMILY,)


@pytest.mark.usefixtures("bundled_fonts_only")
def test_a_figure_is_written_without_a_further_warning_either_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, build: Any, korean: tuple[str, ...]
) -> None:
    evaluation = build(classes=korean)
    with pytest.warns(FontWarning) as caught:
        save(confusion_heatmap(evaluation), tmp_path / "without")
    assert len(caught) == 1

    decomposed = tuple(unicodedata.normalize("NFD", name) for name in korean)
    make_font(tmp_path / "k.ttf", "Korean", "".join(korean).replace(" ", ""))
    install(monkeypatch, tmp_path / "k.ttf")
    figure = confusion_heatmap(build(classes=decomposed))
    save(figure, tmp_path / "with")
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == list(korean)
