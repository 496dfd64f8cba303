from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.reports.planting import BAD, GOOD, plant_study

from fittingroom.reports import study_tables as tables
from fittingroom.reports.formats import MINUS, NOTHING
from fittingroom.reports.texts import Texts, say


def text(cell: Any) -> str:
    return Texts().plain(say("study.shown", value=cell))


def texts(row: list[Any]) -> list[str]:
    return [text(cell) for cell in row]


def test_the_ranking_s_rows_are_the_results(tmp_path: Path) -> None:
    results = plant_study(tmp_path, {"bad": BAD, "good": GOOD}).results
    first, second = (texts(row) for row in tables.ranking_rows(results))
    assert len(first) == len(tables.RANKING_HEADS)
    assert first[:3] == ["good", "4", "90.03%"]
    assert first[4:8] == ["0.17", "89.80%", "90.20%", "3.5 s"]
    assert second[0] == "bad"


def test_one_seed_leaves_dashes(tmp_path: Path) -> None:
    results = plant_study(tmp_path, {"bad": BAD[:1], "good": GOOD[:1]}).results
    row = texts(tables.ranking_rows(results)[0])
    assert row[3:5] == [NOTHING, NOTHING]
    (pair,) = tables.pair_rows(results)
    assert texts(pair)[2:8] == ["1", *[NOTHING] * 5]
    assert "/" in texts(pair)[8]  # the pictures are compared all the same


def test_the_matrix_of_pairs_is_row_minus_column_and_marks_what_is_significant(
    tmp_path: Path,
) -> None:
    like = (0.899, 0.905, 0.895, 0.9)
    results = plant_study(tmp_path, {"bad": BAD, "good": GOOD, "like": like}).results
    matrix = tables.pair_matrix(results)
    assert matrix is not None
    kinds = [[cell.kind for cell in row] for row in matrix]
    assert kinds == [
        ["same", "open", "higher"],
        ["open", "same", "higher"],
        ["lower", "lower", "same"],
    ]
    assert matrix[0][2].text == "+9.95"
    assert matrix[2][0].text == f"{MINUS}9.95"


def test_a_matrix_of_too_many_settings_is_left_out(tmp_path: Path) -> None:
    many = {f"s{n}": [0.8, 0.8 + n / 1000] for n in range(tables.MOST_IN_MATRIX + 1)}
    results = plant_study(tmp_path, many).results
    assert tables.pair_matrix(results) is None
    assert len(tables.pair_rows(results)) == 17 * 16 / 2
    assert len(tables.PAIR_HEADS) == len(tables.pair_rows(results)[0])


def test_recorded_results_have_a_row_for_each_of_their_settings(tmp_path: Path) -> None:
    recorded = [
        {"id": "1", "accuracy": 0.9, "settings": ["good", "bad"], "label": "one"},
        {
            "id": "2",
            "accuracy": 0.9,
            "settings": ["good"],
            "label": "two",
            "approximate": True,
        },
    ]
    results = plant_study(tmp_path, {"good": GOOD, "bad": BAD}, recorded=recorded).results
    (one, rows), (two, _) = tables.recorded_groups(results)
    assert (text(one), text(two)) == ("one: 90.00%", "two: about 90.00%")
    assert [texts(row)[0] for row in rows] == ["good", "bad"]
    assert [texts(row)[-1] for row in rows] == ["yes", "no"]
    assert len(rows[0]) + 1 == len(tables.RECORDED_HEADS)
    assert texts(rows[0])[3:5] == [NOTHING, NOTHING]  # no matrix was recorded


def test_the_cost_table_names_who_is_better_for_less(tmp_path: Path) -> None:
    results = plant_study(tmp_path, {"good": GOOD, "bad": BAD}).results
    good, bad = (texts(row) for row in tables.cost_rows(results))
    times = "\N{MULTIPLICATION SIGN}"
    assert good[:2] == ["good", f"2.3{times}10⁵"]  # 6 x 40 multiply-adds, 240 pictures, 4 epochs
    assert good[-2:] == ["yes", ""]
    assert bad[-2:] == ["", "“good”"]
    assert text(tables.beaten_by(["a", "b", "c"])) == "3 settings"


def test_p_values_are_never_zero() -> None:
    written = [tables.bare_p(p) for p in (None, 0.0, 0.0004, 0.0123, 0.5)]
    assert written == [NOTHING, "<0.001", "<0.001", "0.012", "0.50"]


def test_an_effect_that_cannot_be_told_is_a_dash() -> None:
    difference = SimpleNamespace(n=2, mean=0.1, low=0.1, high=0.1, p=0.0, effect=None)
    pair: Any = SimpleNamespace(difference=difference, adjusted_p=0.0)
    assert tables.over_seeds(pair)[3] == NOTHING
