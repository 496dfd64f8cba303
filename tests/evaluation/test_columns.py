from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from fittingroom.evaluation import columns

names = st.text(st.sampled_from("ab Z/_-앵클츠é"), max_size=40)


def test_korean_letters_take_two_columns() -> None:
    assert columns.left("바지", 6) == "바지  "
    assert columns.right("바지", 6) == "  바지"


def test_nothing_is_cut_that_is_wider_than_asked() -> None:
    assert columns.left("바지", 2) == "바지"
    assert columns.right("바지", 2) == "바지"


def test_shortened_text_keeps_its_start_and_end() -> None:
    assert columns.shorten("Ankle boot", 10) == "Ankle boot"
    assert columns.shorten("Ankle boot, red", 10) == "Ankl…, red"


@given(names, st.integers(4, 30))
def test_shortened_text_fits(text: str, width: int) -> None:
    assert cell_len(columns.shorten(text, width)) <= width


@given(names, st.integers(2, 30))
def test_wrapped_lines_fit_and_lose_nothing_but_spaces(text: str, width: int) -> None:
    lines = columns.wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Ankle boot", ["Ankle", "boot"]),
        ("T-shirt/top", ["T-shirt/", "top"]),
        ("앵클 부츠", ["앵클", "부츠"]),
        ("Pullovers", ["Pullover", "s"]),
    ],
)
def test_lines_break_between_words_where_possible(text: str, lines: list[str]) -> None:
    assert columns.wrap(text, 8) == lines
    assert (columns.longest_word(text) > 8) == (text == "Pullovers")


def test_tidy_composes_hangul_and_drops_control_marks() -> None:
    decomposed = unicodedata.normalize("NFD", "바지")
    assert columns.tidy(f" {decomposed}\t(긴)\n\u200b ") == "바지 (긴)"
