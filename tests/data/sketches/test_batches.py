"""Sketches drawn batch by batch, by several processes, are those that are drawn in one go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from fittingroom.data.sketches import batches, draw, write_shards
from fittingroom.data.sketches.batches import drawn, plan, shuffled_labels
from fittingroom.data.sources import load
from fittingroom.errors import DataError


@pytest.mark.parametrize("jobs", [1, 2])
def test_shards_hold_the_pictures_that_are_drawn_in_memory(tmp_path: Path, jobs: int) -> None:
    write_shards(tmp_path / "set", 700, 150, seed=4, shard_size=120, jobs=jobs)
    found, expected = load(tmp_path / "set"), draw(700, 150, seed=4)
    np.testing.assert_array_equal(np.asarray(found.learning.images), expected.learning.images)
    np.testing.assert_array_equal(np.asarray(found.test.images), expected.test.images)
    np.testing.assert_array_equal(found.learning.labels, expected.learning.labels)
    assert found.fingerprint == expected.fingerprint
    assert (found.name, found.sketches, found.notes) == (expected.name, True, expected.notes)


def test_the_batches_of_a_part_are_all_its_pictures_by_their_first() -> None:
    rng = np.random.default_rng(0)
    planned = plan(shuffled_labels(3_000, rng), rng)
    everything = np.concatenate([batch.indices for batch in planned])
    np.testing.assert_array_equal(np.sort(everything), np.arange(3_000))
    firsts = [batch.indices[0] for batch in planned]
    assert firsts == sorted(firsts)
    assert all((np.diff(batch.indices) > 0).all() for batch in planned)


def test_a_batch_can_be_drawn_again_and_alone() -> None:
    rng = np.random.default_rng(1)
    planned = plan(shuffled_labels(600, rng), rng)
    batch = planned[len(planned) // 2]
    first = batch.draw()
    planned[0].draw()
    np.testing.assert_array_equal(batch.draw(), first)


def test_few_batches_are_drawn_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or all pictures of a large set would wait in memory until they are written."""
    monkeypatch.setattr(batches, "BATCH", 5)
    rng = np.random.default_rng(2)
    planned = iter(plan(shuffled_labels(500, rng), rng))
    pictures = drawn(planned, 2)
    next(pictures)
    asked_for = 100 - len(list(planned))
    pictures.close()
    assert asked_for <= batches.AHEAD * 2 + 30  # styles with few pictures make small batches


@pytest.mark.parametrize("jobs", [0, -1, 65])
def test_nonsense_numbers_of_processes_are_refused(tmp_path: Path, jobs: int) -> None:
    with pytest.raises(DataError, match=f"--jobs must be 1 to 64, found {jobs}"):
        write_shards(tmp_path / "set", 10, 10, jobs=jobs)


def test_a_process_that_is_killed_is_told_in_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    def kill_a_child(done: int, _all: int) -> None:
        if done:
            children = subprocess.run(
                ["pgrep", "-P", str(os.getpid()), "-f", "spawn_main"],
                capture_output=True,
                text=True,
                check=False,
            ).stdout.split()
            for child in children:
                os.kill(int(child), signal.SIGKILL)

    with pytest.raises(DataError, match=r"a process that draws sketches was killed.*fewer --jobs"):
        write_shards(tmp_path / "set", 6_000, 10, jobs=2, on_progress=kill_a_child)
    assert list(tmp_path.iterdir()) == []


def test_a_result_that_was_forgotten_as_a_process_died_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "PATIENCE_SECONDS", 0.05)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        with pytest.raises(BrokenProcessPool):
            pool.submit(signal.raise_signal, signal.SIGTERM).result()
        with pytest.raises(BrokenProcessPool):
            batches.result_of(Future(), pool)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_ends_the_drawing_in_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    words = ("data", "make", "sketches", "set", "--shards", "--train", 30_000, "--jobs", 2)
    process = subprocess.Popen(
        [sys.executable, "-m", "fittingroom", *map(str, words)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    pictures = tmp_path / "set.part" / "train-00000-images-idx3-ubyte"
    while not (pictures.exists() and any(pictures.read_bytes()[16:])):
        time.sleep(0.05)
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    out, complaint = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert complaint.splitlines() == ["Writing 32,000 pictures ...", "fittingroom: interrupted"]
    assert list(tmp_path.iterdir()) == []
