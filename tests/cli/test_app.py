from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import fittingroom as fr
from fittingroom._version import __version__
from fittingroom.data.dataset import DataSplits
from fittingroom.training.recipe import Recipe


class Result(NamedTuple):
    code: int
    out: str
    err: str


Cli = Callable[..., Result]
Command = Callable[..., subprocess.Popen[str]]


# Help


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("train",),
        ("evaluate",),
        ("reproduce",),
        ("runs",),
        ("runs", "show"),
        ("study",),
        ("report",),
        ("recipes",),
        ("data",),
        ("data", "show"),
        ("data", "check"),
        ("data", "make"),
        ("data", "make", "sketches"),
        ("data", "make", "shards"),
    ],
)
def test_every_command_has_its_help(cli: Cli, words: tuple[str, ...]) -> None:
    result = cli(*words, "--help")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"Usage: fittingroom {' '.join(words)}".rstrip())
    assert not re.search(r"(?<![\]}])\.\.\.", result.out)  # no sentence is cut off


def test_the_help_of_train_names_every_field_of_a_recipe(cli: Cli) -> None:
    shown = cli("train", "-h").out
    for name in Recipe.model_fields:
        flag = "--option" if name == "model_options" else f"--{name.replace('_', '-')}"
        assert re.search(rf"^  {flag} ", shown, re.MULTILINE), name


def test_without_words_the_help_is_shown(cli: Cli) -> None:
    for words in ((), ("data",), ("data", "make")):
        result = cli(*words)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith("Usage: fittingroom")


def test_the_version_is_told(cli: Cli) -> None:
    assert cli("--version") == (0, f"fittingroom {__version__}\n", "")


# Train


def test_training_prints_plain_lines_where_there_is_no_terminal(
    cli: Cli, shapes_folder: Path
) -> None:
    result = cli("train", "--data", shapes_folder, "--epochs", 2, "--model", "two-layer")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0].startswith("data: shapes, 216 to train, 24 to validate, 80 to test")
    assert lines[1].startswith("model: two-layer, 8,836 parameters, on cpu")
    epochs = [line for line in lines if line.startswith("epoch ")]
    assert len(epochs) == 2
    assert re.match(r"epoch 1  loss \d\.\d{4}  accuracy \d+\.\d\d%  val\. loss ", epochs[0])
    assert "\x1b" not in result.out
    assert str(fr.open_run().evaluation) in result.out
    assert lines[-1] == "everything lies in runs/shapes-two-layer-seed0"
    assert Path("runs/shapes-two-layer-seed0/figures/mistakes.svg").is_file()


def test_json_is_one_document_on_the_standard_output_and_words_go_elsewhere(
    cli: Cli, shapes_folder: Path
) -> None:
    words = ("train", "--data", shapes_folder, "--epochs", 1, "--no-figures", "--json")
    result = cli(*words)
    record = json.loads(result.out)
    assert record["status"] == "finished"
    assert record["results"]["test"] == fr.open_run().evaluation.to_dict()
    assert record["folder"] == "runs/shapes-three-layer-seed0"
    assert record["command"] == f"fittingroom {' '.join(map(str, words))}"
    assert "epoch 1 " in result.err
    assert cli(*words, "--quiet").err == ""


def test_every_field_typed_on_the_command_line_reaches_the_recipe(
    cli: Cli, shapes_folder: Path
) -> None:
    fields: dict[str, Any] = {
        "model": "three-layer",
        "protocol": "holdout",
        "validation_size": 20,
        "validation_seed": 1,
        "epochs": 1,
        "batch_size": 50,
        "hard_share": 0.5,
        "optimizer": "sgd",
        "lr": 0.05,
        "schedule": "cosine",
        "weight_decay": 0.001,
        "label_smoothing": 0.1,
        "sharpness": 0.01,
        "average": 0.9,
        "shift": 1,
        "erase": 0.25,
        "cutmix": 0.0,
        "mixup": 0.2,
        "normalization": "standard",
        "precision": "auto",
        "views": "mirror",
        "early_stopping": 3,
        "seed": 7,
    }
    words = [f"--{name.replace('_', '-')}={value}" for name, value in fields.items()]
    own = ("--flip", "--no-alternate-flip", "--option", "hidden=[16,8]")
    assert cli("train", "--data", shapes_folder, "--no-figures", *words, *own).code == 0
    options = {"flip": True, "alternate_flip": False, "model_options": {"hidden": [16, 8]}}
    assert {*fields, *options} == set(Recipe.model_fields)
    assert fr.open_run().recipe == Recipe(**fields, **options)


