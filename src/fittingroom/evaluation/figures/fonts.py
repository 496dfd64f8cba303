"""Fonts that have the letters a figure needs: Korean class names as letters, not boxes."""

from __future__ import annotations

import contextlib
import functools
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fittingroom.evaluation.columns import tidy

BASE_FAMILY = "DejaVu Sans"  # comes with matplotlib, on every machine
REGULAR = 400

# In this order; the first is on most Linux desktops, the others with macOS and Windows.
PREFERRED_FAMILIES = (
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "NanumGothic",
    "Nanum Gothic",
    "Apple SD Gothic Neo",
    "Malgun Gothic",
    "Noto Sans CJK JP",
)

# These claim letters that they draw as boxes, as nothing, or in colours that matplotlib lacks.
_NOT_LETTERS = ("Last Resort", "LastResort", "Adobe Blank", "Color Emoji")

_KOREAN_HINT = (
    "no installed font has Korean letters, so figures show numbers for such class names; "
    "install one: Debian and Ubuntu 'apt install fonts-nanum', "
    "Fedora 'dnf install google-noto-sans-cjk-fonts', elsewhere NanumGothic or Noto Sans KR "
    "from fonts.google.com (macOS and Windows bring Apple SD Gothic Neo and Malgun Gothic)"
)
_OTHER_HINT = (
    "no installed font has some of the letters of the class names, so figures show numbers for "
    "those names; install one that does: Debian and Ubuntu 'apt install fonts-noto', "
    "elsewhere one of the Noto fonts from fonts.google.com/noto"
)


class FontWarning(UserWarning):
    """No installed font has the letters that a figure needs."""


@dataclass(frozen=True)
class Lettering:
    """What a figure can write, and with which fonts.

    Parameters
    ----------
    families
        Font families; each letter is drawn with the first that has it.
    missing
        The letters that none of them has.
    """

    families: tuple[str, ...]
    missing: frozenset[str]

    def text(self, text: str) -> str:
        """Return `text` on one line, with a box for each letter that cannot be drawn."""
        kept = self._without_symbols(text)
        return "".join("□" if letter in self.missing else letter for letter in kept)

    def class_names(self, classes: Sequence[str]) -> tuple[str, ...]:
        """Return the class names; "class 3" for one that cannot be drawn, so that it differs."""
        names = [self._without_symbols(name) for name in classes]
        return tuple(
            name
            if name and names.count(name) == 1 and not self.missing.intersection(name)
            else f"class {label}"
            for label, name in enumerate(names)
        )

    def _without_symbols(self, text: str) -> str:
        """Leave out the emoji and other symbols that cannot be drawn: the words say enough."""
        kept = (letter for letter in text if letter not in self.missing or not _is_symbol(letter))
        return tidy("".join(kept))


def lettering(texts: Iterable[str], families: Sequence[str] | None = None) -> Lettering:
    """Find fonts for `texts`, by what the font files contain and not by what they are called.

    Parameters
    ----------
    texts
        Everything that will be written.
    families
        The families to choose from besides matplotlib's own; None for all that are installed,
        also since matplotlib last made its list.

    Warns
    -----
    FontWarning
        Once, if there are letters that no font has; it names the package to install.
    """
    from matplotlib.font_manager import findfont

    needed = frozenset("".join(map(tidy, texts)))
    missing = needed - _letters_in(findfont(BASE_FAMILY), needed)
    chosen = [BASE_FAMILY]
    for family in _candidates(missing) if families is None else families:
        if not missing:
            break
        if found := _letters_in(_listed_fonts()[family], missing):
            chosen.append(family)
            missing -= found
    if words := [letter for letter in missing if not _is_symbol(letter)]:
        korean = any(unicodedata.name(letter, "").startswith("HANGUL") for letter in words)
        _warn_once(_KOREAN_HINT if korean else _OTHER_HINT)
    return Lettering(tuple(chosen), missing)


def _is_symbol(letter: str) -> bool:
    """Tell whether this is an emoji, an arrow or the like, or one of the marks that modify them."""
    return unicodedata.category(letter) in {"So", "Sk", "Sm", "Mn", "Cf"}


def _candidates(letters: frozenset[str]) -> Iterator[str]:
    listed = _listed_fonts()
    yield from _in_order(listed, letters)
    _list_new_fonts()
    new = {family: path for family, path in _listed_fonts().items() if family not in listed}
    yield from _in_order(new, letters)


def _in_order(fonts: dict[str, str], letters: frozenset[str]) -> Iterator[str]:
    """Yield families: preferred ones first, then the others by how many letters they have."""
    yield from (family for family in PREFERRED_FAMILIES if family in fonts)
    coverage = {
        family: len(_letters_in(path, letters))
        for family, path in sorted(fonts.items())
        if not any(word in family for word in _NOT_LETTERS)
    }
    yield from sorted(coverage, key=lambda family: -coverage[family])


def _listed_fonts() -> dict[str, str]:
    """Return the families that matplotlib knows, each with its upright, regular file if any."""
    from matplotlib.font_manager import fontManager

    regular_last = sorted(
        fontManager.ttflist, key=lambda font: (font.style == "normal", font.weight == REGULAR)
    )
    return {font.name: font.fname for font in regular_last}


def _list_new_fonts() -> None:
    """Tell matplotlib of fonts that were installed after it made its list."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    listed = {font.fname for font in fontManager.ttflist}
    for path in sorted(set(findSystemFonts()) - listed):
        # A damaged file, or one of a kind that matplotlib cannot draw, is not a candidate.
        with contextlib.suppress(OSError, RuntimeError, NotImplementedError, ValueError):
            fontManager.addfont(path)


def _letters_in(path: str, letters: frozenset[str]) -> frozenset[str]:
    """Return those of `letters` that the font file has a glyph for.

    Of a collection it reads the first face: the faces of one differ in style, not in letters.
    """
    from matplotlib.font_manager import get_font

    try:
        font = get_font(path)
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(letter for letter in letters if font.get_char_index(ord(letter)))


@functools.cache
def _warn_once(hint: str) -> None:
    warnings.warn(hint, FontWarning, stacklevel=4)
