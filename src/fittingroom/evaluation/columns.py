"""Text measured in columns, as a terminal shows it: a Korean letter is two columns wide."""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len, chop_cells, set_cell_size

ELLIPSIS = "…"

# A place to break: after spaces, and after the marks that join words in class names.
_PIECE = re.compile(r"[^\s/_\-]*[\s/_\-]*")


def tidy(text: str) -> str:
    """Return `text` on one line, letters composed, without control marks.

    macOS stores the Hangul of folder names decomposed, which few fonts can draw.
    """
    composed = unicodedata.normalize("NFC", text)
    kept = (mark for mark in composed if mark.isspace() or unicodedata.category(mark)[0] != "C")
    return " ".join("".join(kept).split())


def left(text: str, width: int) -> str:
    """Fill `text` up to `width` columns on its right."""
    return set_cell_size(text, max(width, cell_len(text)))


def right(text: str, width: int) -> str:
    """Fill `text` up to `width` columns on its left."""
    return " " * (width - cell_len(text)) + text


def shorten(text: str, width: int) -> str:
    """Cut the middle out of `text` if it is wider than `width` columns."""
    if cell_len(text) <= width:
        return text
    head = chop_cells(text, width - width // 2 - 1)[0]
    tail = chop_cells(text[::-1], width // 2)[0][::-1]
    return head.rstrip() + ELLIPSIS + tail.lstrip()


def longest_word(text: str) -> int:
    """Return the width in columns below which `wrap` has to break `text` inside a word."""
    return max(cell_len(piece.rstrip()) for piece in _PIECE.findall(text))


def wrap(text: str, width: int) -> list[str]:
    """Break `text` into lines of at most `width` columns, between words where possible."""
    lines = [""]
    for piece in _PIECE.findall(text):
        if cell_len((lines[-1] + piece).rstrip()) > width and lines[-1]:
            lines.append("")
        first, *rest = chop_cells(piece, width) if cell_len(piece.rstrip()) > width else [piece]
        lines[-1] += first
        lines.extend(rest)
    return [line.strip() for line in lines]