def test_a_recipe_comes_from_a_file_and_flags_change_it(cli: Cli, shapes_folder: Path) -> None:
    Path("나의 recipe.toml").write_text(
        'base = "notebook-two-layer"\nepochs = 1\nseed = 4', encoding="utf-8"
    )
    words = ("--recipe", "나의 recipe.toml", "--seed", 5, "--no-figures")
    assert cli("train", "--data", shapes_folder, *words).code == 0
    expected = Recipe(model="two-layer", lr=0.001, epochs=1, seed=5)
    assert fr.open_run("shapes-two-layer-seed5").recipe == expected


def test_a_model_brings_its_own_recipe(cli: Cli, shapes_folder: Path) -> None:
    words = ("--model", "convnet", "--epochs", 1, "--batch-size", 32, "--no-figures")
    assert cli("train", "--data", shapes_folder, *words).code == 0
    assert fr.open_run().recipe == fr.recipe("convnet", epochs=1, batch_size=32)


def test_the_notebooks_protocol_says_that_its_score_was_read_on_the_test_set(
    cli: Cli, shapes_folder: Path
) -> None:
    words = ("--protocol", "notebook", "--epochs", 1, "--no-figures")
    result = cli("train", "--data", shapes_folder, *words)
    assert "the score is read on the test set" in result.out
    assert "240 to train, 0 to validate" in result.out


def test_sketches_are_called_sketches_wherever_they_appear(cli: Cli) -> None:
    words = ("--epochs", 1, "--batch-size", 512, "--no-figures")
    result = cli("train", "--data", "sketches", *words)
    assert result.code == 0
    assert "sketches" in result.out.splitlines()[0]
    assert "Built-in sketches, not Fashion-MNIST" in result.out
    assert fr.open_run().name == "sketches-three-layer-seed0"
    assert "three-layer on sketches" in cli("runs").out


def test_a_network_of_ones_own_is_trained_and_evaluated_by_name(
    cli: Cli, shapes_folder: Path
) -> None:
    source = "from torch import nn\n\n\nclass Net(nn.Sequential):\n    def __init__(self):\n"
    source += "        super().__init__(nn.Flatten(), nn.Linear(64, 4))\n"
    Path("networks_for_a_cli_test.py").write_text(source)
    model = "networks_for_a_cli_test:Net"
    words = ("--epochs", 1, "--no-figures", "--name", "own")
    assert cli("train", "--data", shapes_folder, "--model", model, *words).code == 0
    assert cli("evaluate", "own", "--model", model).out.startswith("Accuracy")
    refused = cli("evaluate", "own")
    assert refused.code == 2
    assert f"--model {model}" in refused.err


# Evaluate, runs, recipes


def test_a_run_is_evaluated_again_on_its_own_data(cli: Cli, trained: Path) -> None:
    result = cli("evaluate", trained.name)
    assert (result.code, result.err) == (0, "")
    assert result.out.strip() == str(fr.open_run(trained).evaluation)
    assert json.loads(cli("evaluate", trained, "--json").out) == json.loads(
        json.dumps(fr.open_run(trained).evaluation.to_dict())
    )


def test_a_run_is_evaluated_on_other_data_with_its_classes_in_another_order(
    cli: Cli, trained: Path, shapes: DataSplits
) -> None:
    images = {name: [] for name in shapes.classes}  # type: ignore[var-annotated]
    for image, label in zip(shapes.test.images, shapes.test.labels, strict=True):
        images[shapes.classes[label]].append(image)
    order = ("top", "right", "left", "bottom")
    arrays = np.concatenate([np.stack(images[name]) for name in order])
    labels = np.repeat(np.arange(4), [len(images[name]) for name in order])
    np.savez("other.npz", x_train=arrays, y_train=labels, x_test=arrays, y_test=labels)
    Path("names.txt").write_text("\n".join(order))
    words = ("--data", "other.npz", "--classes", "names.txt", "--json")
    found = json.loads(cli("evaluate", trained, *words).out)
    expected = fr.open_run(trained).evaluation.to_dict()
    assert found["data_name"] == "other"
    assert found["confusion"] == expected["confusion"]
    assert found["classes"] == expected["classes"]


def test_runs_are_listed_with_score_and_interval_one_line_each(cli: Cli, trained: Path) -> None:
    assert "no runs in elsewhere yet" in cli("runs", "--out", "elsewhere").out
    (Path("runs") / "broken").mkdir()
    (Path("runs") / "broken" / "run.json").write_text("{")
    result = cli("runs")
    assert (result.code, result.err) == (0, "")
    rows = [line.split() for line in result.out.splitlines() if line.strip()][2:]
    accuracy = f"{fr.open_run(trained).evaluation.accuracy:.2%}"
    assert rows[0] == ["broken", "-", "-", "-", "damaged", "-"]
    assert rows[1][:-1] == [trained.name, "three-layer", "on", "shapes", "2", "0.01", accuracy]
    records = json.loads(cli("runs", "--json").out)
    assert [record["status"] for record in records] == ["damaged", "finished"]


