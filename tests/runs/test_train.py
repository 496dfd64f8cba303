from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import Tensor, nn

import fittingroom as fr
from fittingroom.data.dataset import DataSplits
from fittingroom.errors import (
    DataError,
    DeviceError,
    DivergenceError,
    ModelError,
    RecipeError,
    RunError,
)
from fittingroom.models.mlp import PrincipalComponents
from fittingroom.runs import conduct, prepare
from fittingroom.runs import folder as files
from fittingroom.runs import train as entrance
from fittingroom.runs.conduct import Interrupted
from fittingroom.runs.train import train_together
from fittingroom.training import history, memory
from fittingroom.training.history import Progress
from fittingroom.training.recipe import Recipe, recipe_for_model

pytestmark = pytest.mark.usefixtures("isolated")

CRASHING = Path(__file__).with_name("crashing.py")
WRITTEN = {"run.json", "history.jsonl", "model.safetensors", "predictions.npz"}
FIGURES = ("confusion-matrix", "learning-curves", "first-picture", "samples", "mistakes")


def quick(data: DataSplits, model: Any = "two-layer", **changes: Any) -> fr.Run:
    return fr.train(model, data, **{"epochs": 2, "batch_size": 32, "figures": False} | changes)


def contents(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def assert_same_result(run: fr.Run, other: fr.Run) -> None:
    """Weights bit for bit, and so the logits."""
    ours, theirs = (load_file(r.folder / files.MODEL) for r in (run, other))
    assert {k: t.tobytes() for k, t in ours.items()} == {k: t.tobytes() for k, t in theirs.items()}
    assert np.array_equal(run.evaluation.logits, other.evaluation.logits)
    for epoch, same in zip(run.history, other.history, strict=True):
        assert replace(epoch, seconds=0) == replace(same, seconds=0)


class Small(nn.Module):
    """A network of a person's own."""

    def __init__(self, input_shape: tuple[int, int, int] = (1, 8, 8), num_classes: int = 4) -> None:
        super().__init__()
        channels, height, width = input_shape
        self.linear = nn.Linear(channels * height * width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1))  # type: ignore[no-any-return]


# What is written


def test_a_run_writes_the_documented_files_and_no_other(shapes: DataSplits) -> None:
    run = quick(shapes, figures=True)
    pictures = {f"figures/{name}.{kind}" for name in FIGURES for kind in ("png", "svg")}
    assert contents(run.folder) == WRITTEN | pictures


def test_the_record_says_what_was_done(shapes: DataSplits) -> None:
    run = quick(shapes, seed=3, validation_size=20)
    record = json.loads((run.folder / "run.json").read_text("utf-8"))
    assert record.pop("sha256")
    assert record == run.record
    assert record["name"] == run.folder.name == "shapes-two-layer-seed3"
    assert record["status"] == "finished"
    assert record["recipe"]["seed"] == 3
    assert record["data"] == {
        "name": "shapes",
        "source": "made for a test",
        "fingerprint": shapes.fingerprint,
        "sketches": False,
        "classes": list(shapes.classes),
        "image_shape": [1, 8, 8],
        "train": 220,
        "validation": 20,
        "test": 80,
        "notes": [],
    }
    assert record["environment"]["packages"]["torch"] == version("torch")
    assert record["environment"]["device"] == "cpu"
    assert record["started"] < record["finished"]
    results = record["results"]
    assert results["test"] == run.evaluation.to_dict()
    assert results["validation"]["accuracy"] == run.history[-1].validation_accuracy
    assert results["validation"]["count"] == 20
    assert results["epochs"] == results["kept_epoch"] == 2
    assert results["training_seconds"] == pytest.approx(sum(e.seconds for e in run.history))


def test_the_network_learns_the_shapes(shapes: DataSplits) -> None:
    assert quick(shapes, epochs=10, lr=0.01).evaluation.accuracy > 0.95


def test_the_same_recipe_and_data_give_the_same_files(shapes: DataSplits) -> None:
    first, second, other = quick(shapes), quick(shapes), quick(shapes, seed=1)
    assert_same_result(first, second)
    assert not np.array_equal(first.evaluation.logits, other.evaluation.logits)


