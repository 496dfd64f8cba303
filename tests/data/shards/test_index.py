"""Whatever stands in shards.json, reading it ends in a set or in one line that names it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fittingroom.data.shards.index import read_index
from fittingroom.data.sources import load
from fittingroom.errors import DataError

DIGEST = "0" * 64


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JSON",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"1" * 10_000,
        b"[]",
        b"null",
        b'{"format": "another/1"}',
        b'{"format": "fittingroom-shards/2"}',
        b'{"format": "fittingroom-shards/1"}',
    ],
)
def test_anything_but_an_index_is_refused(folder: Path, content: bytes) -> None:
    (folder / "shards.json").write_bytes(content)
    with pytest.raises(DataError, match=r"shards\.json: ") as caught:
        load(folder)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("image_shape", [1, 28]),
        ("image_shape", [2, 28, 28]),
        ("image_shape", [1, 0, 28]),
        ("image_shape", [1, -28, -28]),
        ("image_shape", [1, 10**9, 10**9]),
        ("image_shape", [True, 28, 28]),
        ("image_shape", [1.0, 28, 28]),
        ("image_shape", "1, 28, 28"),
        ("classes", []),
        ("classes", ["a", "a", "b"]),
        ("classes", [1, 2, 3]),
        ("classes", {"a": 0}),
        ("shards", {"train": [20, 20, 10]}),
        ("shards", {"train": [], "test": [20]}),
        ("shards", {"train": [20, 20, -10], "test": [20]}),
        ("shards", {"train": [20, 20, 2**40], "test": [20]}),
        ("shards", {"train": [20, 20, 0], "test": [20]}),
        ("shards", {"train": [20, 20, 9], "test": [20]}),
        ("shards", {"train": [1] * 2_000, "test": [20]}),
        ("shards", [20, 20, 10]),
        ("files", {}),
        ("files", {"../../etc/passwd": DIGEST}),
        ("files", {"/etc/passwd": DIGEST}),
        ("files", ["train-00000-images-idx3-ubyte"]),
        ("fingerprint", "not a digest"),
        ("fingerprint", 7),
        ("notes", "one"),
        ("sketches", "no"),
    ],
)
def test_values_that_cannot_be_are_named(folder: Path, key: str, value: Any) -> None:
    path = folder / "shards.json"
    content = json.loads(path.read_text("utf-8")) | {key: value}
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(DataError) as caught:
        load(folder)
    assert str(folder) in str(caught.value)
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_value_ends_in_anything_but_a_data_error(folder: Path, data: st.DataObject) -> None:
    content = json.loads((folder / "shards.json").read_text("utf-8"))
    key = data.draw(st.sampled_from(sorted(content)))
    content[key] = data.draw(JSON)
    path = folder / "other.json"
    path.write_text(json.dumps(content), "utf-8")
    with suppress(DataError):
        assert read_index(path).fingerprint == content["fingerprint"]
