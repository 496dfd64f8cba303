"""How much each parameter decides about a trial being among the best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fittingroom.tuning.search import distributions, quietly, stored

if TYPE_CHECKING:
    from fittingroom.tuning.space import Space
    from fittingroom.tuning.tuning import Trial

# PED-ANOVA holds the best tenth against all: of fewer, that would be a single one.
FEWEST = 10


def importance_of(space: Space, complete: Sequence[Trial]) -> dict[str, float]:
    """Return each parameter's share, adding up to 1, the largest first; {} for too few trials.

    PED-ANOVA (Watanabe et al. 2023, arXiv 2304.10255): how unlike the values of the best trials are
    to those of all, parameter by parameter.
    """
    if len(complete) < FEWEST or len({trial.accuracy for trial in complete}) == 1:
        return {}
    import optuna

    with quietly():
        study = optuna.create_study(direction="maximize")
        study.add_trials(
            optuna.trial.create_trial(
                params=stored(space, trial.values),
                distributions=distributions(space),
                value=trial.accuracy,
            )
            for trial in complete
        )
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in found.items()}
