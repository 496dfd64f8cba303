from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fittingroom.data import files
from fittingroom.data.files import file_on_disk, list_folder, read_bytes
from fittingroom.errors import DataError


def content(path: Path) -> bytes:
    with file_on_disk(path).open_content() as stream:
        return b"".join(iter(lambda: stream.read(4_000), b""))


def test_gzip_is_undone_by_content_whatever_the_name(tmp_path: Path) -> None:
    (tmp_path / "raw.gz").write_bytes(b"raw")
    (tmp_path / "packed").write_bytes(gzip.compress(b"packed"))
    assert content(tmp_path / "raw.gz") == b"raw"
    assert content(tmp_path / "packed") == b"packed"


@settings(derandomize=True, max_examples=50)
@given(members=st.lists(st.binary(max_size=200), min_size=1), padding=st.integers(0, 20))
def test_gzip_members_in_a_row_and_padding_as_gzip_reads_them(
    tmp_path_factory: pytest.TempPathFactory, members: list[bytes], padding: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "members.gz"
    path.write_bytes(b"".join(map(gzip.compress, members)) + bytes(padding))
    assert content(path) == gzip.decompress(path.read_bytes()) == b"".join(members)


def test_content_larger_than_a_chunk_arrives_whole_and_writable(tmp_path: Path) -> None:
    expected = os.urandom(5 * files.CHUNK_BYTES + 7) + bytes(9 * files.CHUNK_BYTES)
    (tmp_path / "big").write_bytes(gzip.compress(expected, 1))
    with file_on_disk(tmp_path / "big").open_content() as stream:
        array = read_bytes(stream, len(expected))
        assert stream.read(1) == b""
    assert array.tobytes() == expected
    assert array.flags.writeable


def test_gzip_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 10_000)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(10**6)))
    with pytest.raises(DataError, match=r"bomb\.gz.*more than 10,000 bytes"):
        content(tmp_path / "bomb.gz")


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[:-9],
        lambda packed: packed[:-4] + b"abcd",
        lambda packed: packed + b"rubbish",
        lambda packed: packed[:20] + b"\xff\xff\xff" + packed[23:],
    ],
    ids=["cut short", "check sum", "trailing bytes", "inside"],
)
def test_damaged_gzip_is_named(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "damaged.gz"
    path.write_bytes(damage(gzip.compress(os.urandom(100))))
    with pytest.raises(DataError, match=r"damaged\.gz"):
        content(path)


def test_folder_lists_files_without_hidden_and_system_ones(tmp_path: Path) -> None:
    for name in (
        "옷/치마 👗.png",
        "a.csv",
        ".hidden",
        ".git/config",
        "옷/Thumbs.db",
        "옷/.DS_Store",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    tree = list_folder(tmp_path)
    assert [str(file.path) for file in tree.files] == ["a.csv", "옷/치마 👗.png"]
    assert [str(folder) for folder in tree.folders] == ["옷"]


def test_folder_with_a_loop_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"x")
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert str(list_folder(tmp_path).files[0].path) == "a/loop/a/loop/a/x"


def test_a_folder_of_as_many_files_as_may_be_is_listed_and_one_more_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_FILES", 3)
    for number in range(3):
        (tmp_path / f"{number}.png").touch()
    assert len(list_folder(tmp_path).files) == 3
    (tmp_path / "3.png").touch()
    with pytest.raises(DataError, match="more than 3 files; give the data set's folder"):
        list_folder(tmp_path)


def test_a_file_is_found_nearest_to_the_root(tmp_path: Path) -> None:
    for place in ("a/deep", "z", "zz"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "classes.txt").touch()
    found = list_folder(tmp_path).find("classes.txt")
    assert found is not None
    assert found.path.as_posix() == "z/classes.txt"
    assert list_folder(tmp_path).find("other.txt") is None
