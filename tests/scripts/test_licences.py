"""The page of licences is whole, and what a user installs is free to be used by anybody."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "licences.md").read_text("utf-8")

# Of what every user installs: without conditions on a program that merely uses it. The MPL's hold
# for changes to its own files.
ALLOWED = {
    *("MIT", "MIT-CMU", "MIT-0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "Zlib"),
    *("Apache-2.0", "Apache-2.0 WITH LLVM-exception", "PSF-2.0", "CC0-1.0", "BSL-1.0", "MPL-2.0"),
}


def rows(title: str = "") -> list[tuple[str, str, str]]:
    """Return (package, version, licence) of a section, or of all."""
    part = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0] if title else PAGE
    return re.findall(r"^\| (?!package)([\w-]+) \| (\S+) \| (.+) \|$", part, re.MULTILINE)


def test_every_pinned_package_is_on_the_page_with_its_version() -> None:
    pins = re.findall(
        r"^([\w-]+)==(\S+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE
    )
    assert sorted((name, version) for name, version, _ in rows()) == sorted(pins)


def test_what_every_user_installs_is_under_licences_that_were_decided_upon() -> None:
    found = rows("To run")
    assert {"torch", "numpy", "pillow", "pydantic", "safetensors"} <= {name for name, *_ in found}
    for name, _, licence in found:
        assert set(re.split(" AND | OR ", licence)) <= ALLOWED, name


def test_no_package_is_without_a_licence() -> None:
    assert [name for name, _, licence in rows() if licence in {"None", "UNKNOWN", ""}] == []


def test_nothing_but_what_is_for_developers_is_under_the_gpl() -> None:
    for title in ("To run", "Optional", "For NVIDIA GPUs"):
        assert [name for name, _, licence in rows(title) if re.search(r"\bA?GPL", licence)] == []
