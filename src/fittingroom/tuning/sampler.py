"""How Optuna is seeded: by the place of a trial among the others, whoever asks for it.

Optuna's samplers are seeded when they are made. A process that goes on after an interruption would
draw the numbers of the first trials once more, and so would each of several processes. Here each
trial has a sampler of its own: in one process the same trials come out, interrupted or not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from fittingroom.tuning.ledger import rank

Distributions = dict[str, BaseDistribution]


class SeededByPlace(BaseSampler):
    """Asks a new sampler for each trial.

    Parameters
    ----------
    make
        Makes a sampler of a seed.
    seed
        Mixed with each trial's place.
    """

    def __init__(self, make: Callable[[int], BaseSampler], seed: int) -> None:
        self.make, self.seed = make, seed
        self.sampler = make(seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> Distributions:
        """Make the trial's sampler; Optuna asks this first."""
        mixed = np.random.SeedSequence((self.seed, rank(study, trial.number)))
        self.sampler = self.make(int(mixed.generate_state(1)[0]))
        return self.sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: Distributions
    ) -> dict[str, Any]:
        """Return the values of parameters that are looked for together."""
        return self.sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return the value of one parameter."""
        return self.sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Let the sampler hear what came of it."""
        self.sampler.after_trial(study, trial, state, values)


def tpe(seed: int) -> TPESampler:
    """Return the tree-structured Parzen estimator (Bergstra et al. 2011; arXiv 2304.11127).

    It looks at all parameters together, and at trials that others are at work on as at bad ones,
    so that they do not try the same.
    """
    return TPESampler(seed=seed, multivariate=True, constant_liar=True)
