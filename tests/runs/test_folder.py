from __future__ import annotations

import errno
import json
import os
import re
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from fittingroom.errors import RunError
from fittingroom.runs import folder as files

RECORD: dict[str, Any] = {
    "format": "fittingroom-run/1",
    "name": "a",
    "status": "interrupted",
    "started": "2026-01-02T03:04:05.000006+00:00",
    "recipe": {"epochs": 3},
    "data": {
        "name": "shapes",
        "source": "made for a test",
        "fingerprint": "ab" * 32,
        "sketches": False,
        "classes": ["left", "right"],
        "image_shape": [1, 8, 8],
        "train": 200,
        "validation": 40,
        "test": 80,
    },
    "environment": {"device": "cpu", "device_name": "a CPU", "precision": "fp32"},
    "model": {"parameters": 1234},
}


def put_run(runs: Path, name: str, **changes: Any) -> Path:
    folder = runs / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(RECORD | changes), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fashion-mnist-three-layer-seed0", "fashion-mnist-three-layer-seed0"),
        ("내 첫 실험", "내-첫-실험"),
        ("a b  c", "a-b-c"),
        ("shirts 👕 v1.5", "shirts-v1.5"),
        ("👕", "run"),
        ("", "run"),
        ("../../etc/passwd", "etc-passwd"),
        ("a\0b\nc", "a-b-c"),
        (unicodedata.normalize("NFD", "바지 é"), "바지-é"),
        ("C:\\runs:x", "C-runs-x"),
    ],
)
def test_a_name_becomes_a_readable_folder_inside_the_runs(
    tmp_path: Path, name: str, expected: str
) -> None:
    assert files.new_folder(tmp_path, name) == tmp_path / expected


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_run_is_found_by_its_name_however_its_letters_are_put_together(
    tmp_path: Path, form: Literal["NFC", "NFD"]
) -> None:
    put_run(tmp_path, unicodedata.normalize("NFC", "바지"))
    found = files.find_folder(unicodedata.normalize(form, "바지"), tmp_path)
    assert found.name == unicodedata.normalize("NFC", "바지")


def test_bytes_that_are_no_text_are_written_and_come_back(tmp_path: Path) -> None:
    value = {"data": os.fsdecode(b"schuhe\xff"), "name": "바지 👖"}
    files.write_record(tmp_path / "a.json", value)
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["data"] == value["data"]
    files.write_json_lines(tmp_path / "a.jsonl", [value])
    assert json.loads((tmp_path / "a.jsonl").read_text("utf-8")) == value


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the names of files are text")
def test_a_place_that_is_no_text_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    runs = tmp_path / os.fsdecode(b"runs\xff")
    with pytest.raises(RunError, match="found other bytes; choose another place with --out"):
        files.new_folder(runs, "a")
    assert not runs.exists()


def test_a_taken_name_is_numbered(tmp_path: Path) -> None:
    assert [files.new_folder(tmp_path, "a").name for _ in range(3)] == ["a", "a-2", "a-3"]


def test_names_asked_for_at_the_same_time_give_different_folders(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: files.new_folder(tmp_path / "new", "a"), range(40)))
    assert len(set(folders)) == 40


@pytest.mark.parametrize("name", ["x" * 300, "가" * 200])
def test_a_name_too_long_for_the_disk_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="cannot be made"):
        files.new_folder(tmp_path, name)


def test_a_place_where_no_folder_can_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for runs in ("file", "file/below", "dangling"):
        with pytest.raises(RunError, match=re.escape(runs)):
            files.new_folder(tmp_path / runs, "a")


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def fill_the_disk(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fill_the_disk)
        with pytest.raises(RunError, match="a: cannot be written: No space left on device"):
            files.write_whole(tmp_path / "a", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]
    files.write_whole(tmp_path / "a", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"new")]


def test_arrays_are_written_without_pickle(tmp_path: Path) -> None:
    files.write_arrays(tmp_path / "a.npz", labels=np.arange(3))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert arrays["labels"].tolist() == [0, 1, 2]


def test_a_run_is_found_by_path_by_name_and_as_the_latest(tmp_path: Path) -> None:
    put_run(tmp_path, "new", started="2026-05-01T00:00:00+00:00")
    old = put_run(tmp_path, "old")
    assert files.find_folder(old, Path("elsewhere")) == old
    assert files.find_folder("old", tmp_path) == old
    assert files.find_folder("latest", tmp_path).name == "new"


