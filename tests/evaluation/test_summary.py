from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from fittingroom.evaluation.evaluate import SKETCHES_NOTE


def block(report: str, title: str) -> list[str]:
    """Return the lines of the report below `title`, up to the next empty one."""
    return report.partition(title)[2].partition("\n\n")[0].splitlines()[1:]


def test_every_number_says_what_it_was_measured_on(build: Any) -> None:
    report = str(build(protocol="notebook", split="validation"))
    assert "Measured on        pets, validation set, 300 pictures, protocol notebook" in report
    assert "Data fingerprint   abababababababab\n" in report
    assert "95% interval" in report


def test_the_interval_is_written_in_per_cent(build: Any) -> None:
    # Wilson's of 3 in 4: (3 + 1.9208) / 7.8415 -+ 0.32673.
    report = str(build([0, 0, 1, 1], [0, 1, 1, 1], ("cat", "dog")))
    assert "Accuracy           75.00%  (95% interval 30.06-95.44%, 3 of 4 correct)" in report


def test_sketches_are_called_that_in_the_first_line(build: Any) -> None:
    assert str(build(sketches=True)).splitlines()[0] == SKETCHES_NOTE
    assert "sketches" not in str(build())


@pytest.mark.parametrize("script", ["latin", "korean"])
def test_matrix_columns_end_below_each_other(script: str, build: Any, korean: Any) -> None:
    report = str(build(classes=korean) if script == "korean" else build())
    matrix = block(report, "Confusion matrix")
    assert len({cell_len(line) for line in matrix[-10:]}) == 1
    assert cell_len(matrix[-1]) == cell_len(matrix[-11]) <= 100


def test_matrix_names_rows_and_columns(build: Any) -> None:
    evaluation = build([0, 0, 1, 1], [0, 1, 1, 1], ("cat", "big dog"))
    assert block(str(evaluation), "Confusion matrix") == [
        "        cat big dog",
        "cat       1       1",
        "big dog   .       2",
    ]


def test_columns_too_many_for_names_are_numbered(build: Any) -> None:
    classes = tuple(f"category {k}" for k in range(26))
    first, second = block(str(build(classes=classes)), "Confusion matrix")[:2]
    assert first.split() == [str(k) for k in range(26)]
    assert second.startswith("category 0    0 ")


def test_a_matrix_too_wide_to_print_is_said_to_be(build: Any) -> None:
    classes = tuple(f"category {k}" for k in range(47))
    assert "47 x 47: too wide to print" in str(build(classes=classes))


def test_a_class_that_is_never_predicted_is_pointed_out(build: Any) -> None:
    report = str(build([0, 1, 1], [1, 1, 1], ("cat", "dog")))
    cat, dog = block(report, "Per class")[1:]
    assert cat.split() == ["cat", "0.0%", "0.0%", "0.0%", "1", "never", "predicted"]
    assert dog.split() == ["dog", "66.7%", "100.0%", "80.0%", "2"]


def test_confused_pairs_are_listed_and_left_out_where_there_are_none(build: Any) -> None:
    report = str(build([0, 0, 1, 1], [0, 1, 1, 1], ("cat", "dog")))
    assert block(report, "Most confused") == ["cat  taken for  dog  1  50.0% of the class"]
    assert "Most confused" not in str(build([0, 1], [0, 1], ("cat", "dog")))
