"""A set in shards is recognised, used like any other, and every damage is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fittingroom.data.dataset import DataSplits
from fittingroom.data.inspection import check, describe
from fittingroom.data.shards.writing import save
from fittingroom.data.sources import load
from fittingroom.errors import DataError

TRAIN = "train-00001-images-idx3-ubyte"
LABELS = "test-00000-labels-idx1-ubyte"

Harm = Callable[[Path], None]


def test_the_pictures_stay_on_disk_and_views_of_them_too(folder: Path, splits: DataSplits) -> None:
    found, expected = load(folder).with_validation(12, 3), splits.with_validation(12, 3)
    for part in (found.learning, found.train, found.validation, found.test):
        assert part.on_disk is not None
    np.testing.assert_array_equal(np.asarray(found.train.images), expected.train.images)
    np.testing.assert_array_equal(np.asarray(found.validation.images), expected.validation.images)
    assert repr(found.train) == repr(expected.train)


@pytest.mark.parametrize("name", ["shards.json", TRAIN, LABELS])
def test_one_file_stands_for_the_set(folder: Path, name: str) -> None:
    assert load(folder / name).fingerprint == load(folder).fingerprint


def test_its_name_is_the_folders(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert load(".").name == "옷장 👗"


def test_other_class_names_leave_the_fingerprint_and_another_order_does_not(folder: Path) -> None:
    stored = load(folder)
    assert load(folder, classes=["a", "b", "c"]).fingerprint == stored.fingerprint
    turned = load(folder, classes=stored.classes[::-1])
    assert turned.fingerprint != stored.fingerprint
    np.testing.assert_array_equal(turned.learning.labels, 2 - stored.learning.labels)


def test_names_in_a_text_file_beside_win(folder: Path) -> None:
    (folder / "classes.txt").write_text("하나\n둘\n셋\n", "utf-8")
    assert load(folder).classes == ("하나", "둘", "셋")


def test_description_and_findings_are_those_of_the_same_pictures_in_memory(
    tmp_path: Path, splits: DataSplits
) -> None:
    splits.learning.images[[4, 30]] = splits.learning.images[7]
    splits.test.images[3] = splits.learning.images[12]
    splits.test.images[5] = 9
    save(splits, tmp_path / "set", 11)
    found = load(tmp_path / "set")
    assert check(found) == check(splits)
    assert len(check(found)) >= 4
    ours, theirs = describe(found).to_dict(), describe(splits.with_validation()).to_dict()
    for key in ("name", "source"):
        del ours[key], theirs[key]
    assert ours == theirs


def test_sound_files_pass_the_check(folder: Path) -> None:
    assert all(finding.severity != "error" for finding in check(load(folder)))


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", [TRAIN, LABELS])
def test_a_flipped_byte_passes_unseen_until_the_check(folder: Path, name: str) -> None:
    flip_a_byte(folder / name)
    found = load(folder)
    with pytest.raises(DataError, match=rf"{name}: damaged: another SHA-256 than in shards\.json"):
        check(found)


def test_the_check_counts_the_other_damaged_files(folder: Path) -> None:
    for name in (TRAIN, LABELS, "train-00000-images-idx3-ubyte"):
        flip_a_byte(folder / name)
    with pytest.raises(DataError, match=r"train-00000-images-idx3-ubyte and 2 other files: dam"):
        check(load(folder))


def test_a_fingerprint_that_is_not_that_of_the_files_is_found(folder: Path) -> None:
    edit(folder, "fingerprint", "0" * 64)
    with pytest.raises(DataError, match=r"shards\.json: damaged: expected the files' fingerprint"):
        check(load(folder))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def swap_header(path: Path) -> None:
    path.write_bytes(b"PK\3\4" + path.read_bytes()[4:])


def make_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("name", [TRAIN, LABELS])
@pytest.mark.parametrize("harm", [Path.unlink, cut, lengthen, swap_header, make_a_folder])
def test_damage_that_a_glance_shows_is_named(folder: Path, name: str, harm: Harm) -> None:
    harm(folder / name)
    with pytest.raises(DataError, match=f"{name}: (damaged|cannot be read)") as caught:
        load(folder)
    assert "copy or write the set again" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_shard_too_many_is_named(folder: Path) -> None:
    shutil.copy(folder / TRAIN, folder / "train-00003-images-idx3-ubyte")
    with pytest.raises(DataError, match=r"train-00003-images-idx3-ubyte: .* does not know"):
        load(folder)
    (folder / "train-00003-images-idx3-ubyte").unlink()
    (folder / "README.txt").write_text("a person's own")
    load(folder)


def test_labels_of_no_class_are_named(folder: Path) -> None:
    content = bytearray((folder / LABELS).read_bytes())
    content[-1] = 200
    (folder / LABELS).write_bytes(content)
    with pytest.raises(DataError, match=rf"{LABELS}: damaged: labels must lie in 0\.\.2, .*200"):
        load(folder)


def edit(folder: Path, key: str, value: Any) -> None:
    path = folder / "shards.json"
    content = json.loads(path.read_text("utf-8"))
    content[key] = value
    path.write_text(json.dumps(content), "utf-8")


def test_read_only_sets_are_read_and_checked(folder: Path) -> None:
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    try:
        assert check(load(folder)) == check(load(folder))
    finally:
        folder.chmod(0o755)
