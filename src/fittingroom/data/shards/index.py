"""The index of a set in shards, `shards.json`: what it holds, and the SHA-256 of every file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fittingroom.data.dataset import check_class_names
from fittingroom.data.files import MAX_TEXT_BYTES
from fittingroom.data.shards.layout import MOST_IN_ALL, MOST_PICTURES, MOST_SHARDS, PARTS, Layout
from fittingroom.errors import DataError

NAME = "shards.json"
FORMAT = "fittingroom-shards/1"

# As for folders of pictures.
MOST_PIXELS_A_SIDE = 1024


@dataclass(frozen=True)
class Index:
    """What is known of a set in shards.

    Parameters
    ----------
    layout
        Its files.
    classes
        The K class names, in label order.
    fingerprint
        `DataSplits.fingerprint` of the set.
    digests
        SHA-256 (hex) of each file, by its name.
    made_from
        Where the pictures came from, for people to read.
    sketches, notes
        As in `DataSplits`.
    """

    layout: Layout
    classes: tuple[str, ...]
    fingerprint: str
    digests: dict[str, str]
    made_from: str
    sketches: bool
    notes: tuple[str, ...]

    def to_json(self) -> str:
        """Return the content of `shards.json`."""
        content = {
            "format": FORMAT,
            "made_from": self.made_from,
            "sketches": self.sketches,
            "notes": self.notes,
            "image_shape": self.layout.image_shape,
            "classes": self.classes,
            "fingerprint": self.fingerprint,
            "shards": self.layout.counts,
            "files": self.digests,
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_index(path: Path) -> Index:
    """Read `shards.json`.

    Raises
    ------
    DataError
        If it cannot be read, or anything in it is not what it must be.
    """
    try:
        with path.open("rb") as stream:
            content = json.loads(stream.read(MAX_TEXT_BYTES).decode("utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: damaged, no JSON ({error}); get the set again") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else content
        raise DataError(
            f"{path}: expected an index of format {FORMAT}, found {_short(found)}; a newer "
            "fittingroom may have written it"
        )
    return _check(path, content)


def _check(path: Path, content: dict[str, Any]) -> Index:
    """Make an index of JSON that anybody may have written."""

    def refuse(name: str, expected: str) -> DataError:
        found = _short(content.get(name, "nothing"))
        return DataError(f"{path}: {name}: expected {expected}, found {found}; get the set again")

    shape: Any = content.get("image_shape")
    if not (_is_numbers(shape, MOST_PIXELS_A_SIDE) and len(shape) == 3 and shape[0] in {1, 3}):
        raise refuse("image_shape", "[1 or 3, height, width], at most 1024 pixels a side")
    classes: Any = content.get("classes")
    if not _is_texts(classes):
        raise refuse("classes", "a list of names")
    names = check_class_names(classes, len(classes), str(path))
    counts = content.get("shards")
    if not (
        isinstance(counts, dict)
        and set(counts) == set(PARTS)
        and all(_is_numbers(part, MOST_PICTURES) for part in counts.values())
        and all(1 <= len(part) <= MOST_SHARDS for part in counts.values())
        and all(sum(part) <= MOST_IN_ALL for part in counts.values())
    ):
        raise refuse(
            "shards",
            f'numbers of pictures, {{"train": [...], "test": [...]}}, at most {MOST_IN_ALL:,} each',
        )
    layout = Layout(tuple(shape), len(names), {part: tuple(counts[part]) for part in PARTS})
    files = content.get("files")
    expected = {file.name for part in PARTS for file in layout.files(part)}
    if not isinstance(files, dict) or not all(_is_digest(digest) for digest in files.values()):
        raise refuse("files", "a SHA-256 for each file")
    if set(files) != expected:
        odd = min(set(files) ^ expected)
        raise DataError(f"{path}: files: {_short(odd)} does not belong to the numbers in shards")
    if not _is_digest(content.get("fingerprint")):
        raise refuse("fingerprint", "a SHA-256")
    if not _is_texts(content.get("notes")):
        raise refuse("notes", "a list of sentences")
    if not isinstance(content.get("sketches"), bool):
        raise refuse("sketches", "true or false")
    return Index(
        layout,
        names,
        content["fingerprint"],
        files,
        str(content.get("made_from", "")),
        content["sketches"],
        tuple(content["notes"]),
    )


def _is_numbers(value: object, most: int) -> bool:
    # bool is a kind of int, but true is no number of pictures
    return isinstance(value, list) and all(type(v) is int and 1 <= v <= most for v in value)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
