"""Names of files are text; limits hold."""

from __future__ import annotations

import contextlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fittingroom.serving.server.refusals import RefusedError
from fittingroom.serving.server.uploads import LONGEST_NAME, Limits, clean, uploads_of


@given(st.text())
def test_a_name_has_nothing_that_cannot_be_seen(name: str) -> None:
    found = clean(name)
    assert len(found) <= LONGEST_NAME
    assert not {unicodedata.category(letter) for letter in found} & {"Cc", "Cf", "Cs"}
    assert clean(found) == found


@given(st.binary(max_size=300), st.sampled_from(["image/png", "multipart/form-data; boundary=x"]))
def test_any_bytes_are_pictures_or_refused(body: bytes, kind: str) -> None:
    with contextlib.suppress(RefusedError):
        assert uploads_of(body, kind, Limits())


def test_pictures_without_a_name_are_numbered() -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename=""\r\n\r\n1\r\n'
    names = [
        one.name
        for one in uploads_of(part * 2 + b"--x--", "multipart/form-data; boundary=x", Limits())
    ]
    assert names == ["picture 1", "picture 2"]


@pytest.mark.parametrize("count", [3, 100, 100_000])
def test_more_parts_than_allowed_are_refused_before_they_are_read(count: int) -> None:
    body = b"--x\r\n" * count + b"--x--"
    with pytest.raises(RefusedError, match="at most 2") as refused:
        uploads_of(body, "multipart/form-data; boundary=x", Limits(most_files=2))
    assert refused.value.status == 413
