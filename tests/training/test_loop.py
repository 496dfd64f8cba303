"""The training loop beside the same written out in plain PyTorch, and what it promises."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn
from torch.nn import functional as F

from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.data.sources import load
from fittingroom.errors import DivergenceError, ModelError, RecipeError
from fittingroom.models import Classifier
from fittingroom.models.stacked import Stacked
from fittingroom.runs.prepare import build_classifier
from fittingroom.training import history as history_module
from fittingroom.training.checkpoint import Checkpoint
from fittingroom.training.device import Device
from fittingroom.training.history import Epoch, Progress
from fittingroom.training.loop import Fit, fit
from fittingroom.training.recipe import Recipe

MakeSplits = Callable[..., DataSplits]
MakeClassifier = Callable[..., Classifier]
MakeStack = Callable[..., Stacked]

PLAIN = Recipe(
    model="three-layer", model_options={"hidden": [16, 8]}, epochs=3, batch_size=32, lr=0.003
)
# All that can make a run hard to repeat, in one.
SHAKY = Recipe(
    model="test:Shaky",
    epochs=3,
    batch_size=32,
    optimizer="adamw",
    lr=0.01,
    schedule="one-cycle",
    weight_decay=0.01,
    label_smoothing=0.1,
    flip=True,
    shift=1,
    erase=0.5,
)


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def without_seconds(history: tuple[Epoch, ...]) -> list[Epoch]:
    return [replace(record, seconds=0) for record in history]


def stop_after(steps: int) -> Callable[[], bool]:
    """Return a `should_stop` that says yes from the given step on."""
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked >= steps

    return should_stop


# The reference


def reference_order(recipe: Recipe, epoch: int, count: int) -> Tensor:
    """Return the order of the pictures in an epoch, counted from 1, for the recipe's seed."""
    seed = np.random.SeedSequence([recipe.seed, epoch]).generate_state(1, np.uint64)[0]
    return torch.randperm(count, generator=torch.Generator().manual_seed(int(seed)))


def reference_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    settings: dict[str, Any] = {"lr": recipe.lr, "weight_decay": recipe.weight_decay}
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), momentum=0.9, nesterov=True, **settings)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(network.parameters(), **settings)
    return torch.optim.Adam(network.parameters(), **settings)


def reference_schedule(
    optimizer: torch.optim.Optimizer, recipe: Recipe, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    if recipe.schedule == "cosine":
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    if recipe.schedule == "one-cycle":
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=recipe.lr, total_steps=steps, cycle_momentum=False
        )
    return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1)


def pixels(images: Any, mean: float, std: float) -> Tensor:
    return (torch.from_numpy(images).float() / 255 - mean) / std


def reference_fit(
    network: nn.Module, splits: DataSplits, recipe: Recipe, mean: float, std: float
) -> list[dict[str, float]]:
    """Train as the notebook does, with torch's own parts; return the numbers of each epoch."""
    x, y = pixels(splits.train.images, mean, std), torch.from_numpy(splits.train.labels)
    x_val = pixels(splits.validation.images, mean, std)
    y_val = torch.from_numpy(splits.validation.labels)
    criterion = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
    optimizer = reference_optimizer(network, recipe)
    steps = recipe.epochs * math.ceil(len(y) / recipe.batch_size)
    schedule = reference_schedule(optimizer, recipe, steps)
    numbers = []
    for epoch in range(1, recipe.epochs + 1):
        network.train()
        loss_sum, correct, rate = 0.0, 0, 0.0
        for batch in reference_order(recipe, epoch, len(y)).split(recipe.batch_size):
            optimizer.zero_grad()
            outputs = network(x[batch])
            loss = criterion(outputs, y[batch])
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(batch)
            correct += int((outputs.argmax(dim=1) == y[batch]).sum())
            rate = optimizer.param_groups[0]["lr"]
            if schedule.last_epoch < steps - 1:
                schedule.step()
        network.eval()
        with torch.no_grad():
            outputs = network(x_val)
        numbers.append(
            {
                "epoch": epoch,
                "train_loss": loss_sum / len(y),
                "train_accuracy": correct / len(y),
                "validation_loss": float(F.cross_entropy(outputs, y_val)),
                "validation_accuracy": float((outputs.argmax(dim=1) == y_val).double().mean()),
                "learning_rate": rate,
            }
        )
    return numbers


