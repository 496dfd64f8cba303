from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import (
    DataError,
    DeviceError,
    ModelError,
    RecipeError,
    RunError,
    StudyError,
)
from fittingroom.runs import folder as files
from fittingroom.runs.conduct import Interrupted
from fittingroom.runs.environment import describe_environment
from fittingroom.studies import work
from fittingroom.studies.conduct import begin, number_of_jobs, settle_plan
from fittingroom.studies.study import RECORD
from fittingroom.studies.team import Team
from fittingroom.studies.watch import Snapshot
from fittingroom.training.device import select_device

pytestmark = pytest.mark.usefixtures("isolated")

CONDUCTING = Path(__file__).with_name("conducting.py")
QUICK: dict[str, Any] = {
    "name": "quick",
    "seeds": 2,
    "base": {"model": "two-layer", "epochs": 2, "batch_size": 32},
    "settings": {"slow": {"lr": 0.001}, "fast": {"lr": 0.01}},
}
NETWORK = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self, input_shape, num_classes):
        channels, height, width = input_shape
        super().__init__(nn.Flatten(), nn.Linear(channels * height * width, num_classes))
"""
LONG = """
seeds = 2
[base]
model = "two-layer"
epochs = 100000
batch_size = 32
[settings.a]
lr = 0.001
[settings.b]
lr = 0.01
"""


def moments(study: fr.Study) -> dict[str, str]:
    """When each of its runs was finished."""
    return {run.name: run.record["finished"] for run in study.runs.values()}


def weights(run: fr.Run) -> list[bytes]:
    return [tensor.numpy().tobytes() for tensor in run.classifier.state_dict().values()]


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait up to a minute, with an error after that."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "nothing happened for a minute"
        time.sleep(0.05)


def running(folder: Path) -> int:
    """Return how many of a study's runs have begun."""
    return len(list(folder.glob("runs/*/run.json")))


def test_every_setting_is_trained_with_every_seed_as_its_recipe_says(shapes: DataSplits) -> None:
    study = fr.study(QUICK, shapes, jobs=1)
    assert study.finished
    assert {(run.recipe.lr, run.recipe.seed) for run in study.runs.values()} == {
        (0.001, 0),
        (0.01, 0),
        (0.001, 1),
        (0.01, 1),
    }
    assert study.folder == Path("studies/quick")
    assert study.record["data"]["fingerprint"] == shapes.fingerprint


