"""What a row came to: one small JSON file a row, from which the page is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from measuring import describe, fell_short, pair_ratios, spread
from row import MACHINE, Found, Quantity, Row, Size
from turns import Kept

HERE = Path(__file__).parent
RESULTS = HERE / "results"


@dataclass(frozen=True)
class Result:
    """A measured row.

    Parameters
    ----------
    row, title
        The row's.
    machine
        What `measuring.machine` returned.
    data
        Name and fingerprint of the data.
    date
        Of the last turn, in UTC.
    command
        That repeats it.
    note
        What was shortened; empty for the whole row.
    busy
        The most CPU cores that were at work elsewhere before a turn.
    codes
        How many versions of the code the turns were measured with.
    reference
        The way that the others are compared with, if there is one.
    ways
        What the turns of each way found, in their order.
    """

    row: str
    title: str
    machine: dict[str, str]
    data: str
    date: str
    command: str
    note: str
    busy: float
    codes: int
    reference: str | None
    ways: dict[str, list[Found]]

    def values(self, way: str, key: str) -> list[float]:
        """Return one quantity of every turn of a way; empty if it was not measured."""
        return [found[key] for found in self.ways.get(way, []) if found.get(key) is not None]

    def ratios(self, way: str, key: str = "seconds") -> list[float]:
        """Return how many times as much the reference needs, pair by pair."""
        if self.reference is None:
            return []
        return pair_ratios(self.ways[self.reference], self.ways[way], key)

    @property
    def at_least(self) -> bool:
        """Whether the ratios are too low, for the reference never came where it was to come."""
        return self.reference is not None and fell_short(self.ways[self.reference])


def result_of(
    row: Row,
    size: Size,
    kept: Mapping[str, Sequence[Kept]],
    *,
    machine: dict[str, str],
    data: str,
    command: str,
) -> Result:
    """Put together what the turns of a row found."""
    turns = [turn for way in kept.values() for turn in way]
    return Result(
        row=row.name,
        title=row.title,
        machine=machine,
        data=data,
        date=max(turn.when for turn in turns)[:10],
        command=command,
        note=size.note,
        busy=round(max(turn.busy for turn in turns), 2),
        codes=len({turn.code for turn in turns}),
        reference=row.reference,
        ways={way: [rounded(turn.found) for turn in taken] for way, taken in kept.items() if taken},
    )


def rounded(found: Found) -> Found:
    """Return numbers with six significant digits, which is more than any clock here is good for."""

    def shorten(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.6g}")
        if isinstance(value, dict):
            return {key: shorten(one) for key, one in value.items()}
        return [shorten(one) for one in value] if isinstance(value, list) else value

    return {key: shorten(value) for key, value in found.items()}


def write(result: Result, folder: Path) -> Path:
    """Write a result to its file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.row}.json"
    path.write_text(json.dumps(asdict(result), indent=1) + "\n", "utf-8")
    return path


def read_all(folder: Path) -> dict[str, Result]:
    """Return every result in a folder by its row's name."""
    files = sorted(folder.glob("*.json"))
    results = [Result(**json.loads(path.read_text("utf-8"))) for path in files]
    return {result.row: result for result in results}


def summary(row: Row, result: Result) -> str:
    """Say what a row came to: for each quantity a line a way, with the ratio to the reference.

    A ratio above 1 means that the reference needs so many times as much.
    """
    lines = [f"{result.row}: {result.title}", f"  {describe(result.machine)}", f"  {result.data}"]
    lines += [f"  shortened: {result.note}"] if result.note else []
    if result.codes > 1:
        lines.append(f"  measured with {result.codes} versions of the code; --again measures anew")
    width = max(len(way) for way in result.ways)
    for quantity in row.quantities:
        lines.append(f"  {quantity.key}")
        for way in result.ways:
            values = result.values(way, quantity.key) if way != MACHINE else []
            if values:
                text = spread(values, quantity.form, quantity.unit)
                lines.append(f"    {way:<{width}}  {text}{ratio_text(result, way, quantity)}")
    return "\n".join(lines)


def ratio_text(result: Result, way: str, quantity: Quantity) -> str:
    """Return "   REFERENCE / this: ratio" for a way that is compared; else nothing."""
    reference, key = result.reference, quantity.key
    if reference in {None, way} or not quantity.less_is_better or not result.ratios(way, key):
        return ""
    more = "more than " if result.at_least and key == "seconds" else ""
    return f"   {reference} / this: {more}{spread(result.ratios(way, key), '.2f')}"