def test_a_run_is_shown_with_recipe_epochs_evaluation_and_files(cli: Cli, trained: Path) -> None:
    result = cli("runs", "show", trained.name)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"{trained}: finished\n")
    assert re.search(r"batch_size +32", result.out)
    assert str(fr.open_run(trained).evaluation) in result.out
    assert str(trained / "model.safetensors") in result.out
    assert json.loads(cli("runs", "show", "--json").out)["name"] == trained.name
    Path("runs").rename("elsewhere")
    for words in (("--out", "elsewhere", "show"), ("show", "--out", "elsewhere")):
        assert cli("runs", *words).out.startswith(f"elsewhere/{trained.name}: finished\n")


def test_the_recipes_are_listed_with_every_field(cli: Cli) -> None:
    result = cli("recipes")
    assert (result.code, result.err) == (0, "")
    for word in (*Recipe.model_fields, "notebook-three-layer", "notebook-two-layer", "convnet"):
        assert word in result.out
    shown = json.loads(cli("recipes", "--json").out)
    assert Recipe(**shown["convnet"]) == fr.recipe("convnet")


# Data


def test_data_are_shown_class_by_class(cli: Cli, shapes_folder: Path, shapes: DataSplits) -> None:
    result = cli("data", "show", shapes_folder)
    assert (result.code, result.err) == (0, "")
    assert "8x8" in result.out
    assert shapes.fingerprint in result.out
    assert re.search(r"left +54 +6 +20", result.out)
    assert json.loads(cli("data", "show", shapes_folder, "--json").out)["train"] == 216


def test_data_are_checked(cli: Cli, shapes_folder: Path) -> None:
    assert cli("data", "check", shapes_folder).code == 0
    images = shapes_folder / "t10k-images-idx3-ubyte"
    train = (shapes_folder / "train-images-idx3-ubyte").read_bytes()
    images.write_bytes(images.read_bytes()[:-64] + train[-64:])
    assert re.search("warning: 1 test picture", cli("data", "check", shapes_folder).out)
    findings = json.loads(cli("data", "check", shapes_folder, "--json").out)
    assert "warning" in {finding["severity"] for finding in findings}


def test_sketches_are_made_and_loaded(cli: Cli) -> None:
    words = ("drawn", "--train", 60, "--test", 20, "--seed", 1)
    assert "60 + 20 sketches lie in drawn" in cli("data", "make", "sketches", *words).out
    shown = json.loads(cli("data", "show", "drawn", "--json").out)
    assert (shown["sketches"], shown["train"] + shown["validation"]) == (True, 60)


