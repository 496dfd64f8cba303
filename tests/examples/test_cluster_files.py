"""The files for Slurm and Kubernetes, as far as they can be run or read without either."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import fittingroom as fr
from fittingroom.cli.app import build_app

FOLDER = Path(__file__).parents[2] / "examples" / "cluster"
SCRIPTS = sorted(FOLDER.glob("*.sbatch"))

pytestmark = pytest.mark.skipif(os.name == "nt", reason="scripts for bash")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.name))
def test_a_script_is_sound(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", script], check=True)


def put(folder: Path, name: str, script: str) -> None:
    """Put a program into a folder of programs."""
    path = folder / name
    path.write_text(f"#!/usr/bin/env bash\n{script}\n", "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of stand-ins for Slurm's programs, for which both nodes are this machine."""
    programs = tmp_path / "programs"
    programs.mkdir()
    put(programs, "scontrol", "printf 'node1\\nnode2\\n'")
    put(programs, "srun", 'while [[ $1 == --* ]]; do shift; done\nexec "$@"')
    put(programs, "fittingroom", f'exec {sys.executable} -m fittingroom "$@"')
    put(programs, "ray", f'exec {sys.executable} -m ray.scripts.scripts "$@"')
    put(programs, "python3", f'exec {sys.executable} "$@"')
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("SLURM_JOB_NODELIST", "node[1-2]")
    monkeypatch.setenv("SLURM_JOB_ID", str(os.getpid()))
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    return programs


PLAN = """
seeds = 2
[base]
model = "two-layer"
epochs = 1
batch_size = 32
[settings.slow]
lr = 0.001
[settings.fast]
lr = 0.01
"""


@pytest.mark.slow
def test_the_study_script_starts_a_cluster_does_the_study_and_ends_the_cluster(
    slurm: Path, isolated: Path, shapes_folder: Path
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'fittingroom[cluster]'")
    (isolated / "mine.toml").write_text(PLAN, "utf-8")
    words = ("mine.toml", "--data", str(shapes_folder), "--no-report", "--stack", "1")
    with subprocess.Popen(
        ["bash", FOLDER / "study.sbatch", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    study = fr.open_study("studies/mine")
    assert study.finished
    assert study.record["environment"]["on"].count(":") == 1
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # nothing of the job is left


def test_the_study_script_says_that_the_head_did_not_start(slurm: Path, isolated: Path) -> None:
    put(slurm, "ray", "echo 'no Ray here' >&2; exit 1")
    ended = subprocess.run(
        ["bash", FOLDER / "study.sbatch", "notebook"], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "no Ray here",
        "study.sbatch: Ray's head did not start on node1; its words are above",
    ]


def test_the_torchrun_script_gives_torchrun_what_it_understands(
    slurm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch.distributed.run import get_args_parser

    put(slurm, "torchrun", f'printf "%s\\n" "$@" > {shlex.quote(str(tmp_path / "words"))}')
    monkeypatch.setenv("PROCESSES", "2")
    words = ["--recipe", "resnet", "--data", "/shared/pictures"]
    subprocess.run(["bash", FOLDER / "train-torchrun.sbatch", *words], check=True)
    given = get_args_parser().parse_args((tmp_path / "words").read_text("utf-8").splitlines())
    assert (given.nnodes, given.nproc_per_node, given.rdzv_backend) == ("2", "2", "c10d")
    host, _, port = given.rdzv_endpoint.partition(":")
    assert host == "node1"
    assert 20_000 <= int(port) < 30_000
    assert (given.module, given.training_script) == (True, "fittingroom")
    assert given.training_script_args == ["train", *words]
    accept(given.training_script_args)


def accept(words: list[str]) -> None:
    """See that the command line understands these words, without doing what they say."""
    import typer

    command = typer.main.get_command(build_app(words))
    context = command.make_context("fittingroom", list(words))
    name, found, rest = command.resolve_command(context, words)  # type: ignore[attr-defined]
    found.make_context(name, rest, parent=context)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.name))
def test_the_commands_in_a_scripts_head_are_understood(script: Path) -> None:
    command = {"study.sbatch": "study", "train-torchrun.sbatch": "train"}[script.name]
    examples = [
        line.partition(f"{script.name} ")[2]
        for line in script.read_text("utf-8").splitlines()
        if line.startswith("#   ")
    ]
    assert len(examples) == 2
    for example in examples:
        accept([command, *shlex.split(example)])


@pytest.fixture
def job() -> dict[str, Any]:
    """What the file for KubeRay says."""
    return dict(yaml.safe_load((FOLDER / "kuberay-study.yaml").read_text("utf-8")))


def container(group: dict[str, Any]) -> dict[str, Any]:
    (only,) = group["template"]["spec"]["containers"]
    return dict(only)


def test_the_job_for_kubernetes_is_a_rayjob_whose_command_is_understood(
    job: dict[str, Any],
) -> None:
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    program, *words = shlex.split(job["spec"]["entrypoint"])
    assert program == "fittingroom"
    assert words[words.index("--on") + 1] == "auto"
    accept(words)


def test_the_pods_for_kubernetes_have_one_image_resources_and_rays_ports(
    job: dict[str, Any],
) -> None:
    cluster = job["spec"]["rayClusterSpec"]
    head, (workers,) = cluster["headGroupSpec"], cluster["workerGroupSpecs"]
    assert container(head)["image"] == container(workers)["image"]
    ports = {port["name"]: port["containerPort"] for port in container(head)["ports"]}
    assert ports == {"gcs": 6379, "dashboard": 8265, "client": 10001}
    for group in (head, workers):
        resources = container(group)["resources"]
        assert resources["requests"] == resources["limits"]
        assert set(resources["limits"]) == {"cpu", "memory"}
    # The head trains nothing; what the study is written to is a volume of its.
    assert head["rayStartParams"]["num-cpus"] == "0"
    volumes = {volume["name"] for volume in head["template"]["spec"]["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container(head)["volumeMounts"]}
    assert set(mounts) == volumes
    words = shlex.split(job["spec"]["entrypoint"])
    assert words[words.index("--out") + 1].startswith(mounts["storage"] + "/")
    assert workers["minReplicas"] <= workers["replicas"] <= workers["maxReplicas"]


def test_the_image_has_the_ray_that_the_job_names(job: dict[str, Any]) -> None:
    lines = (FOLDER / "Dockerfile").read_text("utf-8").splitlines()
    (base,) = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert base == f"rayproject/ray:{job['spec']['rayClusterSpec']['rayVersion']}-py311"
