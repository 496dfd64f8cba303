"""`train` in several processes: by torchrun, and as it starts them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from safetensors.numpy import load_file

import fittingroom as fr

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked"),
]

LAUNCHING = Path(__file__).with_name("launching.py")
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
QUICK = ["--model", "convnet", "--option", "widths=[4, 6, 8]", "--no-figures", "--no-report"]
SHORT = ["--epochs", "2", "--batch-size", "32"]
LONG = ["--model", "two-layer", "--epochs", "12", "--batch-size", "4", "--no-report"]

OWN = """
import os
from torch import nn
from fittingroom.errors import ModelError

class Failing(nn.Module):
    error = ModelError("this network is tired")

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 4)
        self.calls = 0

    def forward(self, x):
        self.calls += self.training
        if self.calls == 5 and os.environ["RANK"] == "1":
            raise self.error
        return self.layer(x.flatten(1))

class Broken(Failing):
    error = IndexError("a mistake in the program")
"""


class Outcome(NamedTuple):
    """What the processes of one case left behind."""

    codes: list[int]
    folder: Path

    def shown(self, kind: str) -> list[str]:
        """Return what each process printed: out or err."""
        texts = [self.folder / f"{rank}.{kind}" for rank in range(len(self.codes))]
        return [path.read_text("utf-8") for path in texts]

    @property
    def complaint(self) -> str:
        """What was said on the standard error by all of them together."""
        return "".join(self.shown("err"))

    @property
    def run(self) -> fr.Run:
        return fr.open_run(runs=self.folder / "runs")


def write_pictures(path: Path, seed: int) -> Path:
    """Write 240 + 80 grey pictures of 8x8, noisy, one half of each brighter: its class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(320) % 4
    images = rng.integers(0, 150, (320, 8, 8)).astype(np.uint8)
    halves = (np.s_[:, :4], np.s_[:, 4:], np.s_[:4], np.s_[4:])
    for image, label in zip(images, labels, strict=True):
        image[halves[label]] += 70
    np.savez(
        path, x_train=images[:240], y_train=labels[:240], x_test=images[240:], y_test=labels[240:]
    )
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two data sets and networks of a person's own."""
    folder = tmp_path_factory.mktemp("several")
    write_pictures(folder / "pictures.npz", seed=0)
    write_pictures(folder / "others.npz", seed=1)
    (folder / "own.py").write_text(OWN)
    return folder


def on(data: Path, *words: str) -> list[str]:
    return ["train", "--data", str(data), "--validation-size", "40", *words]


@pytest.fixture(scope="module")
def outcomes(place: Path) -> dict[str, Outcome]:
    """What all the cases came to, done one after another in one go."""
    data, others = place / "pictures.npz", place / "others.npz"
    quick, long = on(data, *SHORT, *QUICK), on(data, *LONG, "--no-figures")
    out = place / "out"
    stopped = str(out / "stopped" / "runs" / "pictures-two-layer-seed0")
    own = [
        on(data, "--batch-size", "32", "--no-report", "--model", f"own:{name}")
        for name in ("Failing", "Broken")
    ]
    cases: dict[str, dict[str, Any]] = {
        "apart": {"processes": [quick[:-1]] * 2, "apart": True},
        "json": {"processes": [[*quick, "--json"]] * 2},
        "bad word": {"processes": [["train", "--lr", "much"]] * 2},
        "bad name": {"processes": [["train", "--model", "nope"]] * 2},
        "no data": {"processes": [on(place / "nowhere")] * 2},
        "no run": {"processes": [["train", "--resume", "nope"]] * 2},
        "one gpu": {"processes": [on(data, "--device", "cuda:1")] * 2},
        "study": {"processes": [["study", "notebook"]] * 2},
        "other data": {"processes": [quick, on(others, *SHORT, *QUICK)], "apart": True},
        "other recipe": {"processes": [quick, [*quick, "--lr", "1"]]},
        "diverged": {"processes": [[*quick, "--lr", "1e30"]] * 2},
        "own error": {"processes": [own[0]] * 2},
        "own mistake": {"processes": [own[1]] * 2},
        "stopped": {"processes": [long] * 2, "when": ["epoch 2 ", 1, signal.SIGINT]},
        "resumed": {"processes": [["train", "--resume", stopped, "--no-figures"]] * 3},
        "terminated": {"processes": [long] * 2, "when": ["epoch 2 ", 0, signal.SIGTERM]},
        "killed": {"processes": [long] * 2, "when": ["epoch 2 ", 1, signal.SIGKILL]},
        "first killed": {"processes": [long] * 2, "when": ["epoch 2 ", 0, signal.SIGKILL]},
    }
    (place / "cases.json").write_text(json.dumps(cases))
    done = subprocess.run(
        [sys.executable, str(LAUNCHING), str(place / "cases.json"), str(out)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": python_path(place)},
    )
    return {name: Outcome(codes, out / name) for name, codes in json.loads(done.stdout).items()}


def python_path(folder: Path) -> str:
    return os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(folder)])