def test_a_run_of_a_study_is_the_run_that_train_makes(shapes: DataSplits) -> None:
    study = fr.study(QUICK, shapes, jobs=1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    alone = fr.train(study.plan.setting("fast").recipe_for(1), shapes, figures=False)
    torch.set_num_threads(threads)
    assert weights(alone) == weights(study.runs["fast", 1])


def test_what_is_finished_is_not_done_again(shapes: DataSplits) -> None:
    before = moments(fr.study(QUICK, shapes, jobs=1))
    assert moments(fr.study(QUICK, shapes, jobs=1)) == before
    more = moments(fr.study(QUICK, shapes, seeds=3, jobs=1))
    assert before.items() < more.items()
    assert len(more) == 6


def test_what_was_deleted_damaged_or_left_unfinished_is_done_again(shapes: DataSplits) -> None:
    first = fr.study(QUICK, shapes, jobs=1)
    before = {key: weights(run) for key, run in first.runs.items()}
    deleted, damaged, unfinished = (first.runs[key].folder for key in list(before)[:3])
    for path in deleted.rglob("*"):
        path.unlink()
    deleted.rmdir()
    with (damaged / files.PREDICTIONS).open("ab") as file:
        file.write(b"x")
    record = files.read_record(unfinished)
    files.write_record(unfinished / files.RECORD, record | {"status": "running"})
    with pytest.warns(UserWarning, match=f"{damaged.name}: damaged since it was written"):
        again = fr.study(QUICK, shapes, jobs=1)
    assert {key: weights(run) for key, run in again.runs.items()} == before
    assert not again.problems
    kept, old = moments(again), moments(first)
    assert [name for name in kept if kept[name] == old[name]] == [list(first.runs.values())[3].name]


def test_a_diverged_run_is_a_result_that_is_not_tried_again(shapes: DataSplits) -> None:
    plan = {**QUICK, "settings": {"fine": {}, "wild": {"lr": 1e30, "optimizer": "sgd"}}}
    study = fr.study(plan, shapes, jobs=1)
    assert study.finished
    assert set(study.failures) == {("wild", 0), ("wild", 1)}
    assert "learning rate 1e+30" in study.failures["wild", 0]
    record = study.folder and study.folder / "runs" / "wild-seed0" / files.RECORD
    assert record
    before = record.read_bytes()
    fr.study(plan, shapes, jobs=1)
    assert record.read_bytes() == before


def test_the_listener_hears_of_each_run_once(shapes: DataSplits) -> None:
    heard: list[Snapshot] = []
    study = fr.study(QUICK, shapes, jobs=1, on_progress=heard.append)
    news = [item for snapshot in heard for item in snapshot.news]
    accuracies = {key: run.evaluation.accuracy for key, run in study.runs.items()}
    assert {(name, seed): accuracy for name, seed, accuracy in news} == accuracies
    assert len(news) == 4
    assert heard[-1].done == heard[-1].total == 4
    assert heard[-1].seconds_left == 0
    assert heard[-1].standings[0].accuracies == tuple(
        accuracies[key] for key in (("slow", 0), ("slow", 1))
    )


@pytest.mark.slow
def test_the_number_of_jobs_changes_no_bit(shapes_folder: Path, tmp_path: Path) -> None:
    one = fr.study(QUICK, shapes_folder, jobs=1, out=tmp_path / "one")
    two = fr.study(QUICK, shapes_folder, jobs=2, out=tmp_path / "two")
    for key, run in one.runs.items():
        assert weights(run) == weights(two.runs[key])
        assert run.evaluation.logits.tobytes() == two.runs[key].evaluation.logits.tobytes()


@pytest.mark.slow
def test_two_processes_share_a_study_without_doing_a_run_twice(
    shapes_folder: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "shared.toml"
    plan.write_text(LONG.replace("100000", "30").replace("seeds = 2", "seeds = 6"), "utf-8")
    log = tmp_path / "log"
    words = [sys.executable, str(CONDUCTING), str(plan), str(shapes_folder), "1", str(log)]
    both = [subprocess.Popen(words) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    done = sorted(log.read_text("utf-8").split())
    assert done == sorted(f"{name}-seed{seed}" for name in "ab" for seed in range(6))
    assert fr.open_study("studies/shared").finished


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends signals as POSIX has them")
@pytest.mark.parametrize(("jobs", "number"), [("1", signal.SIGINT), ("2", signal.SIGTERM)])
def test_an_interrupted_study_goes_on_and_repeats_nothing(
    jobs: str, number: signal.Signals, shapes_folder: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "long.toml"
    plan.write_text(LONG, "utf-8")
    words = [sys.executable, str(CONDUCTING), str(plan), str(shapes_folder), jobs, "log"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        try:
            wait_for(lambda: running(Path("studies/long")) >= int(jobs))
            process.send_signal(number)
            output, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 128 + number
    assert b"give the same command again to go on" in output
    study = fr.open_study("studies/long")
    assert not study.runs
    assert not study.problems


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in Linux's /proc")
def test_workers_end_with_the_one_who_started_them(shapes_folder: Path, tmp_path: Path) -> None:
    plan = tmp_path / "orphans.toml"
    plan.write_text(LONG, "utf-8")
    words = [sys.executable, str(CONDUCTING), str(plan), str(shapes_folder), "2", "log"]
    with subprocess.Popen(words) as process:
        try:
            wait_for(lambda: running(Path("studies/orphans")) >= 2)
        finally:
            process.kill()

    def workers() -> list[Path]:
        lines = Path("/proc").glob("[0-9]*/cmdline")
        return [path for path in lines if b"studies/orphans" in read_if_there(path)]

    wait_for(lambda: not workers())


def read_if_there(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the process has just ended
        return b""


@pytest.mark.slow
def test_a_workers_complaint_is_told_in_one_line(shapes: DataSplits) -> None:
    with pytest.raises(StudyError, match=r"a worker of the study stopped: .*shapes"):
        fr.study(QUICK, shapes, jobs=2)  # in memory only: a worker cannot read it again


def test_data_in_memory_are_worked_on_by_this_process(
    shapes: DataSplits, shapes_folder: Path
) -> None:
    cpu = select_device("cpu")
    assert number_of_jobs(None, 1000, shapes, cpu) == 1
    assert number_of_jobs(None, 1000, fr.load(shapes_folder), cpu) == work.cpu_cores()
    assert number_of_jobs(3, 1000, shapes, cpu) == 3
    assert number_of_jobs(100, 2, shapes, cpu) == 2
    assert number_of_jobs(None, 0, fr.load(shapes_folder), cpu) == 0


def test_a_study_does_not_go_on_with_other_data(shapes: DataSplits) -> None:
    fr.study(QUICK, shapes, jobs=1)
    other = DataSplits("shapes", "made for a test", shapes.test, shapes.learning)
    with pytest.raises(StudyError, match=r"begun with other data: expected fingerprint \w{16}"):
        fr.study(QUICK, other, jobs=1)


def test_a_study_does_not_mix_recipes_of_one_name(shapes: DataSplits) -> None:
    fr.study(QUICK, shapes, jobs=1)
    changed = {**QUICK, "settings": {"slow": {"lr": 0.002}, "fast": {"lr": 0.01}}}
    with pytest.raises(StudyError, match=r"slow-seed0: the run was made with lr 0.001, .* 0.002"):
        fr.study(changed, shapes, jobs=1)


def test_a_study_does_not_mix_recipes_of_one_name_while_a_run_goes_on(shapes: DataSplits) -> None:
    begun = {**QUICK, "settings": {"slow": {"lr": 0.001, "epochs": 100_000}}}
    changed = {**QUICK, "settings": {"slow": {"lr": 0.002, "epochs": 100_000}}}
    refused: list[str] = []

    def change(snapshot: Snapshot) -> None:
        if snapshot.standings[0].running:
            with pytest.raises(StudyError, match=r"slow-seed0: the run was made with") as caught:
                fr.study(changed, shapes, jobs=1)
            refused.append(str(caught.value))
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        fr.study(begun, shapes, jobs=1, on_progress=change)
    assert "lr 0.001, the study says 0.002" in refused[0]


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_each_process_does_the_plan_that_it_was_given(jobs: int, shapes_folder: Path) -> None:
    fewer, data = settle_plan(QUICK).but(seeds=1), fr.load(shapes_folder)
    heard: list[Snapshot] = []

    def begin_again(snapshot: Snapshot) -> None:
        if not heard:  # as a second command with --seeds 1 does at this moment
            environment = describe_environment(select_device("cpu"))
            begin(Path("studies/quick"), fewer, data, environment, None)
        heard.append(snapshot)

    study = fr.study(QUICK, data, jobs=jobs, on_progress=begin_again)
    assert len(study.runs) == 4
    assert len(fr.open_study("studies/quick").plan.wanted) == 2


def test_a_run_that_is_finished_while_it_is_looked_at_is_not_removed(
    shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = fr.study(QUICK, shapes, jobs=1)
    assert study.folder
    record = study.runs["slow", 0].folder / files.RECORD
    finished = record.read_bytes()
    record.write_bytes(finished.replace(b'"status": "finished"', b'"status": "running"'))
    claim = work.claim

    @contextmanager
    def finish_then_claim(*arguments: Any) -> Iterator[bool]:
        record.write_bytes(finished)  # by the process that had the lock until now
        with claim(*arguments) as ours:
            yield ours

    monkeypatch.setattr(work, "claim", finish_then_claim)
    assert work.sweep(study.folder, study.plan, shapes.fingerprint) == []
    assert record.read_bytes() == finished


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends signals as POSIX has them")
def test_a_killed_worker_is_told_in_one_line_and_the_others_stop(tmp_path: Path) -> None:
    team = Team("fittingroom.studies.worker", [str(tmp_path), "cpu", "1", "2", "auto"], 2, 1)
    with team:
        team.workers[0].kill()
        with pytest.raises(StudyError, match=r"killed by signal 9, .* give the same command again"):
            team.follow(lambda: None)
    assert [worker.returncode for worker in team.workers] == [-9, 130]


@pytest.mark.slow
def test_workers_import_what_this_process_does(
    shapes_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, here = tmp_path / "own", tmp_path / "here"
    own.mkdir()
    here.mkdir()
    (own / "my_network.py").write_text(NETWORK, "utf-8")
    (here / "statistics.py").write_text("raise SystemExit('not the library that was meant')")
    monkeypatch.syspath_prepend(own)
    monkeypatch.chdir(here)
    recipe = fr.Recipe(model="my_network:Net", epochs=1)
    study = fr.study({"seeds": 2, "settings": {"mine": recipe}}, shapes_folder, jobs=2)
    assert len(study.runs) == 2


def test_a_study_of_which_every_run_diverged_says_so(shapes: DataSplits) -> None:
    plan = {**QUICK, "settings": {"wild": {"lr": 1e30, "optimizer": "sgd"}}}
    with pytest.raises(StudyError, match="no run has a result: the loss became"):
        _ = fr.study(plan, shapes, jobs=1).results


def test_a_folder_without_locks_is_said_in_one_line(shapes: DataSplits) -> None:
    Path("studies/quick").mkdir(parents=True)
    Path("studies/quick/locks").write_text("", "utf-8")
    with pytest.raises(RunError, match=r"study\.lock: cannot be locked: .*--out"):
        fr.study(QUICK, shapes, jobs=1)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"format": "fittingroom-study/9"}', "another version: .* found 'fittingroom-study/9'"),
        ("[]", "another version"),
        ("{", "cannot be read"),
        ('{"format": "fittingroom-study/1"}', "damaged: plan: Field required"),
    ],
)
def test_a_damaged_or_other_record_is_refused(
    content: str, complaint: str, shapes: DataSplits
) -> None:
    folder = Path("studies/quick")
    folder.mkdir(parents=True)
    (folder / RECORD).write_text(content, "utf-8")
    with pytest.raises(StudyError, match=complaint):
        fr.study(QUICK, shapes, jobs=1)
    with pytest.raises(StudyError, match=complaint):
        fr.open_study(folder)
    assert (folder / RECORD).read_text("utf-8") == content


@pytest.mark.parametrize(
    ("fields", "error", "complaint"),
    [
        ({"jobs": 0}, StudyError, "jobs must be 1 or more, found 0"),
        ({"threads": 0}, StudyError, "threads must be 1 or more, found 0"),
        ({"stack": 0}, StudyError, "stack must be 1 or more, found 0"),
        ({"seeds": 0}, StudyError, "seeds must be 1 to"),
        ({"device": "toaster"}, DeviceError, "unknown device 'toaster'"),
        ({"protocol": "none"}, RecipeError, "protocol must be"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_made(
    fields: dict[str, Any], error: type[Exception], complaint: str, shapes: DataSplits
) -> None:
    with pytest.raises(error, match=complaint):
        fr.study(QUICK, shapes, **fields)
    assert not Path("studies").exists()


def test_a_network_that_cannot_be_built_is_refused_before_anything_is_trained(
    shapes: DataSplits,
) -> None:
    for model, options in (("no-such-net", {}), ("two-layer", {"hidden": [1, 2]})):
        plan = {**QUICK, "settings": {"a": {}, "b": {"model": model, "model_options": options}}}
        with pytest.raises(ModelError, match=model):
            fr.study(plan, shapes, jobs=1)
    assert not Path("studies").exists()


def test_no_study_and_no_finished_run_are_said_in_one_line(
    shapes: DataSplits, tmp_path: Path
) -> None:
    with pytest.raises(StudyError, match=r"no study here: expected a folder with study\.json"):
        fr.open_study(tmp_path / "nowhere")
    study = fr.study(QUICK, shapes, jobs=1)
    study.runs.clear()
    with pytest.raises(StudyError, match="no run of this study is finished yet"):
        _ = study.results
    with pytest.raises(DataError, match="not the data of study quick"):
        study.data(DataSplits("shapes", "made for a test", shapes.test, shapes.learning))


def test_a_file_in_the_way_is_said_in_one_line(shapes: DataSplits) -> None:
    Path("studies").write_text("", "utf-8")
    with pytest.raises(RunError, match=r"the study's folder cannot be made: .*--out"):
        fr.study(QUICK, shapes, jobs=1)


def test_ctrl_c_in_this_process_says_how_to_go_on(shapes: DataSplits) -> None:
    def stop(snapshot: Snapshot) -> None:
        if snapshot.done:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="give the same command again"):
        fr.study({**QUICK, "seeds": 300}, shapes, jobs=1, on_progress=stop)
    assert 1 <= len(fr.open_study("studies/quick").runs) < 600


def test_runs_made_one_by_one_are_gathered_by_recipe(shapes: DataSplits) -> None:
    fields: dict[str, Any] = {"epochs": 1, "figures": False}
    runs = [fr.train("two-layer", shapes, lr=lr, seed=s, **fields) for lr in (1, 2) for s in (0, 1)]
    study = fr.gather([run.folder for run in runs])
    assert [(s.name, s.recipe.lr) for s in study.plan.settings] == [
        ("two-layer, lr=1.0", 1.0),
        ("two-layer, lr=2.0", 2.0),
    ]
    assert study.plan.seeds == (0, 1)
    assert study.runs["two-layer, lr=2.0", 1].folder == runs[3].folder
    with pytest.raises(StudyError, match="the same recipe and seed as"):
        fr.gather([runs[0], runs[1], runs[0]])
    other = DataSplits("shapes", "made for a test", shapes.test, shapes.learning)
    with pytest.raises(StudyError, match="made with other data than"):
        fr.gather([runs[0], fr.train("two-layer", other, **fields)])
    with pytest.raises(StudyError, match="found none"):
        fr.gather([])
