from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from fittingroom.errors import DeviceError
from fittingroom.training.torchrun import (
    Launch,
    first_to_tell,
    is_first,
    launch,
    leave_word,
    own_device,
    starting_words,
)

SECOND_OF_FOUR = {
    "RANK": "1",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "2",
    "GROUP_RANK": "0",
    "MASTER_ADDR": "localhost",
    "MASTER_PORT": "1",
}


@pytest.fixture
def second_of_four(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Be process 1 of 2 on each of two machines."""
    for name, value in SECOND_OF_FOUR.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_the_place_is_what_torchrun_says(second_of_four: pytest.MonkeyPatch) -> None:
    assert launch() == Launch(rank=1, size=4, local_rank=1, local_size=2, machine=0)
    assert not is_first()
    second_of_four.setenv("RANK", "0")
    assert is_first()


@pytest.mark.parametrize("name", ["RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"])
def test_where_one_variable_is_missing_a_process_is_alone(
    second_of_four: pytest.MonkeyPatch, name: str
) -> None:
    second_of_four.delenv(name)
    assert launch() is None
    assert is_first()
    assert first_to_tell()


def test_one_process_is_alone_also_under_torchrun(second_of_four: pytest.MonkeyPatch) -> None:
    second_of_four.setenv("WORLD_SIZE", "1")
    assert launch() is None


@pytest.mark.parametrize(
    ("processes", "machines", "words"),
    [
        (1, 1, "fittingroom"),
        (4, 1, "torchrun --nproc-per-node 4 -m fittingroom"),
        (4, 2, "torchrun --nnodes 2 --nproc-per-node 2 -m fittingroom"),
    ],
)
def test_the_words_that_start_processes(processes: int, machines: int, words: str) -> None:
    assert starting_words(processes, machines) == words.split()


def test_alone_a_device_is_what_a_person_named() -> None:
    for name in ("auto", "cpu", "cuda:3", "mps", "nonsense"):
        assert own_device(name) == name


def test_each_process_has_the_gpu_of_its_number(second_of_four: pytest.MonkeyPatch) -> None:
    second_of_four.setattr(torch.cuda, "is_available", lambda: True)
    second_of_four.setattr(torch.cuda, "device_count", lambda: 2)
    assert [own_device(name) for name in ("auto", "cuda", "cpu")] == ["cuda:1", "cuda:1", "cpu"]


@pytest.mark.parametrize("local_rank", ["0", "1"])
def test_all_processes_of_a_machine_with_too_few_gpus_find_that_out(
    second_of_four: pytest.MonkeyPatch, local_rank: str
) -> None:
    second_of_four.setenv("LOCAL_RANK", local_rank)
    second_of_four.setattr(torch.cuda, "is_available", lambda: True)
    second_of_four.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(DeviceError, match=r"2 processes on a machine with 1 GPU; .*-node 1$"):
        own_device("auto")


def test_without_gpus_processes_compute_on_the_cpu(second_of_four: pytest.MonkeyPatch) -> None:
    second_of_four.setattr(torch.cuda, "is_available", lambda: False)
    second_of_four.setattr(torch.cuda, "device_count", lambda: 0)
    assert own_device("auto") == "cpu"
    assert own_device("cuda") == "cuda"  # which select_device says is not there


@pytest.mark.parametrize("name", ["mps", "cuda:0"])
def test_a_device_that_processes_cannot_share_is_refused(
    second_of_four: pytest.MonkeyPatch, name: str
) -> None:
    with pytest.raises(DeviceError, match=f"device '{name}' cannot be shared by 4 processes"):
        own_device(name)


def test_torchruns_summary_has_the_reason(
    second_of_four: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It shows message.extraInfo.py_callstack of the file that it names."""
    path = tmp_path / "error.json"
    second_of_four.setenv("TORCHELASTIC_ERROR_FILE", str(path))
    leave_word("메모리 부족")
    assert json.loads(path.read_text())["message"]["extraInfo"]["py_callstack"] == "메모리 부족"
    second_of_four.setenv("TORCHELASTIC_ERROR_FILE", str(tmp_path / "nowhere" / "error.json"))
    leave_word("nothing is raised")