# Bad input: one line, exit code 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "four-layer"], "two-layer, three-layer, convnet"),
        (["--model", "nowhere:Net"], "nowhere"),
        (["--recipe", "secret"], "notebook-three-layer"),
        (["--recipe", "missing.toml"], "missing.toml"),
        (["--device", "toaster"], "auto, cpu, cuda, mps"),
        (["--device", "cuda:7"], "cuda:7"),
        (["--epochs", "0"], "epochs must be greater than 0"),
        (["--epochs", "many"], "--epochs"),
        (["--epochs"], "--epochs"),
        (["--lr", "-1"], "lr must be greater than 0"),
        (["--lr", "nan"], "lr must be"),
        (["--lr", "inf"], "lr must be"),
        (["--lr", "1e30", "--optimizer", "sgd"], "learning rate"),
        (["--seed", "-1"], "seed must be"),
        (["--seed", str(2**64)], "seed must be"),
        (["--optimizer", "magic"], "adam"),
        (["--precision", "fp4"], "precision must be"),
        (["--batch-size", "1000"], "at most the 216 training pictures"),
        (["--validation-size", "240"], "validation_size must be less than the 240"),
        (["--protocol", "notebook", "--early-stopping", "2"], "holdout"),
        (["--threads", "0"], "--threads"),
        (["--nonsense", "1"], "--nonsense"),
        (["--size", "huge"], "--size must be 28 or HEIGHTxWIDTH"),
        (["--size", "0"], "--size must be"),
        (["--size", "3x4x5"], "--size must be"),
        (["--size", "9"], "8"),
        (["--classes", "missing.txt"], "missing.txt"),
        (["--option", "hidden"], "--option must be name=value"),
        (["--option", "width=3"], "no option 'width'"),
        (["--option", "hidden=[0,1]"], "positive layer widths"),
        (["--option", "hidden=many"], "positive layer widths"),
        (["--option", "hidden=NaN"], "hidden"),
        (["--option", "hidden=[99999999999,10]"], "memory"),
        (["--out", "shapes/classes.txt"], "classes.txt"),
        (["--out", "shapes/classes.txt/below"], "--out"),
        (["--name", "x" * 300], "cannot be made"),
        (["--resume", "latest", "--recipe", "convnet"], "leave out epochs, recipe"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_what_cannot_be_trained_is_one_line_and_exit_code_2(
    cli: Cli, shapes_folder: Path, words: list[str], said: str
) -> None:
    before = sorted(shapes_folder.iterdir())
    result = cli("train", "--data", "shapes", "--epochs", 1, "--no-figures", *words)
    assert result.code == 2
    assert re.fullmatch(r"fittingroom: [^\n]+\n", result.err)
    assert said in result.err
    assert len(result.err) < 500
    assert sorted(shapes_folder.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "--data", "missing"], "missing: no such file"),
        (["train", "--data", "runs/shapes-three-layer-seed0/run.json"], "run.json"),
        (["train", "--data", "fashion-mnist"], "fashion-mnist"),
        (["train", "--resume", "shapes-three-layer-seed0"], "is finished"),
        (["train", "--resume", "nix"], "no such run"),
        (["train", "--resume", "latest", "--lr", "0.1"], "leave out lr"),
        (["evaluate", "nix"], "no such run; the latest of 1"),
        (["evaluate", "x" * 5000], "no such run"),
        (["evaluate", "latest", "--data", "missing"], "missing"),
        (["evaluate", "latest", "--data", "sketches"], "28"),
        (["evaluate", "latest", "--model", "a:B"], "three-layer, not a:B"),
        (["runs", "show", "nix"], "no such run"),
        (["runs", "fly"], "fly"),
        (["data", "show", "missing"], "missing"),
        (["data", "check", "shapes/classes.txt"], "classes.txt"),
        (["data", "make", "sketches", "shapes"], "shapes"),
        (["data", "make", "sketches", "shapes/classes.txt/below", "--train", "50"], "classes.txt"),
        (["data", "make", "sketches", "x", "--train", "-1"], "train"),
        (["frobnicate"], "frobnicate"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_what_is_not_there_or_makes_no_sense_is_one_line_and_exit_code_2(
    cli: Cli, trained: Path, words: list[str], said: str
) -> None:
    result = cli(*words)
    assert result.code == 2
    assert re.search(r"(^|\n)fittingroom: [^\n]+\n$", result.err)
    assert result.err.count("fittingroom: ") == 1
    assert said in result.err.splitlines()[-1]


def test_data_that_a_model_cannot_judge_are_refused_by_what_differs(
    cli: Cli, trained: Path, shapes: DataSplits
) -> None:
    images, labels = shapes.test.images[:, 0], shapes.test.labels
    np.savez("renamed.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    Path("names.txt").write_text("left\nright\ntop\ninside")
    refused = cli("evaluate", "--data", "renamed.npz", "--classes", "names.txt")
    assert refused.code == 2
    assert "inside" in refused.err
    larger = np.pad(images, ((0, 0), (0, 2), (0, 2)))
    np.savez("larger.npz", x_train=larger, y_train=labels, x_test=larger, y_test=labels)
    refused = cli("evaluate", "--data", "larger.npz")
    assert refused.code == 2
    assert re.search(r"10\D{1,3}10", refused.err)
    assert re.search(r"8\D{1,3}8", refused.err)


def test_a_damaged_run_is_refused_in_one_line(cli: Cli, trained: Path) -> None:
    (trained / "model.safetensors").write_bytes(b"\0" * 100)
    refused = cli("evaluate", trained)
    assert refused.code == 2
    assert re.fullmatch(r"fittingroom: .*model\.safetensors: damaged.*\n", refused.err)


@pytest.mark.slow
@pytest.mark.real_data
def test_one_epoch_of_the_notebooks_network_on_the_real_data_is_about_as_good_as_there(
    cli: Cli, fashion_mnist: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notebook's network after one epoch reads 83-85%; ten classes at random would read 10%."""
    words = ("--epochs", 1, "--protocol", "notebook", "--no-figures", "--json")
    result = cli("train", "--data", fashion_mnist.source, *words)
    test = json.loads(result.out)["results"]["test"]
    assert (test["data_name"], test["count"]) == ("fashion-mnist", 10_000)
    assert 0.80 <= test["accuracy"] <= 0.88