def test_the_notebooks_protocol_trains_on_every_picture(shapes: DataSplits) -> None:
    run = quick(shapes, protocol="notebook")
    assert (run.record["data"]["train"], run.record["data"]["validation"]) == (240, 0)
    assert run.record["results"]["validation"] is None
    assert "protocol notebook" in str(run.evaluation)


@pytest.mark.parametrize("out", ["my runs", "실험/첫 번째", "👗"])
def test_runs_may_lie_anywhere(shapes: DataSplits, out: str) -> None:
    run = quick(shapes, out=out, name="치마 여름 1", figures=True)
    assert run.folder == Path(out) / "치마-여름-1"
    again = fr.open_run("치마-여름-1", runs=out)
    assert again.evaluation.to_dict() == run.evaluation.to_dict()
    assert (run.folder / "figures" / "samples.png").stat().st_size > 0


def test_progress_and_start_are_reported(shapes: DataSplits) -> None:
    started: list[str] = []
    reported: list[Progress] = []
    run = quick(shapes, on_start=lambda r: started.append(r.status), on_progress=reported.append)
    assert started == ["running"]
    assert [p.finished for p in reported if p.finished] == list(run.history)


# Networks of one's own


@pytest.mark.parametrize("network", [Small, Small()], ids=["class", "instance"])
def test_a_network_of_ones_own_is_trained_and_opened(shapes: DataSplits, network: Any) -> None:
    run = quick(shapes, network)
    assert run.recipe.model.endswith(":Small")
    opened = fr.open_run(run.folder, network=Small())
    assert opened.evaluate(shapes).to_dict() == run.evaluation.to_dict()
    with pytest.raises(RunError, match="network of your own"):
        _ = fr.open_run(run.folder).classifier


def test_a_network_of_ones_own_is_found_by_name(shapes: DataSplits, isolated: Path) -> None:
    source = "from torch import nn\n\n\nclass Net(nn.Sequential):\n    def __init__(self):\n"
    source += "        super().__init__(nn.Flatten(), nn.Linear(64, 4))\n"
    (isolated / "my_networks.py").write_text(source)
    run = quick(shapes, "my_networks:Net")
    opened = fr.open_run(run.folder, network="my_networks:Net")
    assert opened.evaluate(shapes).to_dict() == run.evaluation.to_dict()
    with pytest.raises(RunError, match="my_networks:Net, not"):
        _ = fr.open_run(run.folder, network="my_networks:Other").classifier


def test_a_run_folder_of_a_stranger_makes_nothing_be_imported_or_called(
    shapes: DataSplits, isolated: Path
) -> None:
    (isolated / "trap.py").write_text("raise SystemExit('code of a stranger was run')")
    run = quick(shapes)
    recipe = run.record["recipe"] | {"model": "trap:spring"}
    files.write_record(
        run.folder / "run.json", run.record | {"status": "interrupted", "recipe": recipe}
    )
    stranger = fr.open_run(run.folder)
    with pytest.raises(RunError, match="network of your own"):
        fr.resume(stranger, shapes)
    with pytest.raises(RunError, match="network of your own"):
        stranger.evaluate(shapes)