# Every optimizer with every schedule, over more steps: test_reference.py.
@pytest.mark.parametrize(
    ("optimizer", "schedule"), [("adam", "constant"), ("adamw", "cosine"), ("sgd", "one-cycle")]
)
@pytest.mark.parametrize("model", ["three-layer", "convnet"])
def test_training_is_the_notebooks_loop(
    model: str,
    optimizer: str,
    schedule: str,
    splits: DataSplits,
    make_classifier: MakeClassifier,
    cpu: Device,
) -> None:
    recipe = Recipe(
        model=model,
        model_options={"widths": [4, 6, 8]} if model == "convnet" else {"hidden": [16, 8]},
        epochs=3,
        batch_size=32,
        lr=0.003,
        optimizer=optimizer,
        schedule=schedule,
        weight_decay=0.01,
        label_smoothing=0.1,
    )
    ours = make_classifier(recipe, mean=[0.4], std=[0.3])
    theirs = copy.deepcopy(ours.network)
    result = fit(ours, splits, recipe, cpu)
    expected = reference_fit(theirs, splits, recipe, mean=0.4, std=0.3)

    assert len(result.history) == len(expected)
    for record, numbers in zip(result.history, expected, strict=True):
        found = {name: getattr(record, name) for name in numbers}
        assert found == pytest.approx(numbers, rel=1e-3, abs=1e-4)
        assert record.seconds > 0
    for name, weight in ours.network.state_dict().items():
        torch.testing.assert_close(weight, theirs.state_dict()[name], rtol=1e-3, atol=1e-4)
    assert result.completed
    assert result.kept_epoch == 3
    assert not ours.training


