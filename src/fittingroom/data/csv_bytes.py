"""Read comma-separated text of whole numbers from 0 to 255, fast and without extra libraries.

The text is taken in pieces that fit into the processor's cache. A piece in the plain form that
programs write (digits and commas, one line a row) is read with whole-array operations; any other
piece (quotes, blanks, "12.0", mistakes) goes through Python's csv module, which is slower,
accepts more and says exactly where a mistake is. Both give the same numbers.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fittingroom.data.files import ByteStream
from fittingroom.errors import DataError

Bytes = NDArray[np.uint8]

# Measured on Fashion-MNIST's 133 MB: 256 KiB to 1 MiB take the same time, 32 KiB twice that.
PIECE_BYTES = 2**18
# A row of a 1,000 x 1,000 picture takes 4 MB; a longer line is no table of small pictures.
MAX_LINE_BYTES = 2**23

# A first line with one of these in it is a header, even if other columns have numbers for names.
LABEL_NAMES = frozenset({"label", "labels", "class"})

_COMMA, _NEWLINE, _ZERO = ord(","), ord("\n"), ord("0")
_WHOLE_NUMBER = re.compile(r"\s*\+?([0-9]+)(?:\.0*)?\s*", re.ASCII)
_UTF8_MARK = b"\xef\xbb\xbf"


def read_numbers(stream: ByteStream, where: str) -> tuple[tuple[str, ...] | None, Bytes]:
    """Read a table of numbers, with or without a header line.

    Parameters
    ----------
    stream
        Text in UTF-8 or any encoding that contains ASCII; lines end with LF or CRLF; empty lines
        are passed over. Numbers may be quoted, and written "12.0" or "+12".
    where
        The file, for messages.

    Returns
    -------
    header
        The column names, None if the first line holds numbers.
    values
        uint8, shape (rows, columns).

    Raises
    ------
    DataError
        With line and column, if a row has more or fewer columns than the first line, or a value
        is no whole number from 0 to 255.
    """
    pieces = _whole_lines(stream, where)
    first = next(pieces, b"").removeprefix(_UTF8_MARK)
    header, columns, lines = _read_header(first, where)
    rest = first.split(b"\n", lines)[lines] if header is not None else first
    line = 1 + (lines if header is not None else 0)
    rows = []
    for piece in itertools.chain([rest], pieces):
        rows.append(_read_piece(piece, columns, line, where))
        line += piece.count(b"\n")
    values = np.concatenate(rows)
    if len(values) == 0:
        raise DataError(f"{where}: no rows of numbers in it")
    return header, values


def _whole_lines(stream: ByteStream, where: str) -> Iterator[bytes]:
    """Cut the text into pieces of whole lines, not all empty, that end with a newline."""
    begun = b""
    while block := stream.read(PIECE_BYTES):
        lines, newline, rest = block.rpartition(b"\n")
        complete = begun + lines + newline
        if newline and complete.strip():
            yield complete
            begun = rest
        else:
            begun = complete + rest
        if len(begun) > MAX_LINE_BYTES:
            raise DataError(f"{where}: no CSV file: a line of more than {MAX_LINE_BYTES:,} bytes")
    if begun:
        yield begun + b"\n"


def _read_header(piece: bytes, where: str) -> tuple[tuple[str, ...] | None, int, int]:
    """Return column names (None without a header), the number of columns, the lines up to here."""
    for lines, line in enumerate(piece.split(b"\n"), start=1):
        text = line.decode("utf-8", "replace").strip()
        if not text:
            continue
        cells = [cell.strip() for cell in _split(text, f"{where}, line {lines}")]
        numeric = any(_WHOLE_NUMBER.fullmatch(cell) for cell in cells)
        if numeric and LABEL_NAMES.isdisjoint(cell.lower() for cell in cells):
            return None, len(cells), 0
        return tuple(cells), len(cells), lines
    raise DataError(f"{where}: the file is empty")


def _read_piece(piece: bytes, columns: int, line: int, where: str) -> Bytes:
    values = _read_plain(piece, columns)
    return values if values is not None else _read_any(piece, columns, line, where)


def _read_plain(piece: bytes, columns: int) -> Bytes | None:
    """Read rows of digits and commas; None if the piece is anything else or has a mistake in it."""
    if b"\r" in piece:
        piece = piece.replace(b"\r\n", b"\n")
    # Three leading separators: every digit then has three bytes before it.
    text = np.frombuffer(b"\n\n\n" + piece, np.uint8)
    digit = text - _ZERO  # wraps around: separators become larger than 9
    is_digit = digit < 10
    digit *= is_digit
    is_end = is_digit[3:-1] & ~is_digit[4:]
    if np.count_nonzero(is_end) != np.count_nonzero(~is_digit[3:]):
        return None  # an empty cell or line
    value = _values_ending_at(digit, is_digit)
    if value is None:
        return None
    after = text[4:]
    # Value and the byte after it travel together: picking out the ends is the dearest step.
    pairs = (value[:-1].astype(np.uint16) | (after.astype(np.uint16) << 8))[is_end]
    if len(pairs) % columns:
        return None
    cells = pairs.reshape(-1, columns)
    separators = cells >> 8
    if (separators[:, :-1] != _COMMA).any() or (separators[:, -1] != _NEWLINE).any():
        return None
    return cells.astype(np.uint8)


def _values_ending_at(digit: Bytes, is_digit: NDArray[np.bool_]) -> Bytes | None:
    """Return, for each byte from the fourth on, the number that ends there.

    None if a number has more than three digits or is larger than 255.
    """
    has_tens = is_digit[3:] & is_digit[2:-1]
    has_hundreds = has_tens & is_digit[1:-2]
    if (has_hundreds & is_digit[:-3]).any():
        return None
    hundreds = digit[1:-2] * has_hundreds
    below_hundred = digit[2:-1] * np.uint8(10) + digit[3:]
    if (hundreds > 2).any() or ((hundreds == 2) & (below_hundred > 55)).any():
        return None
    return below_hundred + hundreds * np.uint8(100)


def _read_any(piece: bytes, columns: int, line: int, where: str) -> Bytes:
    text = piece.decode("utf-8", "replace")
    rows = []
    for number, row in enumerate(text.split("\n")[:-1], start=line):
        if row.strip():
            rows.append(_read_row(row, columns, f"{where}, line {number}"))
    return np.array(rows, np.uint8).reshape(-1, columns)


def _split(row: str, where: str) -> list[str]:
    try:
        return next(csv.reader([row], strict=True, skipinitialspace=True))
    except csv.Error as error:
        raise DataError(f"{where}: not a row of a CSV file ({error})") from error


def _read_row(row: str, columns: int, where: str) -> list[int]:
    cells = _split(row, where)
    if len(cells) != columns:
        raise DataError(
            f"{where}: expected {columns} columns as in the first line, found {len(cells)}"
        )
    values = []
    for column, cell in enumerate(cells, start=1):
        match = _WHOLE_NUMBER.fullmatch(cell)
        # int() of a very long number is slow, and refused beyond some length
        if match is None or len(match[1].lstrip("0")) > 3 or int(match[1]) > 255:
            raise DataError(
                f"{where}, column {column}: expected a whole number from 0 to 255, "
                f"found {cell[:40]!r}"
            )
        values.append(int(match[1]))
    return values