def test_runs_are_ordered_by_the_moment_whatever_the_clock_showed(tmp_path: Path) -> None:
    put_run(tmp_path, "second", started="2026-10-25T02:10:00+01:00")
    put_run(tmp_path, "first", started="2026-10-25T02:50:00+02:00")
    put_run(tmp_path, "undated", started="yesterday")
    names = [folder.name for folder in files.run_folders(tmp_path)]
    assert names == ["undated", "first", "second"]


@pytest.mark.parametrize("name", ["nix", "", "x" * 5000, "a\0b", "../nix"])
def test_an_unknown_run_is_refused_with_the_latest_as_a_hint(tmp_path: Path, name: str) -> None:
    put_run(tmp_path / "runs", "known")
    with pytest.raises(RunError, match=r"no such run; the latest of 1 in .* is known"):
        files.find_folder(name, tmp_path / "runs")


def test_where_there_are_no_runs_the_latest_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="fittingroom train"):
        files.find_folder("latest", tmp_path / "nowhere")


CHANGES: list[dict[str, Any]] = [
    {"format": "fittingroom-run/99"},
    {"status": "excellent"},
    {"status": "finished"},
    {"recipe": ["epochs"]},
    {"data": {}},
    {"data": RECORD["data"] | {"image_shape": [28]}},
    {"data": RECORD["data"] | {"classes": "left"}},
    {"results": {"test": {"accuracy": "good"}}},
    {"files": ["model.safetensors"]},
]

DAMAGED = [
    "",
    "{",
    "[]",
    "null",
    "[" * 100_000,
    "\ufffe",
    *(
        json.dumps({key: value for key, value in RECORD.items() if key != missing})
        for missing in RECORD
        if missing != "started"
    ),
    *(json.dumps(RECORD | changes) for changes in CHANGES),
]


def test_a_sealed_record_is_read_as_it_was_written_however_it_is_laid_out(tmp_path: Path) -> None:
    sealed = RECORD | {"format": files.FORMAT}
    files.write_record(tmp_path / "run.json", sealed)
    assert files.read_record(tmp_path) == sealed
    written = json.loads((tmp_path / "run.json").read_text("utf-8"))
    shuffled = json.dumps(dict(sorted(written.items())), ensure_ascii=True)
    (tmp_path / "run.json").write_text(shuffled, "utf-8")
    assert files.read_record(tmp_path) == sealed


@pytest.mark.parametrize("change", [{"name": "b"}, {"sha256": "0" * 64}, {"more": None}], ids=str)
@pytest.mark.parametrize("known", files.FORMATS)
def test_a_sealed_record_that_was_changed_is_refused(
    tmp_path: Path, change: dict[str, Any], known: str
) -> None:
    files.write_record(tmp_path / "run.json", RECORD | {"format": known})
    written = json.loads((tmp_path / "run.json").read_text("utf-8"))
    files.write_json(tmp_path / "run.json", written | change)
    with pytest.raises(RunError, match=r"run\.json: the run's record is damaged, or was changed"):
        files.read_record(tmp_path)


def test_a_record_that_has_lost_its_seal_is_refused(tmp_path: Path) -> None:
    files.write_json(tmp_path / "run.json", RECORD | {"format": files.FORMAT})
    with pytest.raises(RunError, match="its SHA-256 is not the one that it holds"):
        files.read_record(tmp_path)


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_record_is_refused_with_its_path(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content, "utf-8")
    with pytest.raises(RunError, match=r"run\.json"):
        files.read_record(tmp_path)


def test_a_record_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RunError, match=r"run\.json"):
        files.read_record(tmp_path)


def test_a_file_of_the_longest_name_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("신" * 83 + ".bin")
    files.write_whole(path, b"1")
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_two_who_write_one_file_at_once_leave_what_one_of_them_wrote(tmp_path: Path) -> None:
    contents = [bytes([number]) * 100_000 for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: files.write_whole(tmp_path / "a", content), contents))
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() in contents


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_nothing_is_written_through_a_link_that_a_strangers_folder_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outside").write_text("mine")
    run = tmp_path / "run"
    run.mkdir()
    monkeypatch.setattr("secrets.token_hex", lambda _bytes: "00")  # as if it could be guessed
    for name in (".run.json.00.part", "run.json"):
        (run / name).symlink_to(tmp_path / "outside")
        with suppress(RunError):
            files.write_whole(run / "run.json", b"theirs")
        (run / name).unlink(missing_ok=True)
        assert (tmp_path / "outside").read_text() == "mine"
