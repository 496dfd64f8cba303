"""How many pictures and steps each epoch of a run has, and at which learning rate they go."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fittingroom.training.optimizers import learning_rate
from fittingroom.training.recipe import Recipe


@dataclass(frozen=True)
class Course:
    """The way a run goes: its epochs, counted from 0, and the steps in each.

    Parameters
    ----------
    count
        Training pictures.
    recipe
        Says how many epochs, how large a batch, and which share of the pictures each epoch after
        the first has.
    """

    count: int
    recipe: Recipe

    def pictures(self, epoch: int) -> int:
        """Return how many pictures an epoch goes through."""
        if epoch == 0:
            return self.count
        return max(self.recipe.batch_size, round(self.recipe.hard_share * self.count))

    def pictures_before(self, epoch: int) -> int:
        """Return how many pictures all epochs before this one go through."""
        return 0 if epoch == 0 else self.pictures(0) + (epoch - 1) * self.pictures(1)

    def steps(self, epoch: int) -> int:
        """Return how many steps an epoch has.

        A last picture that would be alone joins the batch before it: batch normalisation of what
        is one number a channel needs two.
        """
        count, size = self.pictures(epoch), self.recipe.batch_size
        alone = count % size == 1 and count > size
        return math.ceil(count / size) - alone

    def steps_before(self, epoch: int) -> int:
        """Return how many steps lie before an epoch."""
        return 0 if epoch == 0 else self.steps(0) + (epoch - 1) * self.steps(1)

    @property
    def all_steps(self) -> int:
        """How many steps the whole run has."""
        return self.steps_before(self.recipe.epochs)

    def learning_rate(self, epoch: int, step: int) -> float:
        """Return the learning rate of a step, counted from 0 within its epoch."""
        return learning_rate(self.recipe, self.steps_before(epoch) + step, self.all_steps)
