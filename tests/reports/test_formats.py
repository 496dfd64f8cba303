from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from fittingroom.reports import formats
from fittingroom.reports.texts import Texts


def test_numbers_are_written_as_people_read_them() -> None:
    assert formats.percent(0.8894) == "88.94%"
    assert formats.percent(0.8894, 0) == "89%"
    assert formats.interval((0.8831, 0.89544)) == "88.31\N{EN DASH}89.54%"
    assert formats.interval(None) == formats.NOTHING
    assert formats.points(0.0123) == "+1.23"
    assert formats.points(-0.0123) == "\N{MINUS SIGN}1.23"
    assert formats.points(-0.000001) == "0.00"
    assert formats.points_interval((0.01, 0.02)) == "+1.00\N{HORIZONTAL ELLIPSIS}+2.00"
    assert formats.count(10_000) == "10,000"
    assert formats.decimal(0.34585) == "0.3458"
    assert formats.decimal(math.nan) == formats.NOTHING


def test_a_p_value_is_never_shown_as_0() -> None:
    assert [formats.p_value(p) for p in (0.5, 0.0321, 0.001, 0.0009, 0.0)] == [
        "p = 0.50",
        "p = 0.032",
        "p = 0.001",
        "p < 0.001",
        "p < 0.001",
    ]


def test_a_confidence_is_never_shown_as_1() -> None:
    assert [formats.confidence(p) for p in (0.973, 0.9994, 0.9996, 1.0)] == [
        "97.3%",
        "99.9%",
        ">99.9%",
        ">99.9%",
    ]


def test_learning_rates_are_written_without_needless_zeros() -> None:
    assert [formats.rate(lr) for lr in (0.0008, 0.01, 1.0, 1e-6, 3e-12)] == [
        "0.0008",
        "0.01",
        "1",
        "0.000001",
        "3e-12",
    ]


def test_times_are_written_in_their_own_unit() -> None:
    times = (0.034, 8.43, 9.96, 59.6, 125, 3600, 3725)
    assert [formats.duration(seconds) for seconds in times] == [
        "0.03 s",
        "8.4 s",
        "10 s",
        "1 min 0 s",
        "2 min 5 s",
        "1 h 0 min",
        "1 h 2 min",
    ]


def test_times_within_a_sentence_are_in_its_language() -> None:
    texts = Texts()
    said = [
        (texts.plain(sentence, "en"), texts.plain(sentence, "ko"))
        for sentence in map(formats.duration_in_words, (8.43, 125, 3725))
    ]
    assert said == [("8.4 s", "8.4초"), ("2 min 5 s", "2분 5초"), ("1 h 2 min", "1시간 2분")]


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_is_never_coloured_paler(first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert 0 <= float(formats.shade(low)) <= float(formats.shade(high)) <= 1


@given(st.floats(1e-9, 100))
def test_a_learning_rate_is_not_changed_by_writing_it(lr: float) -> None:
    assert math.isclose(float(formats.rate(lr)), lr, rel_tol=1e-3)


def test_a_recipe_s_value_is_written_as_its_files_do_with_three_digits_at_most() -> None:
    values = [0.0008, 0.00123456, 1.23456e-07, 0.0, 64, True, None, "adam", [256, 128], "한글"]
    assert [formats.recipe_value(value) for value in values] == [
        *("0.0008", "0.00123", "1.23e-07", "0", "64", "true", "null", "adam", "[256, 128]"),
        "한글",
    ]


def test_seeds_that_follow_each_other_are_a_range() -> None:
    lists = ((0, 1, 2), (3, 4, 5, 6), (0, 1), (7,), (0, 2, 3), ())
    dash = formats.DASH
    assert [formats.seed_list(seeds) for seeds in lists] == [
        *(f"0{dash}2", f"3{dash}6", "0, 1", "7", "0, 2, 3", ""),
    ]
