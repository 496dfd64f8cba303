"""Small mistakes as people make them: which there can be in a file, and the file with one of them.

The usual operators of mutation testing (Offutt et al. 1996, doi:10.1145/227607.227610): another
comparison, arithmetic, constant, condition, a statement left out. Words are left alone: most are
messages, which tests rightly hold only in part. So are annotations, which nothing runs.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Break: ast.Continue,
    ast.Continue: ast.Break,
}


@dataclass(frozen=True)
class Mutant:
    """One mistake in one file.

    Parameters
    ----------
    file
        Below the source folder, with slashes.
    line
        Where the mistake is, counted from 1.
    before, after
        The piece of code, and what it becomes.
    source
        The whole file with the mistake in it.
    at_import
        Whether it runs when the module is imported, and not when a function is called.
    """

    file: str
    line: int
    before: str
    after: str
    source: str
    at_import: bool

    @property
    def key(self) -> str:
        """A name that stays while the lines around stay as they are."""
        return f"{self.file}:{self.line}: {self.before} -> {self.after}"


def mutants_of(file: str, source: str) -> Iterator[Mutant]:
    """Return every mistake that there can be in a file."""
    tree = ast.parse(source)
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node, at_import in running_nodes(tree):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        before = source.encode()[start:end].decode()
        for mistaken in mistakes_in(node):
            after = ast.unparse(mistaken)
            if isinstance(node, ast.expr):
                after = f"({after})"  # what binds less tightly must not fall apart
            whole = source.encode()[:start] + after.encode() + source.encode()[end:]
            yield Mutant(file, node.lineno, before, after, whole.decode(), at_import)


def running_nodes(
    node: ast.AST, at_import: bool = True
) -> Iterator[tuple[ast.expr | ast.stmt, bool]]:
    """Go through the expressions and statements that run, and whether at import.

    No annotations, words, or docstrings.
    """
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr):
        return
    if isinstance(node, ast.expr | ast.stmt):
        yield node, at_import
    function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "bases", "type_params"}:
            continue
        now = at_import and not (function and name == "body")
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from running_nodes(child, now)


def mistakes_in(node: ast.expr | ast.stmt) -> Iterator[ast.AST]:
    """Return the node with one mistake, for each that it can have in itself."""
    match node:
        case ast.BinOp(op=operator) | ast.BoolOp(op=operator):
            if type(operator) in SWAPS:
                mistaken: Any = copy.deepcopy(node)
                mistaken.op = SWAPS[type(operator)]()
                yield mistaken
        case ast.Compare(ops=operators):  # one or several: 0 <= x < n
            for place, comparison in enumerate(operators):
                swapped = copy.deepcopy(node)
                swapped.ops[place] = SWAPS[type(comparison)]()  # type: ignore[call-overload]
                yield swapped
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Call(keywords=keywords) if keywords:
            for place in range(len(keywords)):
                without = copy.deepcopy(node)
                del without.keywords[place]
                yield without
        case ast.Return(value=value) if value is not None and not is_constant(value):
            yield ast.Return(ast.Constant(None))
        case ast.Break() | ast.Continue():
            yield SWAPS[type(node)]()
        case ast.AugAssign(target=target, op=operator, value=value) if type(operator) in SWAPS:
            yield ast.AugAssign(target, SWAPS[type(operator)](), value)  # type: ignore[arg-type]
        case ast.Expr(value=value) if not is_constant(value):
            yield ast.Pass()
        case ast.Raise():
            yield ast.Pass()


def is_constant(value: ast.expr) -> bool:
    """Tell whether this is a docstring, an ellipsis or another constant."""
    return isinstance(value, ast.Constant)
