"""The table of docs/reliability.md that says what fuzzing came to, written from its results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fuzzing import TARGETS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
RESULTS = ROOT / "reliability" / "results" / "fuzz.json"
START, END = "<!-- from reliability/results/fuzz.json -->", "<!-- end of the results -->"


def write() -> None:
    """Put the table of the results into the page."""
    PAGE.write_text(with_table(PAGE.read_text("utf-8"), table()), "utf-8")


def with_table(text: str, content: str) -> str:
    """Return the page with this between its two marks."""
    before, _, rest = text.partition(START)
    return f"{before}{START}\n\n{content}\n\n{END}{rest.partition(END)[2]}"


def table() -> str:
    """Return what was measured, and under what conditions, as Markdown."""
    found: dict[str, Any] = json.loads(RESULTS.read_text("utf-8"))
    conditions, readers = found["conditions"], found["readers"]
    versions = ", ".join(f"{name} {version}" for name, version in conditions["packages"].items())
    total = sum(reader["inputs"] for reader in readers.values())
    findings = sum(len(reader["findings"]) for reader in readers.values())
    rows = [row(name, reader) for name, reader in readers.items()]
    commands = ", ".join(f"`{c}`" for c in dict.fromkeys(r["command"] for r in readers.values()))
    said = (
        f"{commands}: **{total:,} inputs**, {findings} findings left; libFuzzer's "
        f"seed {conditions['seed']}; {conditions['machine']}, {conditions['system']}, Python "
        f"{conditions['python']}, atheris {conditions['atheris']}, {versions}."
    )
    head = "| reader | of | inputs | a second | edges | lines reached | findings |"
    return "\n".join([said, "", head, "|---|---|--:|--:|--:|--:|--:|", *rows])


def row(name: str, reader: dict[str, Any]) -> str:
    """Return one reader's row."""
    share = reader["reached"] / reader["lines"]
    return (
        f"| `{name}` | {TARGETS[name].reads} | {reader['inputs']:,} | "
        f"{reader['inputs'] / max(reader['seconds'], 1):,.0f} | {reader['edges']:,} | "
        f"{reader['reached']} of {reader['lines']} ({share:.0%}) | {len(reader['findings'])} |"
    )