# Stopping and going on


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked to be killed")
def test_a_crash_at_any_moment_leaves_a_run_that_can_be_finished_bit_for_bit(
    shapes_folder: Path, isolated: Path
) -> None:
    crashed = subprocess.run(
        [sys.executable, str(CRASHING), str(shapes_folder), str(isolated / "crashed")],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    moments = crashed.stdout.split()
    # Five checkpoints with histories, of which four push the one before aside; model, predictions,
    # the record twice; and the figures.
    assert len(moments) == len(set(moments)) == 14 + (14 + 4) + 1
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        whole = quick(fr.load(shapes_folder), seed=5)
        for moment in moments:
            check_crashed(isolated / "crashed" / moment, whole)
    finally:
        torch.set_num_threads(threads)


def check_crashed(folder: Path, whole: fr.Run) -> None:
    if folder.name == "write-1":  # before there was a record
        with pytest.raises(RunError, match="no run here"):
            fr.Run(folder)
        return
    if folder.name == "rename-18":  # all was written; what was left was to tidy up
        assert fr.Run(folder).status == "finished"
        assert_same_result(fr.Run(folder), whole)
        return
    assert fr.Run(folder).status == "running"
    finished = fr.resume(folder, figures=False)
    assert finished.status == "finished"
    assert_same_result(finished, whole)
    assert contents(folder) == WRITTEN


@pytest.mark.parametrize("step", [1, 6, 7, 8, 13, 14, 20])
def test_ctrl_c_at_any_step_saves_what_is_there_and_a_resumed_run_ends_the_same(
    shapes: DataSplits, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    fields = {"epochs": 3, "flip": True, "shift": 1, "schedule": "one-cycle", "lr": 0.01}
    whole = quick(shapes, **fields)
    monkeypatch.setattr(history, "UPDATE_SECONDS", 0.0)

    def press_ctrl_c(progress: Progress) -> None:
        done = (progress.epoch - 1) * progress.steps + progress.step
        if done == step and not progress.finished:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted, match="fittingroom train --resume") as caught:
        quick(shapes, on_progress=press_ctrl_c, **fields)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert fr.Run(caught.value.folder).status == "interrupted"
    assert "checkpoint.safetensors" in contents(caught.value.folder)
    finished = fr.resume(caught.value.folder, shapes, figures=False)
    assert_same_result(finished, whole)
    assert contents(finished.folder) == WRITTEN


def interrupt(
    data: DataSplits,
    model: Any = "two-layer",
    press: Callable[[], None] = lambda: signal.raise_signal(signal.SIGINT),
    **changes: Any,
) -> Path:
    """Train until Ctrl-C at the end of the first epoch; return the run's folder."""

    def stop(progress: Progress) -> None:
        if progress.finished:
            press()

    with pytest.raises(Interrupted) as caught:
        quick(data, model, on_progress=stop, **changes)
    return caught.value.folder


def test_a_second_ctrl_c_stops_at_once_and_the_run_can_still_be_finished(
    shapes: DataSplits,
) -> None:
    def press_twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    folder = interrupt(shapes, press=press_twice)
    assert fr.Run(folder).status == "interrupted"
    assert_same_result(fr.resume(folder, shapes, figures=False), quick(shapes))


def test_ctrl_c_after_the_last_step_is_heard_too(shapes: DataSplits) -> None:
    def press_at_the_end(progress: Progress) -> None:
        if progress.finished and progress.epoch == progress.epochs:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted) as caught:
        quick(shapes, on_progress=press_at_the_end)
    assert_same_result(fr.resume(caught.value.folder, shapes, figures=False), quick(shapes))


def test_the_hint_can_be_pasted_into_a_shell_whatever_the_folders_name(shapes: DataSplits) -> None:
    folder = interrupt(shapes, out="my runs")
    assert "--resume 'my runs/shapes-two-layer-seed0'`" in fr.Run(folder).how_to_go_on


def test_a_run_of_a_network_of_ones_own_is_resumed_with_it(shapes: DataSplits) -> None:
    folder = interrupt(shapes, Small)
    assert "--model" in fr.Run(folder).how_to_go_on
    finished = fr.resume(folder, shapes, network=Small, figures=False)
    assert_same_result(finished, quick(shapes, Small))


def test_a_finished_run_is_not_resumed(shapes: DataSplits) -> None:
    with pytest.raises(RunError, match="is finished"):
        fr.resume(quick(shapes), shapes)


def test_a_run_is_not_resumed_on_other_data(shapes: DataSplits, shapes_folder: Path) -> None:
    folder = interrupt(fr.load(shapes_folder))
    labels = shapes_folder / "t10k-labels-idx1-ubyte"
    content = bytearray(labels.read_bytes())
    content[-1] ^= 1
    labels.write_bytes(content)
    other = fr.load(shapes_folder)
    for data in (None, shapes_folder, other):
        with pytest.raises(DataError, match="not the data of run"):
            fr.resume(folder, data)
    assert fr.Run(folder).status == "interrupted"


def test_a_damaged_checkpoint_is_refused(shapes: DataSplits) -> None:
    folder = interrupt(shapes)
    path = folder / files.CHECKPOINT
    for content in (b"", path.read_bytes()[:-1], path.read_bytes()[:100]):
        path.write_bytes(content)
        with pytest.raises(RunError, match="checkpoint"):
            fr.resume(folder, shapes)