def assert_same_within_rounding(run: fr.Run, other: fr.Run) -> None:
    ours, theirs = (load_file(r.folder / "model.safetensors") for r in (run, other))
    assert ours.keys() == theirs.keys()
    for name, weights in theirs.items():
        np.testing.assert_allclose(ours[name], weights, rtol=1e-3, atol=1e-4, err_msg=name)
    assert abs(run.evaluation.accuracy - other.evaluation.accuracy) <= 1 / 80


def train_alone(place: Path, model: str, **fields: Any) -> fr.Run:
    data = fr.load(place / "pictures.npz")
    alone: dict[str, Any] = {"out": place / "alone", "figures": False, "validation_size": 40}
    return fr.train(model, data, **alone, **fields)


# What one process writes


def test_processes_on_two_machines_come_to_what_one_comes_to(
    outcomes: dict[str, Outcome], place: Path
) -> None:
    apart = outcomes["apart"]
    assert (apart.codes, apart.complaint) == ([0, 0], "")
    assert_same_within_rounding(
        apart.run,
        train_alone(place, "convnet", model_options={"widths": [4, 6, 8]}, epochs=2, batch_size=32),
    )


def test_only_the_first_process_writes_and_speaks(outcomes: dict[str, Outcome]) -> None:
    apart = outcomes["apart"]
    assert list((apart.folder / "1").iterdir()) == []
    spoken, silent = apart.shown("out")
    assert silent == ""
    assert "everything lies in runs/pictures-convnet-seed0" in spoken
    assert ", fp32, 2 processes\n" in spoken
    written = {path.name for path in apart.run.folder.iterdir()}
    assert written == {
        "run.json",
        "history.jsonl",
        "model.safetensors",
        "predictions.npz",
        "report.html",
        "answering.safetensors",
    }


def test_the_record_says_how_many_processes_there_were_and_how_to_start_them(
    outcomes: dict[str, Outcome],
) -> None:
    record = outcomes["apart"].run.record
    assert (record["environment"]["processes"], record["environment"]["machines"]) == (2, 2)
    start = "torchrun --nnodes 2 --nproc-per-node 1 -m fittingroom train"
    assert record["command"].startswith(f"{start} --data")


def test_json_is_printed_once(outcomes: dict[str, Outcome]) -> None:
    printed, nothing = outcomes["json"].shown("out")
    assert json.loads(printed)["environment"]["processes"] == 2
    assert json.loads(printed)["environment"]["machines"] == 1
    assert nothing == ""


# What goes wrong for all of them is said once


@pytest.mark.parametrize(
    ("case", "line"),
    [
        ("bad word", "Invalid value for '--lr'"),
        ("bad name", "unknown model 'nope'"),
        ("no data", "nowhere: no such file or folder"),
        ("no run", "nope: no such run"),
        ("one gpu", "device 'cuda:1' cannot be shared by 2 processes"),
        ("study", "torchrun is for `train`"),
        ("other recipe", "process 1 has another recipe than process 0"),
        ("diverged", "the loss became"),
        ("own error", "this network is tired"),
    ],
)
def test_bad_input_is_one_line_from_all_processes_together(
    outcomes: dict[str, Outcome], case: str, line: str
) -> None:
    outcome = outcomes[case]
    assert 2 in outcome.codes
    assert set(outcome.codes) <= {2, 130, 143, -signal.SIGTERM}
    assert outcome.complaint.startswith("fittingroom: ")
    assert outcome.complaint.count("\n") == 1
    assert line in outcome.complaint