def test_the_network_learns(
    splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    recipe = PLAIN.but(epochs=25)
    result = fit(make_classifier(recipe), splits, recipe, cpu)
    assert result.history[-1].train_loss < result.history[0].train_loss / 2
    accuracy = result.history[-1].validation_accuracy
    assert accuracy is not None
    assert accuracy > 0.9


# The same recipe, the same weights


@pytest.mark.parametrize("recipe", [PLAIN, SHAKY], ids=["plain", "shaky"])
def test_the_same_recipe_gives_the_same_weights_whatever_happened_before(
    recipe: Recipe, splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    first, second, third = (make_classifier(recipe) for _ in range(3))
    histories = [fit(first, splits, recipe, cpu).history]
    histories.append(fit(second, splits, recipe, cpu).history)
    other = recipe.but(seed=5, lr=1.0)
    fit(make_classifier(other), splits, other, cpu)
    torch.rand(7)
    histories.append(fit(third, splits, recipe, cpu).history)
    assert same_weights(first, second)
    assert same_weights(first, third)
    assert without_seconds(histories[0]) == without_seconds(histories[1])
    assert without_seconds(histories[0]) == without_seconds(histories[2])


@pytest.mark.parametrize("change", [{"seed": 1}, {"flip": True}, {"shift": 1}, {"erase": 0.5}])
def test_another_seed_or_augmentation_gives_other_weights(
    change: dict[str, Any], splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    first, second = make_classifier(PLAIN), make_classifier(PLAIN)
    fit(first, splits, PLAIN, cpu)
    fit(second, splits, PLAIN.but(**change), cpu)
    assert not same_weights(first, second)


@pytest.fixture(params=[False, True], ids=["usual", "unusual"])
def global_state(request: pytest.FixtureRequest) -> Iterator[Callable[[], list[Any]]]:
    """Set torch's global state; yield a function that reads it."""
    unusual = bool(request.param)
    benchmark = torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(unusual, warn_only=unusual)
    torch.backends.cudnn.benchmark = unusual
    torch.set_flush_denormal(unusual)

    def read() -> list[Any]:
        return [
            torch.get_rng_state().tolist(),
            repr(np.random.get_state()),  # noqa: NPY002 - the one that must be left alone
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.backends.cudnn.benchmark,
            bool(torch.tensor([1e-40]).mul(0.5).item() == 0),
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
        ]

    yield read
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = benchmark
    torch.set_flush_denormal(False)


def test_torchs_global_state_is_left_as_found(
    global_state: Callable[[], list[Any]],
    splits: DataSplits,
    make_classifier: MakeClassifier,
    cpu: Device,
) -> None:
    before = global_state()
    fit(make_classifier(SHAKY), splits, SHAKY, cpu)
    assert global_state() == before
    with pytest.raises(ZeroDivisionError):
        fit(make_classifier(SHAKY), splits, SHAKY, cpu, should_stop=lambda: bool(1 // 0))
    assert global_state() == before


# Interruption


STEPS = 15  # of three epochs of five


@pytest.mark.parametrize("stop", [1, 3, 5, 6, 10, 12, 14])
def test_an_interrupted_run_goes_on_to_the_same_end(
    stop: int, splits: DataSplits, make_classifier: MakeClassifier, cpu: Device, tmp_path: Any
) -> None:
    whole, part = make_classifier(SHAKY), make_classifier(SHAKY)
    expected = fit(whole, splits, SHAKY, cpu)
    begun = fit(part, splits, SHAKY, cpu, should_stop=stop_after(stop))
    assert not begun.completed
    assert begun.checkpoint
    assert len(begun.history) == stop // 5
    assert stop <= begun.checkpoint.epoch * 5 + begun.checkpoint.step <= stop + 1

    path = tmp_path / "checkpoint"
    path.write_bytes(begun.checkpoint.to_bytes())
    resumed = make_classifier(SHAKY.but(seed=9))
    result = fit(resumed, splits, SHAKY, cpu, resume=Checkpoint.load(path))
    assert result.completed
    assert same_weights(resumed, whole)
    assert without_seconds(result.history) == without_seconds(expected.history)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("model", ["two-layer", "convnet"])
def test_a_run_interrupted_after_every_step_comes_to_the_same_end(
    model: str,
    optimizer: str,
    splits: DataSplits,
    make_classifier: MakeClassifier,
    cpu: Device,
    tmp_path: Any,
) -> None:
    recipe = Recipe(model=model, optimizer=optimizer, epochs=2, batch_size=32, erase=0.5)
    whole = make_classifier(recipe)
    expected = fit(whole, splits, recipe, cpu)

    path = tmp_path / "checkpoint"
    resume, starts = None, 0
    while True:
        classifier = make_classifier(recipe)
        result = fit(classifier, splits, recipe, cpu, should_stop=stop_after(1), resume=resume)
        starts += 1
        if result.completed:
            break
        assert result.checkpoint
        path.write_bytes(result.checkpoint.to_bytes())
        resume = Checkpoint.load(path)
    assert starts >= 2 * 5 - 1
    assert same_weights(classifier, whole)
    assert without_seconds(result.history) == without_seconds(expected.history)


def test_a_checkpoint_in_memory_stays_as_it_was_made(
    splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    made: list[Checkpoint] = []
    whole = make_classifier(SHAKY)
    fit(whole, splits, SHAKY, cpu, on_checkpoint=lambda make, _ended: made.append(make()))
    steps = len(made) // 3
    assert [(c.epoch, c.step) for c in made[: steps + 1]] == [
        *((0, step) for step in range(1, steps)),
        (1, 0),
        (1, 1),
    ]
    for checkpoint in (made[0], made[0], made[steps - 1], made[steps], made[-2], made[-1]):
        resumed = make_classifier(SHAKY)
        fit(resumed, splits, SHAKY, cpu, resume=checkpoint)
        assert same_weights(resumed, whole)


def test_asked_to_stop_at_the_very_last_step_the_run_is_complete(
    splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    result = fit(make_classifier(PLAIN), splits, PLAIN, cpu, should_stop=stop_after(STEPS))
    assert result.completed
    assert len(result.history) == 3


# Many runs at once

SEEDS = (0, 7, 2, 11)
STACKED = PLAIN.but(batch_size=48, label_smoothing=0.1, schedule="one-cycle", weight_decay=0.01)


@pytest.fixture
def make_stack(make_classifier: MakeClassifier) -> Callable[..., Stacked]:
    """Return a function that builds classifiers of different initial weights, and their stack."""

    def make(recipe: Recipe, seeds: Sequence[int] = SEEDS) -> Stacked:
        classifiers = [make_classifier(recipe) for _ in seeds]
        for seed, classifier in zip(seeds, classifiers, strict=True):
            for weight in classifier.parameters():
                weight.data *= 1 + seed / 20
        return Stacked(classifiers)

    return make


def fit_alone(stack: Stacked, splits: DataSplits, recipe: Recipe, cpu: Device) -> list[Fit]:
    """Train the classifiers of a stack one by one, by the loop for one."""
    return [
        fit(classifier, splits, recipe.but(seed=seed), cpu)
        for seed, classifier in zip(SEEDS, stack.classifiers, strict=True)
    ]


def numbers(history: Sequence[Epoch]) -> list[float]:
    """Return all that was measured in each epoch, one after another."""
    rows = [replace(record, seconds=0).to_dict().values() for record in history]
    return [value for row in rows for value in row if value is not None]


@pytest.mark.parametrize("validation", [40, 0])
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("model", ["two-layer", "three-layer"])
def test_runs_in_a_stack_end_where_they_end_alone(
    model: str,
    optimizer: str,
    validation: int,
    splits: DataSplits,
    make_stack: MakeStack,
    cpu: Device,
) -> None:
    options: dict[str, Any] = {"hidden": [16] if model == "two-layer" else [16, 8]}
    recipe = STACKED.but(model=model, model_options=options, optimizer=optimizer)
    divided = splits.with_validation(validation)
    stack, others = make_stack(recipe), make_stack(recipe)
    alone = fit_alone(others, divided, recipe, cpu)
    together = fit(stack, divided, recipe, cpu, seeds=SEEDS)
    assert together.completed
    assert not together.errors
    assert together.checkpoint is None
    assert together.seconds > 0
    for history, one in zip(together.histories, alone, strict=True):
        assert numbers(history) == pytest.approx(numbers(one.history), rel=1e-4)
    for ours, theirs in zip(stack.unstack(), others.classifiers, strict=True):
        for name, weight in ours.state_dict().items():
            torch.testing.assert_close(weight, theirs.state_dict()[name], rtol=1e-4, atol=1e-5)
    assert len({tuple(numbers(history)) for history in together.histories}) == len(SEEDS)


def test_neither_a_runs_place_in_a_stack_nor_its_height_matter(
    splits: DataSplits, make_stack: MakeStack, cpu: Device
) -> None:
    found: dict[int, list[tuple[Classifier, tuple[Epoch, ...]]]] = {seed: [] for seed in SEEDS}
    for seeds in (SEEDS, SEEDS[::-1], SEEDS[:2], SEEDS[1:], SEEDS[3:]):
        stack = make_stack(STACKED, seeds)
        result = fit(stack, splits, STACKED, cpu, seeds=seeds)
        for seed, classifier, history in zip(seeds, stack.unstack(), result.histories, strict=True):
            found[seed].append((classifier, history))
    for (first, expected), *others in found.values():
        assert len(others) >= 2
        for classifier, history in others:
            assert numbers(history) == pytest.approx(numbers(expected), rel=1e-4)
            for name, weight in classifier.state_dict().items():
                torch.testing.assert_close(weight, first.state_dict()[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("noticed", ["at once", "after the epoch"])
def test_a_run_that_diverges_leaves_the_others_of_its_stack_alone(
    noticed: str,
    splits: DataSplits,
    make_stack: MakeStack,
    cpu: Device,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history_module, "UPDATE_SECONDS", 0 if noticed == "at once" else 1e9)
    expected = fit(make_stack(STACKED), splits, STACKED, cpu, seeds=SEEDS)
    stack = make_stack(STACKED)
    stack.weights[1].data[2] = 1e38
    seen: list[Progress] = []
    result = fit(stack, splits, STACKED, cpu, seeds=SEEDS, on_progress=seen.append)
    assert result.completed
    assert set(result.errors) == {2}
    assert re.match(r"the loss became (nan|inf) in epoch 1, step [12] of 3", str(result.errors[2]))
    assert result.histories[2] == ()
    for run in (0, 1, 3):
        assert numbers(result.histories[run]) == numbers(expected.histories[run])
    assert all(math.isfinite(progress.loss) for progress in seen)
    assert seen


def test_a_stack_of_which_every_run_diverged_has_come_to_its_end(
    splits: DataSplits, make_stack: MakeStack, cpu: Device
) -> None:
    recipe = STACKED.but(lr=1e25, schedule="constant")
    result = fit(make_stack(recipe), splits, recipe, cpu, seeds=SEEDS)
    assert result.completed
    assert set(result.errors) == {0, 1, 2, 3}
    assert all(len(history) < 3 for history in result.histories)


def test_a_stack_that_is_stopped_is_not_complete_and_has_no_checkpoint(
    splits: DataSplits, make_stack: MakeStack, cpu: Device
) -> None:
    made: list[Any] = []
    result = fit(
        make_stack(STACKED),
        splits,
        STACKED,
        cpu,
        seeds=SEEDS,
        should_stop=stop_after(4),
        on_checkpoint=lambda make, _ended: made.append(make),
    )
    assert not result.completed
    assert result.checkpoint is None
    assert not made
    assert [len(history) for history in result.histories] == [1, 1, 1, 1]


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_a_stack_of_one_goes_on_from_a_checkpoint_to_the_same_end(
    stop: int, splits: DataSplits, make_stack: MakeStack, cpu: Device
) -> None:
    whole, part, resumed = (make_stack(STACKED, [7]) for _ in range(3))
    expected = fit(whole, splits, STACKED, cpu, seeds=[7])
    begun = fit(part, splits, STACKED, cpu, seeds=[7], should_stop=stop_after(stop))
    assert not begun.completed
    result = fit(resumed, splits, STACKED, cpu, seeds=[7], resume=begun.checkpoint)
    assert same_weights(resumed, whole)
    assert without_seconds(result.history) == without_seconds(expected.history)


@pytest.mark.slow
def test_many_runs_at_once_and_one_by_one_have_the_same_statistics(cpu: Device) -> None:
    """Other seeds, so other runs: their final accuracies must be of the same distribution."""
    recipe = Recipe(model="three-layer", model_options={"hidden": [24, 16]}, epochs=3, lr=0.002)
    splits = load("sketches").with_validation(1000)
    part = ImageDataset(splits.train.images[:3000], splits.train.labels[:3000], splits.classes)
    splits = DataSplits("sketches", "drawn", part, splits.test).with_validation(600)
    together: list[float] = []
    for first in (100, 104, 108):
        seeds = range(first, first + 4)
        stack = Stacked([build_classifier(recipe.but(seed=seed), splits) for seed in seeds])
        result = fit(stack, splits, recipe, cpu, seeds=seeds)
        together += [history[-1].validation_accuracy or 0 for history in result.histories]
    apart: list[float] = []
    for seed in range(12):
        classifier = build_classifier(recipe.but(seed=seed), splits)
        history = fit(classifier, splits, recipe.but(seed=seed), cpu).history
        apart.append(history[-1].validation_accuracy or 0)
    assert len(set(together)) > 3
    assert stats.ks_2samp(together, apart).pvalue > 0.001
    assert stats.ttest_ind(together, apart, equal_var=False).pvalue > 0.001


# Early stopping


@pytest.fixture(scope="module")
def restless() -> Recipe:
    """Return a recipe whose validation accuracy goes up and down."""
    return Recipe(
        model="two-layer", model_options={"hidden": [3]}, epochs=30, batch_size=10, lr=0.1
    )


@pytest.fixture
def noisy(make_splits: MakeSplits) -> DataSplits:
    return make_splits(train=60, validation=60, noise=250)


def at_ends(weights: list[dict[str, Tensor]]) -> Callable[[Callable[[], Checkpoint], bool], None]:
    """Return what keeps a run's weights at the end of each epoch."""

    def keep(make: Callable[[], Checkpoint], ended: bool) -> None:
        if ended:
            weights.append(make().part("model"))

    return keep


@pytest.mark.parametrize("patience", [1, 2, 3, 5])
def test_early_stopping_stops_when_it_should_and_keeps_the_best_weights(
    patience: int,
    restless: Recipe,
    noisy: DataSplits,
    make_classifier: MakeClassifier,
    cpu: Device,
) -> None:
    weights: list[dict[str, Tensor]] = []
    unstopped = fit(
        make_classifier(restless),
        noisy,
        restless,
        cpu,
        on_checkpoint=at_ends(weights),
    )
    accuracies = [record.validation_accuracy or 0 for record in unstopped.history]
    best, waited, last = 0, 0, len(accuracies)
    for epoch, accuracy in enumerate(accuracies, 1):
        if best == 0 or accuracy > accuracies[best - 1]:
            best, waited = epoch, 0
        else:
            waited += 1
        if waited == patience:
            last = epoch
            break
    assert last < len(accuracies)

    stopped = make_classifier(restless)
    recipe = restless.but(early_stopping=patience)
    result = fit(stopped, noisy, recipe, cpu)
    assert result.completed
    assert without_seconds(result.history) == without_seconds(unstopped.history[:last])
    assert result.kept_epoch == best
    for name, tensor in stopped.state_dict().items():
        assert torch.equal(tensor, weights[best - 1][name])


def test_a_run_that_early_stopping_does_not_end_keeps_its_best_weights_too(
    restless: Recipe, noisy: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    recipe = restless.but(early_stopping=100, epochs=12)
    weights: list[dict[str, Tensor]] = []
    kept = make_classifier(recipe)
    result = fit(kept, noisy, recipe, cpu, on_checkpoint=at_ends(weights))
    accuracies = [record.validation_accuracy or 0 for record in result.history]
    assert len(accuracies) == 12
    assert result.kept_epoch == accuracies.index(max(accuracies)) + 1 < 12
    assert torch.equal(
        kept.state_dict()["network.fc1.weight"],
        weights[result.kept_epoch - 1]["network.fc1.weight"],
    )


def test_an_interrupted_run_remembers_its_best_weights_and_its_patience(
    restless: Recipe,
    noisy: DataSplits,
    make_classifier: MakeClassifier,
    cpu: Device,
    tmp_path: Any,
) -> None:
    recipe = restless.but(early_stopping=3)
    whole, part, resumed = (make_classifier(recipe) for _ in range(3))
    expected = fit(whole, noisy, recipe, cpu)
    steps = len(expected.history) * 6
    begun = fit(part, noisy, recipe, cpu, should_stop=stop_after(steps - 2))
    assert not begun.completed
    assert begun.checkpoint
    assert begun.kept_epoch == len(begun.history)
    for name, tensor in begun.checkpoint.part("model").items():
        assert torch.equal(part.state_dict()[name], tensor)
    path = tmp_path / "checkpoint"
    path.write_bytes(begun.checkpoint.to_bytes())
    result = fit(resumed, noisy, recipe, cpu, resume=Checkpoint.load(path))
    assert result.completed
    assert result.kept_epoch == expected.kept_epoch < len(expected.history)
    assert without_seconds(result.history) == without_seconds(expected.history)
    assert same_weights(resumed, whole)


def test_going_on_with_a_run_that_was_over_changes_nothing(
    restless: Recipe, noisy: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    recipe = restless.but(early_stopping=3)
    whole, resumed = make_classifier(recipe), make_classifier(recipe)
    expected = fit(whole, noisy, recipe, cpu)
    result = fit(resumed, noisy, recipe, cpu, resume=expected.checkpoint)
    assert (result.completed, result.kept_epoch) == (True, expected.kept_epoch)
    assert result.history == expected.history
    assert same_weights(resumed, whole)


# What cannot work


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_loss_that_is_no_number_stops_the_run_and_says_where(
    optimizer: str, splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    recipe = PLAIN.but(optimizer=optimizer, lr=1e25, schedule="cosine")
    ours = make_classifier(recipe)
    network = copy.deepcopy(ours.network)
    rates: list[float] = []
    x, y = pixels(splits.train.images, 0, 1), torch.from_numpy(splits.train.labels)
    opt = reference_optimizer(network, recipe)
    schedule = reference_schedule(opt, recipe, STEPS)
    for batch in reference_order(recipe, 1, len(y)).split(32):
        opt.zero_grad()
        loss = F.cross_entropy(network(x[batch]), y[batch])
        rates.append(opt.param_groups[0]["lr"])
        if not loss.isfinite():
            break
        loss.backward()
        opt.step()
        schedule.step()
    assert 1 < len(rates) < 5

    said = (
        rf"the loss became (nan|inf) in epoch 1, step {len(rates)} of 5, "
        rf"at learning rate {rates[-1]:g}; try a lower one, e\.g\. --lr 0\.001$"
    ).replace("e+2", r"e\+2")
    with pytest.raises(DivergenceError, match=said):
        fit(ours, splits, recipe, cpu)


def test_a_loss_that_is_no_number_is_noticed_before_the_epoch_ends(
    splits: DataSplits,
    make_classifier: MakeClassifier,
    cpu: Device,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history_module, "UPDATE_SECONDS", 0)
    recipe, asked = PLAIN.but(lr=1e25, batch_size=2), stop_after(10**9)
    seen: list[Progress] = []
    with pytest.raises(DivergenceError, match="of 65"):
        fit(
            make_classifier(recipe), splits, recipe, cpu, on_progress=seen.append, should_stop=asked
        )
    assert len(seen) < 5
    assert all(math.isfinite(progress.loss) for progress in seen)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"batch_size": 131}, "batch_size must be at most the 130 training pictures, found 131"),
        ({"batch_size": 10**9}, "found 1,000,000,000"),
        ({"shift": 8}, "shift must be less than the pictures' 8 pixels, found 8"),
    ],
)
def test_recipes_that_do_not_fit_the_data_are_refused(
    fields: dict[str, Any],
    reason: str,
    splits: DataSplits,
    make_classifier: MakeClassifier,
    cpu: Device,
) -> None:
    with pytest.raises(RecipeError, match=reason):
        fit(make_classifier(PLAIN), splits, PLAIN.but(**fields), cpu)


def test_early_stopping_without_validation_pictures_is_refused(
    splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    recipe = PLAIN.but(early_stopping=2)
    with pytest.raises(RecipeError, match="early_stopping needs validation pictures"):
        fit(make_classifier(recipe), splits.with_validation(0), recipe, cpu)


def test_a_network_with_nothing_to_train_is_refused(splits: DataSplits, cpu: Device) -> None:
    nothing = Classifier(nn.Flatten(), splits.classes, (1, 8, 8), architecture="torch.nn:Flatten")
    with pytest.raises(ModelError, match="the network has no weights to train"):
        fit(nothing, splits, PLAIN, cpu)


# Data of all kinds


@pytest.mark.parametrize("batch_size", [130, 129, 1])
def test_any_batch_size_up_to_the_whole_set_will_do(
    batch_size: int, splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    recipe = PLAIN.but(batch_size=batch_size, epochs=1)
    assert fit(make_classifier(recipe), splits, recipe, cpu).completed


def test_a_last_batch_of_one_picture_is_no_trouble_for_batch_normalisation(
    make_splits: MakeSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    recipe = Recipe(model="convnet", epochs=1, batch_size=32)
    result = fit(make_classifier(recipe), make_splits(train=65), recipe, cpu)
    assert math.isfinite(result.history[0].train_loss)


def test_colour_pictures_that_are_not_square_are_no_trouble(
    make_splits: MakeSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    shape = (3, 9, 12)
    classifier = make_classifier(SHAKY, shape, mean=[0.5, 0.4, 0.3], std=[0.2, 0.2, 0.3])
    assert fit(classifier, make_splits(shape=shape), SHAKY, cpu).completed


def test_without_validation_pictures_their_numbers_are_none(
    splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    result = fit(make_classifier(PLAIN), splits.with_validation(0), PLAIN, cpu)
    assert {record.validation_loss for record in result.history} == {None}
    assert {record.validation_accuracy for record in result.history} == {None}
    assert (result.completed, result.kept_epoch) == (True, 3)


def test_arrays_that_torch_cannot_use_directly_are_no_trouble(
    splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    plain, odd = make_classifier(PLAIN), make_classifier(PLAIN)
    data = splits.with_validation(0)
    fit(plain, data, PLAIN, cpu)

    learning = data.learning
    mirrored = np.ascontiguousarray(learning.images[:, :, :, ::-1])[:, :, :, ::-1]
    labels = learning.labels.copy()
    mirrored.setflags(write=False)
    labels.setflags(write=False)
    odd_data = replace(data, learning=ImageDataset(mirrored, labels, learning.classes))
    fit(odd, odd_data, PLAIN, cpu)
    assert same_weights(odd, plain)


def test_training_changes_no_picture_and_never_looks_at_the_test_set(
    splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    before = splits.learning.images.copy()
    first, second = make_classifier(SHAKY), make_classifier(SHAKY)
    fit(first, splits, SHAKY, cpu)
    np.testing.assert_array_equal(splits.learning.images, before)
    blank = ImageDataset(np.zeros_like(splits.test.images), splits.test.labels, splits.classes)
    fit(second, replace(splits, test=blank), SHAKY, cpu)
    assert same_weights(first, second)


# Progress


def test_progress_tells_every_step_and_every_epoch(
    splits: DataSplits,
    make_classifier: MakeClassifier,
    cpu: Device,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history_module, "UPDATE_SECONDS", 0)
    seen: list[Progress] = []
    result: Fit = fit(make_classifier(PLAIN), splits, PLAIN, cpu, on_progress=seen.append)

    steps = [(p.epoch, p.step) for p in seen if p.finished is None]
    assert steps == [(epoch, step) for epoch in (1, 2, 3) for step in (1, 2, 3, 4, 5)]
    ends = [p for p in seen if p.finished is not None]
    assert tuple(p.finished for p in ends) == result.history
    assert [(p.epoch, p.step) for p in ends] == [(1, 5), (2, 5), (3, 5)]
    assert all((p.epochs, p.steps) == (3, 5) for p in seen)
    for epoch in (1, 2, 3):
        last = [p for p in seen if p.epoch == epoch and p.step == 5]
        assert {p.loss for p in last} == {result.history[epoch - 1].train_loss}
    assert all(p.images_per_second > 0 and p.seconds_left >= 0 for p in seen)
    assert ends[-1].seconds_left == 0
    assert [record.epoch for record in result.history] == [1, 2, 3]
    assert result.seconds == pytest.approx(sum(record.seconds for record in result.history))


# Half precision


@pytest.mark.parametrize("model", ["three-layer", "convnet"])
def test_in_bf16_it_learns_as_well_as_in_fp32(
    model: str, splits: DataSplits, make_classifier: MakeClassifier, bf16_cpu: Device, cpu: Device
) -> None:
    recipe = Recipe(model=model, epochs=6, batch_size=32, lr=0.003)
    half, full = make_classifier(recipe), make_classifier(recipe)
    found = fit(half, splits, recipe, bf16_cpu).history[-1]
    expected = fit(full, splits, recipe, cpu).history[-1]
    assert all(weight.dtype == torch.float32 for weight in half.parameters())
    assert found.validation_accuracy == pytest.approx(expected.validation_accuracy, abs=0.1)
    assert found.train_loss == pytest.approx(expected.train_loss, rel=0.2)
    assert not same_weights(half, full)
