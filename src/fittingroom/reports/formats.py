"""Numbers as people read them, the same in every language but for a time within a sentence.

Accuracies and shares come as fractions, 0 to 1; they are shown in percent, their differences in
percentage points.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite, sqrt
from typing import Any

from fittingroom.reports.texts import Sentence, say

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
NOTHING = "\N{EM DASH}"
SMALLEST_P = 0.001


def percent(share: float, digits: int = 2) -> str:
    """Write a fraction as "88.94%"."""
    return f"{100 * share:.{digits}f}%"


def confidence(probability: float) -> str:
    """Write a model's confidence as "97.3%"; one that is almost 1 as ">99.9%", for it is not 1."""
    return ">99.9%" if probability >= 0.9995 else percent(probability, 1)


def interval(ends: tuple[float, float] | None, digits: int = 2) -> str:
    """Write an interval of fractions as "88.31-89.54%", with a dash; a dash where there is none."""
    if ends is None:
        return NOTHING
    low, high = ends
    return f"{100 * low:.{digits}f}{DASH}{percent(high, digits)}"


def points(difference: float, digits: int = 2) -> str:
    """Write a difference of two fractions in percentage points, with its sign: "+1.23"."""
    text = f"{100 * difference:+.{digits}f}"
    if float(text) == 0:
        return text[1:]
    return text.replace("-", MINUS)


def points_interval(ends: tuple[float, float] | None, digits: int = 2) -> str:
    """Write an interval of differences in percentage points: "+0.81…+1.60"."""
    if ends is None:
        return NOTHING
    return f"{points(ends[0], digits)}\N{HORIZONTAL ELLIPSIS}{points(ends[1], digits)}"


def p_value(p: float) -> str:
    """Write a p-value as "p = 0.012", or "p < 0.001" where it is smaller."""
    if p < SMALLEST_P:
        return f"p < {SMALLEST_P}"
    return f"p = {p:.2f}" if p >= 0.1 else f"p = {p:.3f}"


def count(number: int) -> str:
    """Write a whole number with commas: "10,000"."""
    return f"{number:,}"


def decimal(number: float, digits: int = 4) -> str:
    """Write a number such as a loss with so many digits; a dash for one that is not finite."""
    return f"{number:.{digits}f}".replace("-", MINUS) if isfinite(number) else NOTHING


def rate(number: float) -> str:
    """Write a learning rate without needless zeros: "0.0008"; very small ones as "1e-06"."""
    text = f"{number:.10f}".rstrip("0").rstrip(".")
    return text if float(text) and abs(float(text) / number - 1) < 1e-3 else f"{number:g}"


def seed_list(seeds: Sequence[int]) -> str:
    """Write seeds in a row, three or more that follow each other as a range: "0-4", with a dash."""
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]}{DASH}{seeds[-1]}"
    return ", ".join(map(str, seeds))


def recipe_value(value: Any) -> str:
    """Write a recipe's value as its files do; a number between round ones with three digits."""
    if isinstance(value, float):
        short = f"{value:.3g}"
        return rate(float(short)) if abs(value) >= 1e-5 else short
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def duration(seconds: float) -> str:
    """Write a time with the units' symbols: "8.4 s", "27 s", "2 min 5 s", "1 h 2 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s" if seconds >= 0.1 else f"{seconds:.2f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"


def duration_in_words(seconds: float) -> Sentence:
    """Write a time for a sentence, in each language's own words: "2 min 5 s", "2분 5초"."""
    whole = round(seconds)
    if whole < 60:
        return say("page.time.seconds", seconds=duration(seconds).removesuffix(" s"))
    minutes, rest = divmod(whole, 60)
    hours, left = divmod(minutes, 60)
    if hours:
        return say("page.time.hours", hours=hours, minutes=left)
    return say("page.time.minutes", minutes=minutes, seconds=rest)


def shade(share: float) -> str:
    """Return how deep a cell of the confusion matrix is coloured, 0 to 1, for CSS.

    The square root, since a mistake of 2% has to be seen beside a diagonal of 95%.
    """
    return f"{sqrt(min(max(share, 0.0), 1.0)):.3f}"