# Many runs at once


def together(data: DataSplits, seeds: Sequence[int] = (0, 1, 4), **changes: Any) -> list[fr.Run]:
    recipe = recipe_for_model("two-layer", **{"epochs": 2, "batch_size": 32} | changes)
    recipes = [recipe.but(seed=seed) for seed in seeds]
    return train_together(recipes, data, names=[f"seed{seed}" for seed in seeds])


@pytest.mark.parametrize(
    "changes",
    [
        {"normalization": "unit"},
        {"normalization": "standard"},
        {"model_options": {"hidden": [16], "components": 9}},
    ],
    ids=["unit", "standard", "components"],
)
def test_runs_that_are_trained_at_once_are_those_that_are_trained_alone(
    shapes: DataSplits, changes: dict[str, Any]
) -> None:
    runs = together(shapes, **changes)
    assert [run.recipe.seed for run in runs] == [0, 1, 4]
    for run in runs:
        alone = quick(shapes, seed=run.recipe.seed, **changes)
        ours, theirs = (load_file(r.folder / files.MODEL) for r in (run, alone))
        for name, weights in theirs.items():
            np.testing.assert_allclose(ours[name], weights, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(
            run.evaluation.logits, alone.evaluation.logits, rtol=1e-4, atol=1e-5
        )
        assert contents(run.folder) == contents(alone.folder) == WRITTEN
        assert run.recipe == alone.recipe
        assert run.record.keys() == alone.record.keys() | {"stacked"}
        assert run.record["results"].keys() == alone.record["results"].keys()
        assert run.record["model"] == alone.record["model"]
        assert run.evaluate(shapes).to_dict() == run.evaluation.to_dict()


def test_the_seconds_of_all_are_shared_among_runs_that_are_trained_at_once(
    shapes: DataSplits,
) -> None:
    started = time.perf_counter()
    runs = together(shapes, epochs=5)
    passed = time.perf_counter() - started
    seconds = [run.record["results"]["training_seconds"] for run in runs]
    assert len(set(seconds)) == 1
    assert 0 < sum(seconds) < passed
    assert [run.record["stacked"] for run in runs] == [3, 3, 3]
    for run in runs:
        assert seconds[0] == pytest.approx(sum(epoch.seconds for epoch in run.history))


def test_one_of_many_that_diverges_fails_alone(
    shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = prepare.build_classifier

    def build_one_wild(recipe: Recipe, *arguments: Any) -> Any:
        classifier = build(recipe, *arguments)
        if recipe.seed == 1:
            classifier.network.get_parameter("fc2.weight").data.mul_(1e38)
        return classifier

    expected = together(shapes)
    monkeypatch.setattr(entrance, "build_classifier", build_one_wild)
    first, wild, last = together(shapes)
    assert [run.status for run in (first, wild, last)] == ["finished", "failed", "finished"]
    assert wild.record["error_type"] == "DivergenceError"
    assert "the loss became" in wild.record["error"]
    assert_same_result(first, expected[0])
    assert_same_result(last, expected[2])


def test_scores_that_are_no_numbers_fail_their_run_alone(
    shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = vars(conduct)["judge"]
    judged: list[Any] = []

    def judge_harshly(*arguments: Any) -> Any:
        judged.append(arguments)
        if len(judged) == 2:
            raise DivergenceError("the model gives NaN")
        return judge(*arguments)

    monkeypatch.setattr(conduct, "judge", judge_harshly)
    runs = together(shapes)
    assert [run.status for run in runs] == ["finished", "failed", "finished"]
    assert runs[1].record["error"] == "the model gives NaN"


def test_ctrl_c_while_many_are_trained_ends_all_and_each_can_be_finished(
    shapes: DataSplits,
) -> None:
    def stop(progress: Progress) -> None:
        if progress.finished:
            signal.raise_signal(signal.SIGINT)

    recipes = [Recipe(model="two-layer", epochs=3, batch_size=32, seed=seed) for seed in (0, 1)]
    with pytest.raises(Interrupted, match="begin anew"):
        train_together(recipes, shapes, names=["a", "b"], on_progress=stop)
    for name, recipe in zip("ab", recipes, strict=True):
        run = fr.open_run(name)
        assert run.status == "interrupted"
        finished = fr.resume(run, shapes, figures=False)
        assert "stacked" not in finished.record
        assert_same_result(finished, quick(shapes, recipe, seed=recipe.seed, epochs=3))


def test_ctrl_c_while_results_are_written_leaves_those_that_are_finished(
    shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_one_then_stop(writes: Sequence[Callable[[], None]]) -> None:
        writes[0]()
        raise KeyboardInterrupt

    monkeypatch.setattr(conduct, "do_all", write_one_then_stop)
    with pytest.raises(Interrupted):
        together(shapes)
    assert [fr.open_run(f"seed{seed}").status for seed in (0, 1, 4)] == [
        "finished",
        "interrupted",
        "interrupted",
    ]


def test_an_error_fails_all_that_had_not_ended(
    shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    summarise = vars(conduct)["summarise"]
    asked: list[Any] = []

    def fail_second(*arguments: Any) -> Any:
        asked.append(arguments)
        if len(asked) == 2:
            raise RunError("no room")
        return summarise(*arguments)

    monkeypatch.setattr(conduct, "summarise", fail_second)
    monkeypatch.setattr(conduct, "WRITERS", 1)
    with pytest.raises(RunError, match="no room"):
        together(shapes)
    records = [fr.open_run(f"seed{seed}").record for seed in (0, 1, 4)]
    ended = [(record["status"], record.get("error")) for record in records]
    assert ended[:2] == [("finished", None), ("failed", "no room")]
    assert ended[2] in ended[:2]  # its writing may have begun by then


def test_what_cannot_be_trained_at_once_is_refused_before_a_folder_is_made(
    shapes: DataSplits,
) -> None:
    with pytest.raises(RecipeError, match="cannot be trained at once; train them one by one"):
        together(shapes, flip=True)
    different = [Recipe(model="two-layer", lr=lr) for lr in (0.1, 0.2)]
    with pytest.raises(RecipeError, match="may differ in their seeds only"):
        train_together(different, shapes, names=["a", "b"])
    assert not Path("runs").exists()


# What goes wrong


def test_processes_that_share_a_run_do_not_train_several_at_once(
    shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RANK", "LOCAL_RANK", "MASTER_PORT"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RecipeError, match="start them without torchrun"):
        train_together([recipe_for_model("two-layer")], shapes, names=["one"])
    assert not Path("runs").exists()


def test_a_diverging_run_says_so_in_its_record(shapes: DataSplits) -> None:
    with pytest.raises(DivergenceError, match="learning rate") as caught:
        quick(shapes, optimizer="sgd", lr=1e20)
    run = fr.open_run()
    assert run.status == "failed"
    assert run.record["error"] == str(caught.value)


def test_an_error_is_forgotten_once_the_run_is_finished(
    shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RunError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(conduct, "draw_figures", fail)
        with pytest.raises(RunError, match="no room"):
            quick(shapes, figures=True)
    run = fr.open_run()
    assert (run.status, run.record["error"]) == ("failed", "no room")
    assert "error" not in fr.resume(run, shapes, figures=False).record


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"model": "four-layer"}, ModelError, "two-layer, three-layer, convnet"),
        ({"model": "no_such_module:Net"}, ModelError, "no_such_module"),
        ({"model": 3}, ModelError, "expected a model"),
        ({"model": nn.Linear(3, 4)}, ModelError, "does not take pictures"),
        ({"model": nn.Sequential(nn.Flatten(), nn.Linear(64, 3))}, ModelError, r"\(2, 4\)"),
        ({"epochs": 0}, RecipeError, "epochs"),
        ({"colour": "red"}, RecipeError, "colour"),
        ({"batch_size": 217}, RecipeError, "at most the 216 training pictures"),
        ({"validation_size": 240}, DataError, "validation_size"),
        ({"device": "toaster"}, DeviceError, "toaster"),
        ({"device": "cuda:99"}, DeviceError, "cuda:99"),
        ({"model_options": {"width": 3}}, ModelError, "no option 'width'"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_line(
    shapes: DataSplits, changes: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match) as caught:
        quick(shapes, **changes)
    assert "\n" not in str(caught.value)


def test_a_step_larger_than_the_memory_is_refused_before_a_folder_is_made(
    shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "physical_memory", lambda: 10_000)
    with pytest.raises(DeviceError, match="out of memory"):
        quick(shapes, "convnet")
    assert not Path("runs").exists()


def test_networks_of_ours_look_at_pictures_of_all_classes_first(
    shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Tensor] = []
    monkeypatch.setattr(PrincipalComponents, "initialize", lambda _self, x: seen.append(x))
    recipe = recipe_for_model("two-layer", model_options={"components": 5})
    every = torch.from_numpy(shapes.train.images) / 255
    prepare.build_classifier(recipe, shapes)
    assert torch.equal(seen.pop(), every)
    monkeypatch.setattr(prepare, "SAMPLE", 70)  # a third of 200 pictures, and a bit
    prepare.build_classifier(recipe, shapes)
    assert torch.equal(seen.pop(), every[::3])
    monkeypatch.setattr(prepare, "SAMPLED_NUMBERS", 64 * 10)
    prepare.build_classifier(recipe, shapes)
    assert torch.equal(seen.pop(), every[::20])
    monkeypatch.setattr(prepare, "SAMPLED_NUMBERS", 1)  # pictures larger than that: one
    prepare.build_classifier(recipe, shapes)
    assert torch.equal(seen.pop(), every[:1])


def test_images_a_second_are_those_that_were_trained(shapes: DataSplits) -> None:
    results = quick(shapes, hard_share=0.25, batch_size=32, epochs=3).record["results"]
    assert results["images_per_second"] * results["training_seconds"] == pytest.approx(216 + 54 * 2)


def test_data_that_are_not_there_are_refused_before_a_folder_is_made() -> None:
    with pytest.raises(DataError, match="nowhere"):
        fr.train("two-layer", "nowhere")
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("limit", "hidden", "where", "left"),
    [
        (1_000, 128, "run.json", {".lock"}),
        (20_000, 128, "checkpoint.safetensors", {".lock", "run.json"}),
        (20_000, 4, "figures", WRITTEN | {".lock", "checkpoint.safetensors"}),
    ],
    ids=["at the start", "in training", "while drawing"],
)
def test_a_full_disk_is_one_clear_error_and_leaves_no_half_written_file(
    shapes_folder: Path, limit: int, hidden: int, where: str, left: set[str]
) -> None:
    """A limit on the size of a file is what a full disk is to a process: a write that fails."""
    # Not under coverage: its own file would fail as well.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
    resource = pytest.importorskip("resource", reason="limits on files are Unix's")
    words = ["train", "--data", str(shapes_folder), "--model", "two-layer", "--epochs", "1"]
    failed = subprocess.run(
        [sys.executable, "-m", "fittingroom", *words, "--option", f"hidden={hidden}"],
        capture_output=True,
        text=True,
        env=environment,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert failed.returncode == 2
    assert "Traceback" not in failed.stderr
    # On a machine's first day matplotlib has its own line about its cache before ours.
    complaint = failed.stderr.splitlines()[-1]
    assert complaint.startswith("fittingroom: ")
    assert where in complaint
    assert "cannot be written" in complaint or "cannot write" in complaint
    (folder,) = Path("runs").iterdir()
    assert {path.name for path in folder.iterdir() if path.is_file()} == left
    if len(left) > 1:
        assert fr.Run(folder).status == "failed"


def test_logits_are_those_of_the_saved_weights_by_plain_numpy(shapes: DataSplits) -> None:
    """The saved file alone, without fittingroom's code, gives the stored predictions."""
    run = quick(shapes)
    weights = load_file(run.folder / files.MODEL)
    x = shapes.test.images.reshape(80, 64).astype(np.float32) / 255
    hidden = np.maximum(x @ weights["network.fc1.weight"].T + weights["network.fc1.bias"], 0)
    logits = hidden @ weights["network.fc2.weight"].T + weights["network.fc2.bias"]
    np.testing.assert_allclose(logits, run.evaluation.logits, rtol=1e-5, atol=1e-5)
