"""`fittingroom data make`, `show` and `check`, with sets in shards."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import fittingroom as fr
from fittingroom.data.sketches import draw


class Result(NamedTuple):
    code: int
    out: str
    err: str


Cli = Callable[..., Result]


def test_a_set_is_written_shown_checked_and_trained_on_by_one_command_each(
    cli: Cli, shapes_folder: Path
) -> None:
    made = cli("data", "make", "shards", shapes_folder, "모양 🔷", "--shard-size", 100)
    assert (made.code, made.out) == (0, "240 + 80 pictures lie in 모양 🔷\n")
    assert made.err == "Writing 320 pictures ...\n"
    assert len(list(Path("모양 🔷").glob("train-*-images-idx3-ubyte"))) == 3
    for words in (("data", "show", "--json"), ("data", "check", "--json")):
        stored, expected = cli(*words, "모양 🔷"), cli(*words, shapes_folder)
        assert (stored.code, stored.err) == (0, "")
        ours, theirs = json.loads(stored.out), json.loads(expected.out)
        if isinstance(ours, dict):
            assert (ours.pop("name"), ours.pop("source")) == ("모양 🔷", "모양 🔷")
            del theirs["name"], theirs["source"]
        assert ours == theirs
    train = ("train", "--epochs", 1, "--no-figures", "--quiet", "--data")
    assert cli(*train, "모양 🔷", "--name", "stored") == (0, "", "")
    assert cli(*train, shapes_folder, "--name", "memory") == (0, "", "")
    ours, theirs = (fr.open_run(name).record for name in ("stored", "memory"))
    assert ours["results"]["test"]["loss"] == theirs["results"]["test"]["loss"]
    assert ours["data"]["fingerprint"] == theirs["data"]["fingerprint"]


def test_sketches_in_shards_are_the_same_sketches(cli: Cli) -> None:
    words = ("--train", 60, "--test", 20, "--seed", 5)
    made = cli("data", "make", "sketches", "set", "--shards", "--shard-size", 50, *words)
    assert (made.code, made.out) == (0, "60 + 20 sketches lie in set\n")
    shown = json.loads(cli("data", "show", "set", "--json").out)
    assert shown["fingerprint"] == draw(60, 20, 5).fingerprint
    assert shown["sketches"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("sketches", "x", "--jobs", 2), "--shard-size and --jobs are for --shards"),
        (("sketches", "x", "--shard-size", 2), "--shard-size and --jobs are for --shards"),
        (("sketches", "x", "--shards", "--shard-size", 0), "shard_size must be 1 to"),
        (("sketches", "x", "--shards", "--jobs", 0), "--jobs must be 1 to 64, found 0"),
        (("sketches", "x", "--shards", "--train", 10**9), "1 to 100,000,000, found 1,000,000,000"),
        (("sketches", "x", "--train", 10**7), "found 10,000,000; --shards can have more"),
        (("sketches", "taken", "--shards"), "taken: expected a new or empty folder"),
        (("shards", "nowhere", "x"), "nowhere: no such file or folder"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    cli: Cli, words: tuple[object, ...], complaint: str
) -> None:
    Path("taken").mkdir()
    Path("taken", "mine").touch()
    before = sorted(os.walk("."))
    result = cli("data", "make", *words)
    assert result.code == 2
    assert complaint in result.err
    assert re.fullmatch(r"fittingroom: .*\n", result.err)
    assert sorted(os.walk(".")) == before


def test_damage_is_one_line_that_names_the_file(cli: Cli, shapes_folder: Path) -> None:
    cli("data", "make", "shards", shapes_folder, "set")
    path = Path("set", "train-00000-images-idx3-ubyte")
    content = bytearray(path.read_bytes())
    content[100] ^= 255
    path.write_bytes(content)
    result = cli("data", "check", "set")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        f"fittingroom: {path}: damaged: another SHA-256 than in shards.json; copy or write the "
        "set again\n"
    )
