from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fittingroom.data.archives import open_archive
from fittingroom.data.files import file_on_disk
from fittingroom.errors import DataError


def names_in(path: Path) -> list[str]:
    with open_archive(file_on_disk(path)) as tree:
        return [str(file.path) for file in tree.files]


def test_archive_is_read_without_unpacking(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/옷.txt", "옷")
        archive.writestr("__MACOSX/data/._x", "")
        archive.writestr("data/empty/", "")
    with open_archive(file_on_disk(path)) as tree:
        assert [str(file.path) for file in tree.files] == ["data/옷.txt"]
        assert [str(folder) for folder in tree.folders] == ["data", "data/empty"]
        assert tree.files[0].text() == "옷"
        assert tree.files[0].where == f"{path}/data/옷.txt"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("encoding", ["cp949", "utf-8"])
def test_archive_names_without_utf8_mark_are_read_as_korean(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "archive.zip"
    packed_name = "바지.png".encode(encoding)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("n" * len(packed_name), b"x")
    path.write_bytes(path.read_bytes().replace(b"n" * len(packed_name), packed_name))
    assert names_in(path) == ["바지.png"]


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/passwd", "C:/evil", "..\\evil"])
def test_archive_members_outside_it_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(DataError, match="points outside"):
        names_in(path)


def test_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(50 * 2**20))
    with pytest.raises(DataError, match="bomb"):
        names_in(path)


def test_archive_that_unpacks_to_too_much_in_all_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in "abcde":
            archive.writestr(name, b"x")
    data = path.read_bytes()
    sizes = struct.pack("<II", 1, 1)
    path.write_bytes(data.replace(sizes, struct.pack("<II", 2**32 - 2, 2**32 - 2)))
    with pytest.raises(DataError, match=r"huge\.zip: refused: 5 members"):
        names_in(path)


def test_encrypted_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secret.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"x")
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with open_archive(file_on_disk(path)) as tree, pytest.raises(DataError, match="encrypted"):
        tree.files[0].text()


def test_unusual_compression_is_named(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a", b"x")
    with pytest.raises(DataError, match="method 12"):
        names_in(path)


@settings(derandomize=True, max_examples=300)
@given(data=st.data())
def test_damaged_archives_give_data_errors_only(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("옷", b"some text, " * 9)
        archive.writestr("a/b", b"x")
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged[: data.draw(st.integers(1, len(damaged)))])
    try:
        with open_archive(file_on_disk(path)) as tree:
            for file in tree.files:
                file.text()
    except DataError:
        pass


def test_a_member_without_a_name_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", b"nameless")
        archive.writestr("named", b"")
    data = path.read_bytes()
    changed = bytearray(data)
    for length in (data.index(b"PK\3\4") + 26, data.index(b"PK\1\2") + 28):
        changed[length], changed[length + 2] = 0, 1  # its letter is no name but an extra field
    path.write_bytes(changed)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["", "named"]
    assert names_in(path) == ["named"]


def test_a_link_in_an_archive_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    path = tmp_path / "archive.zip"
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, str(tmp_path / "secret"))
    with open_archive(file_on_disk(path)) as tree:
        assert tree.files[0].text() == str(tmp_path / "secret")
