"""Changes that keep a file's form, so that what lies behind the form is reached too.

libFuzzer changes bytes, which mostly breaks JSON or a length before it; these change values.
"""

from __future__ import annotations

import copy
import json
import random
import struct
from typing import Any

from fuzzing.target import BETWEEN

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**400, 0.5, -0.0, 1e308),
    *(float("nan"), float("inf"), "", "a", "위", "\n", "a:b", "../x", "\0", "\ud800", "9" * 5000),
    *([], {}, [[]], {"": 0}, [1, 2, 3], [0.1, 10], ["a", "b"]),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return (container, key) of all values in a JSON value."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        here = waiting.pop()
        keys: list[Any] = list(here) if isinstance(here, dict) else []
        keys = list(range(len(here))) if isinstance(here, list) else keys
        found += [(here, key) for key in keys]
        waiting += [here[key] for key in keys]
    return found


def change(value: Any, luck: random.Random) -> Any:
    """Return a JSON value with one to three values replaced, dropped, doubled or exchanged."""
    whole = [copy.deepcopy(value)]
    for _ in range(luck.randint(1, 3)):
        container, key = luck.choice(places(whole))
        way = luck.randrange(5)
        if way == 0 and container is not whole:
            del container[key]
        elif way == 1:
            other, place = luck.choice(places(whole))
            container[key] = copy.deepcopy(other[place])
        elif way == 2 and isinstance(container[key], str) and container[key][:1] in {"[", "{"}:
            container[key] = json_text(container[key].encode(), luck).decode("utf-8", "replace")
        elif way == 3 and isinstance(container, dict):
            container[luck.choice(("", "x", "seed", "model"))] = copy.deepcopy(container[key])
        else:
            container[key] = copy.deepcopy(luck.choice(ODD))
    return whole[0]


def json_text(data: bytes, luck: random.Random) -> bytes:
    """Change the values of a JSON text; what is none stays as it is."""
    try:
        return json.dumps(change(json.loads(data), luck), ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        )
    except (ValueError, RecursionError):
        return data


def json_lines(data: bytes, luck: random.Random) -> bytes:
    """Change one line of a file of JSON lines."""
    lines = data.split(b"\n")
    place = luck.randrange(len(lines))
    lines[place] = json_text(lines[place], luck)
    return b"\n".join(lines)


def several(data: bytes, luck: random.Random) -> bytes:
    """Change one of several files, whose content is JSON or JSON lines."""
    pieces = data.split(BETWEEN)
    place = luck.randrange(len(pieces))
    name, newline, content = pieces[place].partition(b"\n")
    mutate = json_lines if name.endswith(b"l") else json_text
    pieces[place] = name + newline + mutate(content, luck)
    return BETWEEN.join(pieces)


def safetensors(data: bytes, luck: random.Random) -> bytes:
    """Change the header of a safetensors file, and write its new length before it."""
    if len(data) < 8:
        return data
    (length,) = struct.unpack("<Q", data[:8])
    header = json_text(data[8 : 8 + length], luck)
    return struct.pack("<Q", len(header)) + header + data[8 + length :]
