"""Names within a sentence: of settings, which hold commas themselves, in quotation marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fittingroom.reports.charts.labels import Label, spoken

Joint = Literal["and", "or"]

QUOTES = {
    "en": "\N{LEFT DOUBLE QUOTATION MARK}{}\N{RIGHT DOUBLE QUOTATION MARK}",
    # Joined to the particle that follows: browsers break lines after the mark otherwise.
    "ko": "\N{LEFT SINGLE QUOTATION MARK}{}\N{RIGHT SINGLE QUOTATION MARK}\N{WORD JOINER}",
}


@dataclass(frozen=True)
class Listed:
    """One name or several, in each language.

    Parameters
    ----------
    labels
        Text, or something with `of(language)`.
    joint
        What stands before the last one in English.
    """

    labels: Sequence[Any]
    joint: Joint = "and"

    def of(self, language: str) -> str:
        """Return them in one language, each in quotation marks."""
        names = [
            QUOTES[language].format(label.of(language) if hasattr(label, "of") else label)
            for label in self.labels
        ]
        return joined(names, language, self.joint)


@dataclass(frozen=True)
class InARow:
    """One label or several, without quotation marks, in each language."""

    labels: Sequence[Label]

    def of(self, language: str) -> str:
        """Return them in one language."""
        return joined([spoken(label, language) for label in self.labels], language, "and")


def joined(names: Sequence[str], language: str, joint: Joint) -> str:
    """Return names in a row as a language has them; "and" or "or" before the last in English."""
    if language == "ko" or len(names) < 2:
        return ", ".join(names)
    return f" {joint} ".join([", ".join(names[:-1]), names[-1]])


def quoted(label: Any) -> Listed:
    """Return one name."""
    return Listed([label])
