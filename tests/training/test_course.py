"""How many pictures and steps each epoch has, against batches that are really cut."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from fittingroom.training.course import Course
from fittingroom.training.recipe import Recipe


@st.composite
def courses(draw: st.DrawFn) -> Course:
    """Any number of pictures, batch and share."""
    count = draw(st.integers(1, 300))
    batch = draw(st.integers(1, count))
    share = draw(st.floats(0, 1, exclude_min=True))
    epochs = draw(st.integers(1, 5))
    return Course(count, Recipe(epochs=epochs, batch_size=batch, hard_share=share))


def batches(course: Course, epoch: int) -> list[int]:
    """Return the sizes of an epoch's batches, a last one of one joined to the one before."""
    sizes = [len(b) for b in torch.arange(course.pictures(epoch)).split(course.recipe.batch_size)]
    if len(sizes) > 1 and sizes[-1] == 1 and course.recipe.batch_size > 1:
        sizes[-2:] = [sizes[-2] + 1]
    return sizes


@given(courses())
def test_there_is_a_step_for_each_batch(course: Course) -> None:
    epochs = range(course.recipe.epochs)
    steps = [len(batches(course, epoch)) for epoch in epochs]
    assert [course.steps(epoch) for epoch in epochs] == steps
    assert [course.steps_before(epoch) for epoch in epochs] == [sum(steps[:e]) for e in epochs]
    assert course.all_steps == sum(steps)
    pictures = [course.pictures(epoch) for epoch in epochs]
    assert [course.pictures_before(e) for e in epochs] == [sum(pictures[:e]) for e in epochs]


@given(courses())
def test_the_first_epoch_has_all_pictures_and_every_other_a_batch_at_least(course: Course) -> None:
    assert course.pictures(0) == course.count
    for epoch in range(1, course.recipe.epochs):
        assert course.recipe.batch_size <= course.pictures(epoch) <= course.count


@pytest.mark.parametrize(("count", "size", "steps"), [
    (64, 32, 2), (65, 32, 2), (66, 32, 3), (63, 32, 2), (1, 1, 1), (5, 1, 5), (3, 2, 1),
    (33, 32, 1),
])  # fmt: skip
def test_no_picture_is_alone_in_a_last_batch(count: int, size: int, steps: int) -> None:
    assert Course(count, Recipe(batch_size=size)).steps(0) == steps


@pytest.mark.parametrize(("share", "pictures"), [(1.0, 130), (0.5, 65), (0.3, 39), (0.01, 32)])
def test_later_epochs_have_their_share(share: float, pictures: int) -> None:
    course = Course(130, Recipe(batch_size=32, hard_share=share))
    assert [course.pictures(epoch) for epoch in (0, 1, 2)] == [130, pictures, pictures]


@pytest.mark.parametrize("share", [1.0, 0.4])
def test_the_learning_rate_goes_over_the_steps_that_there_are(share: float) -> None:
    ours = Recipe(epochs=4, batch_size=10, lr=0.5, schedule="one-cycle", hard_share=share)
    course = Course(100, ours)
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.5)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.5, total_steps=10 + 3 * round(10 * share)
    )
    for epoch in range(4):
        for step in range(course.steps(epoch)):
            assert course.learning_rate(epoch, step) == pytest.approx(schedule.get_last_lr()[0])
            optimizer.step()
            if (epoch, step) != (3, course.steps(3) - 1):
                schedule.step()
    assert schedule.last_epoch == course.all_steps - 1
