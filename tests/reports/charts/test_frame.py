from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from fittingroom.reports.charts.drawing import Drawing
from fittingroom.reports.charts.frame import (
    Key,
    Scale,
    legend,
    log_ticks,
    nice_range,
    nice_ticks,
    whole_ticks,
)

values = st.floats(-1e6, 1e6).map(lambda value: round(value, 4))


@given(values, values, st.integers(2, 8))
@example(-100_001.0, -0.0001, 2)
def test_ticks_are_round_evenly_spaced_and_within(first: float, second: float, most: int) -> None:
    low, high = sorted((first, second))
    if high - low < 1e-3:
        return
    ticks = nice_ticks(low, high, most)
    assert len(ticks) <= most + 1
    step = (high - low) / most
    assert all(low - 1e-6 <= tick <= high + 1e-6 for tick in ticks)
    gaps = [b - a for a, b in pairwise(ticks)]
    assert all(math.isclose(gap, gaps[0], rel_tol=1e-6) and gap >= 0.99 * step for gap in gaps)
    if gaps:
        mantissa = gaps[0] / 10 ** math.floor(math.log10(gaps[0]) + 1e-9)
        assert min(abs(mantissa - nice) for nice in (1, 2, 5, 10)) < 1e-6


@given(st.lists(values, min_size=1, max_size=20))
def test_a_nice_range_holds_all_values_and_is_never_empty(found: list[float]) -> None:
    low, high = nice_range(found)
    assert low < high
    assert all(low <= value <= high for value in found)


@given(st.floats(1e-9, 1e15), st.floats(1.01, 1e9))
def test_logarithmic_ticks_are_few_increasing_and_within(low: float, ratio: float) -> None:
    ticks = log_ticks(low, low * ratio)
    assert len(ticks) <= 7
    assert all(low * (1 - 1e-6) <= tick <= low * ratio * (1 + 1e-6) for tick in ticks)
    assert ticks == sorted(set(ticks))


def test_logarithmic_ticks_are_1_2_and_5_times_powers_of_ten() -> None:
    assert log_ticks(1, 100, 7) == [1, 2, 5, 10, 20, 50, 100]
    assert log_ticks(1, 1e5, 6) == [1, 10, 100, 1000, 10_000, 100_000]


def test_a_narrow_logarithmic_range_has_ticks_too() -> None:
    assert len(log_ticks(1.6e11, 1.95e11)) >= 2


@given(st.integers(1, 5000), st.integers(3, 8))
def test_epochs_begin_at_1_and_end_with_the_last(last: int, most: int) -> None:
    ticks = whole_ticks(last, most)
    assert (ticks[0], ticks[-1]) == (1, last)
    assert all(tick == int(tick) for tick in ticks)
    assert ticks == sorted(set(ticks))
    assert len(ticks) <= most + 2


@given(st.floats(0.1, 10), st.floats(1.1, 100), st.booleans())
def test_a_scale_leads_its_ends_to_its_places(low: float, ratio: float, log: bool) -> None:
    scale = Scale(low, low * ratio, 300, 20, log)
    assert math.isclose(scale(low), 300)
    assert math.isclose(scale(low * ratio), 20)
    middle = low * (math.sqrt(ratio) if log else (1 + ratio) / 2)
    assert math.isclose(scale(middle), 160, rel_tol=1e-6)


def test_a_legend_breaks_where_it_would_leave_the_paper() -> None:
    drawing = Drawing(200, 0)
    keys = [Key("line", "ink", "a name of some length"), Key("dot", "ink", "and another one")]
    one_line = legend(Drawing(900, 0), 0, 0, keys)
    assert legend(drawing, 0, 0, keys) > one_line
    words = [mark for mark in drawing.marks if mark.tag == "text"]
    assert words[0].attributes["y"] < words[1].attributes["y"]