def test_on_each_machine_the_same_line_is_said(outcomes: dict[str, Outcome]) -> None:
    first, second = outcomes["other data"].shown("err")
    assert first == second
    assert "process 1 has another data set than process 0; give all machines" in first


def test_what_fails_for_all_is_in_the_record_before_they_end(
    outcomes: dict[str, Outcome],
) -> None:
    record = outcomes["diverged"].run.record
    assert (record["status"], record["error_type"]) == ("failed", "DivergenceError")


def test_a_mistake_in_one_process_keeps_its_traceback_and_ends_the_others(
    outcomes: dict[str, Outcome],
) -> None:
    outcome = outcomes["own mistake"]
    first, second = outcome.shown("err")
    assert first == "fittingroom: process 1: IndexError: a mistake in the program\n"
    assert "Traceback" in second
    assert outcome.codes == [2, 1]
    assert outcome.run.status == "failed"


# Interruptions


@pytest.mark.parametrize(("case", "codes"), [("stopped", [130, 130]), ("terminated", [143, 130])])
def test_a_signal_to_one_process_stops_all_and_says_once_how_to_go_on(
    outcomes: dict[str, Outcome], case: str, codes: list[int]
) -> None:
    outcome = outcomes[case]
    assert outcome.codes == codes
    start = "torchrun --nproc-per-node 2 -m fittingroom train"
    hint = f"go on with `{start} --resume runs/pictures-two-layer-seed0`"
    assert outcome.complaint == f"fittingroom: interrupted; {hint}\n"
    assert case == "stopped" or outcome.run.status == "interrupted"


def test_more_processes_than_before_go_on_to_the_same_end(
    outcomes: dict[str, Outcome], place: Path
) -> None:
    assert (outcomes["resumed"].codes, outcomes["resumed"].complaint) == ([0, 0, 0], "")
    resumed = outcomes["stopped"].run
    assert resumed.status == "finished"
    assert len(resumed.history) == 12
    assert_same_within_rounding(resumed, train_alone(place, "two-layer", epochs=12, batch_size=4))


@pytest.mark.parametrize("case", ["killed", "first killed"])
def test_the_death_of_one_process_ends_the_others_with_a_word_on_how_to_go_on(
    outcomes: dict[str, Outcome], case: str
) -> None:
    outcome = outcomes[case]
    assert sorted(outcome.codes) == [-signal.SIGKILL, 2]
    start = "torchrun --nproc-per-node 2 -m fittingroom train"
    assert outcome.complaint == (
        "fittingroom: another of the 2 processes of this run has ended or does not answer, and "
        "this one cannot go on without it; "
        f"go on with `{start} --resume runs/pictures-two-layer-seed0`\n"
    )
    assert outcome.run.status == ("failed" if case == "killed" else "running")


# By torchrun itself


def test_a_run_whose_process_was_killed_goes_on_by_the_command_that_is_named(place: Path) -> None:
    folder = place / "real"
    folder.mkdir()
    with torchrun(folder, *on(place / "pictures.npz", *LONG)) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("epoch 2 "):
                break
        os.kill(second_of(process.pid), signal.SIGKILL)
        _, complaint = process.communicate(timeout=300)
    assert process.returncode == 1
    (word,) = (line for line in complaint.splitlines() if line.startswith("fittingroom: "))
    named = word.partition("`torchrun --nproc-per-node 2 -m fittingroom ")[2].rstrip("`")
    assert named == "train --resume runs/pictures-two-layer-seed0"

    with torchrun(folder, *named.split(), "--no-figures", "--no-report") as process:
        process.communicate(timeout=300)
    assert process.returncode == 0
    run = fr.open_run(runs=folder / "runs")
    assert run.status == "finished"
    assert_same_within_rounding(run, train_alone(place, "two-layer", epochs=12, batch_size=4))


def torchrun(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*TORCHRUN, "-m", "fittingroom", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def second_of(agent: int) -> int:
    """Return the process that torchrun's own has started as number 1."""
    for children in Path(f"/proc/{agent}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            if b"RANK=1" in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"):
                return child
    raise AssertionError(f"{agent} has no such process")
