from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fittingroom.data import csv_bytes
from fittingroom.data.csv_bytes import read_numbers
from fittingroom.errors import DataError

CELLS = ["0", "7", "10", "99", "100", "255", "256", "299", "300", "999", "1000", "007"]


def read(text: str | bytes) -> list[list[int]]:
    data = text.encode() if isinstance(text, str) else text
    _, values = read_numbers(io.BytesIO(data), "x.csv")
    return [[int(value) for value in row] for row in values]


def by_csv_module(text: str) -> list[list[int]] | None:
    """Read by the csv module and float(): None for what is no table of bytes."""
    try:
        reader = csv.reader(io.StringIO(text), strict=True, skipinitialspace=True)
        rows = [row for row in reader if len(row) > 1 or "".join(row).strip()]
        values = [[float(cell) for cell in row] for row in rows]
    except (csv.Error, ValueError):
        return None
    wrong = any(not (value.is_integer() and 0 <= value <= 255) for row in values for value in row)
    if wrong or not values or len({len(row) for row in values}) != 1:
        return None
    return [[int(value) for value in row] for row in values]


@pytest.mark.parametrize(
    "text",
    [
        "label,p1\n1,2\n255,0\n",
        "1,2\n255,0\n",
        "1,2\r\n255,0\r\n",
        "1,2\n255,0",
        "\ufefflabel,p1\n1,2\n255,0\n",
        "\ufeff1,2\n255,0\n\n\n",
        "\n\n1,2\n\n255,0\n \n",
        "\n1,2\n255,0",
        '"1","2"\n255,"0"\n',
        "1.0,2.\n255.00, 0 \n",
        "001,+2\n0255,000\n",
        "label,1\n1,2\n255,0\n",
    ],
)
def test_ways_to_write_the_same_table(text: str) -> None:
    assert read(text) == [[1, 2], [255, 0]]


def test_header_is_returned() -> None:
    header, values = read_numbers(io.BytesIO(b'label, "pixel1"\n7,8\n'), "x.csv")
    assert header == ("label", "pixel1")
    assert values.dtype == np.uint8
    assert values.tolist() == [[7, 8]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label,p1\n1,2\n3,x\n", r"x\.csv, line 3, column 2: .* found 'x'"),
        ("label,p1\n1,2\n3,\n", r"line 3, column 2: .* found ''"),
        ("1,2\n3,256\n", r"line 2, column 2: .* found '256'"),
        ("1,2\n-3,4\n", r"line 2, column 1: .* found '-3'"),
        ("1,2\n3.5,4\n", r"line 2, column 1: .* found '3\.5'"),
        ("1,2\nnan,4\n", "line 2, column 1"),
        ("1,2\n1_0,4\n", "line 2, column 1"),
        ("1,2\n\uff11,4\n", "line 2, column 1"),
        ("1,2\n3\n", "line 2: expected 2 columns as in the first line, found 1"),
        ("1,2\n3,4,5\n6\n", "line 2: expected 2 columns as in the first line, found 3"),
        ("1,2\n\n3;4\n", "line 3: expected 2 columns"),
        ('1,2\n"3,4\n', "line 2: not a row"),
        ("1,2\n" + "9" * 5000 + ",1\n", "line 2, column 1"),
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("label,p1\n", "no rows"),
    ],
)
def test_mistakes_are_named_by_line_and_column(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(text)


def test_line_numbers_count_through_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_bytes, "PIECE_BYTES", 16)
    with pytest.raises(DataError, match="line 101, column 1"):
        read("label,p1\n" + "12,34\n" * 99 + "1x,3\n" + "12,34\n" * 9)


def test_one_endless_line_is_refused() -> None:
    with pytest.raises(DataError, match="a line of more than"):
        read(b"1" * (csv_bytes.MAX_LINE_BYTES + csv_bytes.PIECE_BYTES))


@settings(derandomize=True, max_examples=200)
@given(
    shape=st.tuples(st.integers(1, 30), st.integers(1, 20)),
    seed=st.integers(0, 2**32),
    piece=st.sampled_from([1, 7, 64, 2**18]),
    newline=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
)
def test_any_table_is_read_as_it_was_written(
    shape: tuple[int, int], seed: int, piece: int, newline: str, last: bool
) -> None:
    table = np.random.default_rng(seed).choice([0, 3, 9, 10, 99, 100, 200, 249, 255], shape)
    text = newline.join(",".join(map(str, row)) for row in table) + newline * last
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_bytes, "PIECE_BYTES", piece)
        assert read(text) == table.tolist()


@settings(derandomize=True, max_examples=800)
@given(text=st.text(alphabet='0125 9,,\n\n\r".+-x', max_size=40))
def test_whatever_is_read_agrees_with_the_csv_module(text: str) -> None:
    try:
        header, values = read_numbers(io.BytesIO(text.encode()), "x.csv")
    except DataError:
        return
    if header is not None:
        text = text.lstrip().partition("\n")[2]
    assert values.tolist() == by_csv_module(text)


@settings(derandomize=True, max_examples=400)
@given(
    rows=st.lists(
        st.lists(st.sampled_from(CELLS), min_size=2, max_size=3),
        min_size=1,
        max_size=5,
    )
)
def test_plain_rows_are_accepted_exactly_when_the_csv_module_gives_a_table(
    rows: list[list[str]],
) -> None:
    text = "\n".join(map(",".join, rows))
    expected = by_csv_module(text)
    if expected is None:
        with pytest.raises(DataError):
            read(text)
    else:
        assert read(text) == expected


@settings(derandomize=True, max_examples=1000)
@given(data=st.binary(max_size=60) | st.text(alphabet='019,\n"\0é', max_size=60).map(str.encode))
def test_any_bytes_give_a_table_or_a_data_error(data: bytes) -> None:
    try:
        _, values = read_numbers(io.BytesIO(data), "x.csv")
    except DataError:
        return
    assert values.dtype == np.uint8
    assert values.ndim == 2
    assert values.flags.writeable
