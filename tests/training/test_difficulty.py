"""What is remembered of each picture, and draws that go by it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn
from torch.nn import functional as F

from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.models import Classifier
from fittingroom.training.checkpoint import Checkpoint
from fittingroom.training.device import Device, repeatable, seed_everything
from fittingroom.training.difficulty import LEAST_LOSS, Difficulty
from fittingroom.training.history import Progress
from fittingroom.training.loop import fit
from fittingroom.training.recipe import Recipe

MakeSplits = Callable[..., DataSplits]
MakeClassifier = Callable[..., Classifier]

CPU = torch.device("cpu")
HALF = Recipe(
    model="three-layer",
    model_options={"hidden": [16, 8]},
    optimizer="sgd",
    epochs=4,
    batch_size=16,
    lr=0.05,
    schedule="one-cycle",
    hard_share=0.5,
)


def known(losses: list[float]) -> Difficulty:
    """Return a difficulty that has seen these losses in an epoch before."""
    difficulty = Difficulty(len(losses), CPU)
    difficulty.losses.copy_(torch.tensor(losses))
    difficulty.begin_epoch()
    return difficulty


# Draws


@pytest.fixture(autouse=True)
def _seeded() -> Any:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        yield


def test_the_chances_are_in_proportion_to_the_losses() -> None:
    losses = np.array([0.0, 0.1, 0.5, 1.0, 3.0])
    difficulty = known(losses.tolist())
    draws = [int(difficulty.draw(1)) for _ in range(5000)]
    weights = losses + LEAST_LOSS
    expected = 5000 * weights / weights.sum()
    # The first, of chance 1 in 4,600, is too rare for the test by itself.
    found = np.bincount(draws, minlength=5)
    merged, wanted = (np.append(counts[:2].sum(), counts[2:]) for counts in (found, expected))
    assert stats.chisquare(merged, wanted).pvalue > 0.001


def test_of_two_that_are_drawn_the_second_goes_by_what_is_left() -> None:
    # Chances of pairs, from drawing one after the other without putting back.
    weights = np.array([1.0, 2.0, 5.0])
    difficulty = known((weights - LEAST_LOSS).tolist())
    draws = [frozenset(difficulty.draw(2).tolist()) for _ in range(5000)]
    shares = weights / weights.sum()
    pairs = [(0, 1), (0, 2), (1, 2)]
    chances = [
        shares[i] * shares[j] * (1 / (1 - shares[i]) + 1 / (1 - shares[j])) for i, j in pairs
    ]
    found = [draws.count(frozenset(pair)) for pair in pairs]
    assert stats.chisquare(found, [5000 * chance for chance in chances]).pvalue > 0.001


def test_every_place_in_the_order_is_as_likely_for_a_hard_picture() -> None:
    difficulty = known([0.1, 0.1, 0.1, 50.0])
    places = [difficulty.draw(4).tolist().index(3) for _ in range(2000)]
    assert stats.chisquare(np.bincount(places, minlength=4)).pvalue > 0.001


@pytest.mark.parametrize("count", [1, 5, 50])
@pytest.mark.parametrize("loss", [0.0, 1e-8, 2.0, 1e30, float("nan"), float("inf")])
def test_no_picture_is_drawn_twice_whatever_the_losses(loss: float, count: int) -> None:
    drawn = known([loss] * 25 + [0.5] * 25).draw(count)
    assert drawn.dtype == torch.int64
    assert len(set(drawn.tolist())) == len(drawn) == count
    assert set(drawn.tolist()) <= set(range(50))


def test_what_is_noted_during_an_epoch_counts_from_the_next_on() -> None:
    difficulty = known([1.0] * 20)
    torch.manual_seed(3)
    before = difficulty.draw(5)
    difficulty.losses.copy_(torch.arange(20.0))
    torch.manual_seed(3)
    assert torch.equal(difficulty.draw(5), before)
    difficulty.begin_epoch()
    torch.manual_seed(3)
    assert not torch.equal(difficulty.draw(5), before)


# What is remembered


def test_the_last_loss_and_answer_of_each_picture_are_remembered() -> None:
    difficulty = Difficulty(4, CPU)
    scores = torch.tensor([[2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    difficulty.note(torch.tensor([2, 0, 3]), scores, torch.tensor([0, 0, 1]))
    difficulty.note(torch.tensor([0]), torch.tensor([[5.0, 0.0]]), torch.tensor([0]))
    chances = [np.exp([5, 0]), np.exp([2, 0]), np.exp([3, 0])]
    losses = [-np.log(chance[0] / chance.sum()) for chance in chances]
    np.testing.assert_allclose(difficulty.losses, [losses[0], 0, losses[1], losses[2]], rtol=1e-5)
    assert difficulty.right.tolist() == [True, False, True, True]
    assert difficulty.mean_loss() == pytest.approx(sum(losses) / 4, rel=1e-5)
    assert difficulty.accuracy() == 0.75


def test_its_state_comes_back() -> None:
    one, other = known([1.0, 2.0, 3.0]), Difficulty(3, CPU)
    one.note(torch.tensor([1]), torch.tensor([[0.0, 1.0]]), torch.tensor([1]))
    other.restore({name: tensor.clone() for name, tensor in one.state().items()})
    assert all(torch.equal(tensor, other.state()[name]) for name, tensor in one.state().items())


# In training


def by_hand(network: nn.Module, splits: DataSplits, ours: Recipe) -> list[float]:
    """Train the network on the hard pictures, written out; return the epochs' losses."""
    images = torch.from_numpy(splits.train.images) / 255
    labels = torch.from_numpy(splits.train.labels)
    few = round(ours.hard_share * len(labels))
    lengths = [-(-len(labels) // 16)] + [-(-few // 16)] * (ours.epochs - 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=ours.lr, momentum=0.9, nesterov=True)
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, ours.lr, total_steps=sum(lengths), cycle_momentum=False
    )
    last, means = torch.zeros(len(labels)), []
    for epoch in range(ours.epochs):
        seed_everything(ours.seed, epoch + 1)
        if epoch == 0:
            order = torch.randperm(len(labels))
        else:
            noise = -torch.log(-torch.log(torch.rand(len(labels)).clamp(min=1e-30)))
            hardest = (torch.log(last + LEAST_LOSS) + noise).argsort(descending=True)[:few]
            order = hardest[torch.randperm(few)]
        for batch in order.split(16):
            optimizer.zero_grad()
            losses = F.cross_entropy(network(images[batch]), labels[batch], reduction="none")
            losses.mean().backward()
            optimizer.step()
            if rates.last_epoch < rates.total_steps - 1:
                rates.step()
            last[batch] = losses.detach()
        means.append(float(last.double().mean()))
    return means


def test_training_on_the_hard_pictures_is_the_same_written_out(
    make_splits: MakeSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    splits = make_splits(train=120)  # neither 120 nor 60 leaves a picture alone
    found = make_classifier(HALF)
    network = make_classifier(HALF).network.train()
    result = fit(found, splits, HALF, cpu)
    with repeatable(cpu):
        means = by_hand(network, splits, HALF)
    assert [epoch.train_loss for epoch in result.history] == pytest.approx(means, rel=1e-4)
    torch.testing.assert_close(found.network.state_dict(), network.state_dict())


@pytest.mark.parametrize("at", [3, 8, 9, 11, 12, 13, 16, 20])
@pytest.mark.parametrize("model", ["three-layer", "test:Shaky"])
def test_a_run_stopped_anywhere_goes_on_bit_for_bit(
    model: str, at: int, splits: DataSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    options = {"hidden": [16, 8]} if model == "three-layer" else {}
    ours = HALF.but(model=model, model_options=options, flip=True, average=0.9)
    whole, stopped, resumed = (make_classifier(ours) for _ in range(3))
    expected = fit(whole, splits, ours, cpu)
    asked = itertools.count(1)
    checkpoint = fit(stopped, splits, ours, cpu, should_stop=lambda: next(asked) >= at).checkpoint
    assert isinstance(checkpoint, Checkpoint)
    result = fit(resumed, splits, ours, cpu, resume=checkpoint)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], tensor)
    same = [replace(epoch, seconds=0.0) for epoch in expected.history]
    assert [replace(epoch, seconds=0.0) for epoch in result.history] == same


@pytest.mark.parametrize("share", [1e-9, 0.1, 0.55, 0.999])
def test_every_share_trains_with_whole_steps(
    share: float, make_splits: MakeSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    # Of 33 pictures, batches of 16 leave one alone, and so they do of 0.999 of them.
    ours = HALF.but(model="test:Shaky", model_options={}, hard_share=share)
    heard: list[Progress] = []
    result = fit(make_classifier(ours), make_splits(train=33), ours, cpu, on_progress=heard.append)
    assert result.completed
    assert len(result.history) == 4
    finished = [progress for progress in heard if progress.finished is not None]
    assert all(progress.step == progress.steps for progress in finished)
    assert finished[-1].seconds_left == 0


def test_easy_pictures_are_seen_less_than_hard_ones(
    make_splits: MakeSplits, make_classifier: MakeClassifier, cpu: Device
) -> None:
    # One label in ten is wrong: these pictures stay hard.
    whole = make_splits(train=300, validation=0, noise=5)
    wrong = np.arange(300) % 10 == 0
    labels = np.where(wrong, (whole.train.labels + 1) % 3, whole.train.labels)
    train = ImageDataset(whole.train.images, labels, whole.classes)
    splits = DataSplits("wrong", "drawn", train, whole.test)
    ours = HALF.but(hard_share=0.2, epochs=10, optimizer="adam", lr=0.01)
    seen: list[Tensor] = []
    draw = Difficulty.draw

    def listening(self: Difficulty, count: int) -> Tensor:
        seen.append(draw(self, count))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Difficulty, "draw", listening)
        fit(make_classifier(ours), splits, ours, cpu)
    assert [len(drawn) for drawn in seen] == [60] * 9
    assert wrong[seen[-1].numpy()].mean() > 0.2
