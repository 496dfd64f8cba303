from __future__ import annotations

from rich.cells import cell_len

from fittingroom.reports.charts.labels import broken, fitted, label_width, spoken
from fittingroom.reports.texts import say
from fittingroom.studies.plan import Words

LONG = Words(en="three layers, 0.001, 15 epochs", ko="3계층, 학습률 0.001, 15에포크로 훈련")


def test_a_label_is_text_words_or_a_sentence() -> None:
    assert spoken("a\nb", "ko") == "a b"
    assert spoken(LONG, "ko") == LONG.ko
    assert spoken(say("charts.curves.loss"), "ko") == "손실"


def test_the_wider_language_counts() -> None:
    assert label_width(Words(en="ab", ko="가나다")) == label_width("abcdef")


def test_a_label_that_is_too_wide_is_cut_in_both_languages_and_keeps_its_ends() -> None:
    short = fitted(LONG, 100)
    for language in ("en", "ko"):
        text = spoken(short, language)
        assert cell_len(text) <= 100 / 6.4
        assert "…" in text
        assert text[0] == LONG.of(language)[0]
        assert text[-1] == LONG.of(language)[-1]
    assert fitted(LONG, 1000) is LONG


def test_a_broken_label_has_all_its_words_in_each_language() -> None:
    lines = broken(LONG, 110)
    assert len(lines) >= 2
    for language in ("en", "ko"):
        joined = " ".join(spoken(line, language) for line in lines).split()
        assert joined == LONG.of(language).split()
