"""Every file of a run and of a study, damaged at every place: it is noticed, and named."""

from __future__ import annotations

import json
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import StudyError
from fittingroom.runs import folder as files
from fittingroom.runs.conduct import Interrupted
from fittingroom.runs.verify import verify_run
from fittingroom.studies.verify import verify_study
from fittingroom.training.history import Progress

PLACES = 300  # of each file; every one of a smaller file
OF_PICTURES = 10  # which nothing is read from but by people
QUICK: dict[str, Any] = {
    "name": "quick",
    "seeds": 2,
    "base": {"model": "two-layer", "epochs": 1, "batch_size": 32},
    "settings": {"slow": {}, "fast": {"lr": 0.01}},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, shapes_of_module: DataSplits) -> Path:
    """Return the folder of a finished run with everything in it."""
    out = tmp_path_factory.mktemp("finished")
    options = {"hidden": [6]}
    run = fr.train(
        "two-layer", shapes_of_module, epochs=2, batch_size=32, out=out, model_options=options
    )
    from fittingroom.serving.keeping import answering_of

    answering_of(run, shapes_of_module)
    return run.folder


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory, shapes_of_module: DataSplits) -> Path:
    """Return the folder of a run that was stopped in its third epoch."""

    def stop(progress: Progress) -> None:
        if progress.finished and progress.epoch == 3:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted) as caught:
        fr.train(
            "two-layer",
            shapes_of_module,
            epochs=4,
            batch_size=32,
            checkpoint_steps=5,
            figures=False,
            out=tmp_path_factory.mktemp("unfinished"),
            on_progress=stop,
            model_options={"hidden": [6]},
        )
    return caught.value.folder


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, shapes_of_module: DataSplits) -> fr.Study:
    return fr.study(QUICK, shapes_of_module, jobs=1, out=tmp_path_factory.mktemp("study"))


def damaged(whole: bytes, most: int = PLACES) -> Iterator[bytes]:
    """Return a file's content with one bit changed, and cut, at every place or many of them."""
    draw = random.Random(len(whole))  # noqa: S311 - places to damage, no secret
    places = sorted(draw.sample(range(len(whole)), min(most, len(whole))))
    for place in places:
        changed = bytes([whole[place] ^ 1 << draw.randrange(8)])
        yield whole[:place] + changed + whole[place + 1 :]
    yield from (whole[:place] for place in places[:: max(len(places) // 30, 1)])


def means_the_same(content: bytes, whole: bytes, ending: str) -> bool:
    """Tell whether JSON says what it said, and JSON lines too, or some at the end are missing."""
    try:
        if ending == ".json":
            return bool(json.loads(content) == json.loads(whole))
        lines, before = ([json.loads(line) for line in c.splitlines()] for c in (content, whole))
    except ValueError:
        return False
    return lines == before[: len(lines)]


@pytest.mark.parametrize("which", ["finished", "unfinished"])
def test_whatever_happens_to_a_file_of_a_run_is_noticed_and_the_file_named(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(request.getfixturevalue(which), folder)
    assert verify_run(folder) == []
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name[0] != "."]
    assert len(paths) >= 4
    for path in paths:
        whole = path.read_bytes()
        most = PLACES if path.parent == folder else OF_PICTURES
        for content in damaged(whole, most):
            path.write_bytes(content)
            found = verify_run(folder)
            if found or not means_the_same(content, whole, path.suffix):
                assert [one.path for one in found] == [path]
                assert str(path) in found[0].reason
                assert ";" in found[0].reason  # what to do
                assert "\n" not in found[0].reason
        path.unlink()
        gone = [one.path for one in verify_run(folder)]
        # What is made anew, and one of two checkpoints, may go.
        assert gone == [path] or path.name.startswith(("answering", "checkpoint"))
        path.write_bytes(whole)
    assert verify_run(folder) == []


def test_whatever_happens_to_a_studys_files_its_other_runs_are_kept(
    study: fr.Study, shapes_of_module: DataSplits, tmp_path: Path
) -> None:
    assert study.folder
    folder = tmp_path / "quick"
    shutil.copytree(study.folder, folder)
    record = folder / "study.json"
    whole = record.read_bytes()
    for content in [*damaged(whole)][::5]:
        record.write_bytes(content)
        if means_the_same(content, whole, ".json"):
            continue
        with pytest.raises(StudyError, match=r"study\.json"):
            fr.open_study(folder)
        assert [one.path for one in verify_study(folder)] == [record]
    record.unlink()
    assert [one.path for one in verify_study(folder)] == [record]
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("run.json")}
    again = fr.study(QUICK, shapes_of_module, jobs=1, out=tmp_path)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("run.json")} == before
    assert again.runs.keys() == study.runs.keys()


@pytest.mark.parametrize(
    "name", [files.RECORD, files.HISTORY, files.MODEL, files.PREDICTIONS], ids=str
)
@pytest.mark.parametrize("how", ["changed", "cut", "deleted"])
def test_a_damaged_run_of_a_study_is_named_and_done_anew_and_no_other(
    name: str, how: str, study: fr.Study, shapes_of_module: DataSplits, tmp_path: Path
) -> None:
    assert study.folder
    folder = tmp_path / "quick"
    shutil.copytree(study.folder, folder)
    path = folder / "runs" / "fast-seed1" / name
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + (b"" if how == "cut" else b"~" + whole[middle + 1 :]))
    if how == "deleted":
        path.unlink()
    assert [one.path for one in verify_study(folder)] == [path]
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("run.json")}
    if name == files.RECORD and how == "deleted":
        again = fr.study(QUICK, shapes_of_module, jobs=1, out=tmp_path)
    else:
        with pytest.warns(UserWarning, match="fast-seed1: damaged since it was written"):
            again = fr.study(QUICK, shapes_of_module, jobs=1, out=tmp_path)
    kept = {p for p, moment in before.items() if p.stat().st_mtime_ns == moment}
    assert {p.parent.name for p in kept} == {"slow-seed0", "slow-seed1", "fast-seed0"}
    assert (
        again.runs["fast", 1].evaluation.logits == study.runs["fast", 1].evaluation.logits
    ).all()
    assert verify_study(folder) == []
