"""Makes the benchmarks importable as they are when `python benchmarks` runs, and a few results."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

if TYPE_CHECKING:
    from results import Result

MACHINE = {
    "cpu": "A CPU",
    "cores": "2",
    "threads": "2",
    "gpu": "",
    "python": "3.11.0",
    "fittingroom": "1.0",
    "torch": "2.13.0",
    "numpy": "2.0",
}


@pytest.fixture
def result() -> Callable[..., Result]:
    """Make the result of a row: `result("one-run", ways={...}, reference=...)`."""
    from results import Result

    def make(row: str, **fields: Any) -> Result:
        told: dict[str, Any] = {
            "row": row,
            "title": "a row",
            "machine": MACHINE,
            "data": "fashion-mnist, fingerprint 0123, 60,000 + 10,000 pictures",
            "date": "2026-11-24",
            "command": f"python benchmarks {row}",
            "note": "",
            "busy": 0.0,
            "codes": 1,
            "reference": None,
            "ways": {},
        }
        return Result(**{**told, **fields})

    return make
