"""Planted mistakes: each is one, in its place, and the code around it stays."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from mutation.planting import Mutant, mutants_of

SOURCE = Path(__file__).parents[2] / "src" / "fittingroom"


def changes(source: str) -> set[tuple[str, str]]:
    return {(mutant.before, mutant.after) for mutant in mutants_of("x.py", source)}


@pytest.mark.parametrize(
    ("source", "mistakes"),
    [
        ("a < b", {("a < b", "(a <= b)"), ("a < b", "pass")}),
        ("x = 0 <= a < b", {("0 <= a < b", "(0 < a < b)"), ("0 <= a < b", "(0 <= a <= b)"),
                            ("0", "(1)")}),
        ("x = a and not b", {("a and not b", "(a or not b)"), ("not b", "(b)")}),
        ("x = -a * b", {("-a * b", "(-a / b)"), ("-a", "(a)")}),
        ("x = f(a, b=c)", {("f(a, b=c)", "(f(a))")}),
        ("x = a if b else c", {("a if b else c", "(c if b else a)")}),
        ("for x in y:\n    break", {("break", "continue")}),
        ("x += a", {("x += a", "x -= a")}),
        ("raise E", {("raise E", "pass")}),
        ("def f() -> int:\n    return a", {("return a", "return None")}),
        ("x = True", {("True", "(False)")}),
    ],
)  # fmt: skip
def test_mistakes_are_the_usual_ones(source: str, mistakes: set[tuple[str, str]]) -> None:
    assert changes(source) == mistakes


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring: 1 < 2."""',
        "x: Literal[1, 2]",
        "def f(x: Annotated[int, 3]) -> Array[4]: ...",
        "if TYPE_CHECKING:\n    x = 1",
        "from a import b",
        '@decorated(1)\ndef f():\n    "Words"',
        'x = f"{a + 1}"',
    ],
)
def test_what_does_not_run_and_what_is_said_are_left_alone(source: str) -> None:
    assert changes(source) == set()


def test_what_runs_at_import_is_told_from_what_a_function_does() -> None:
    source = "A = 1\n\nclass B:\n    C = 2\n\n    def d(self, e=3):\n        return e + 4\n"
    found = {mutant.before: mutant.at_import for mutant in mutants_of("x.py", source)}
    expected = {"1": True, "2": True, "3": True, "4": False, "e + 4": False, "return e + 4": False}
    assert found == expected


@pytest.mark.parametrize("name", ["evaluation/metrics.py", "data/csv_bytes.py", "studies/plan.py"])
def test_every_mistake_is_another_program_that_python_reads(name: str) -> None:
    source = (SOURCE / name).read_text("utf-8")
    mutants = list(mutants_of(name, source))
    assert len(mutants) > 40
    same = ast.dump(ast.parse(source))
    assert all(ast.dump(ast.parse(mutant.source)) != same for mutant in mutants)


def test_a_mistake_stands_where_it_is_said_to_be_also_after_letters_of_several_bytes() -> None:
    source = 'name = "앵클 부츠"; size = 1\nother = 2\n'
    first, second = mutants_of("x.py", source)
    planted = 'name = "앵클 부츠"; size = (2)\nother = 2\n'
    assert first == Mutant("x.py", 1, "1", "(2)", planted, at_import=True)
    assert (second.line, second.key) == (2, "x.py:2: 2 -> (3)")
