"""What a study's runs come to: means, comparisons, cost against accuracy, verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fittingroom.errors import FittingroomError, StudyError
from fittingroom.studies.claims import Contrast, Verdict, judge_claims
from fittingroom.studies.comparisons import Comparison, compare_all
from fittingroom.studies.pareto import CostUnit, ParetoPoint, cost_unit, pareto
from fittingroom.studies.plan import StudyPlan
from fittingroom.studies.recorded import Match, RecordedResult, hold_against
from fittingroom.studies.setting_result import Failure, Marks, SettingResult, mark
from fittingroom.training.diagnosis import Curves, diagnose_setting
from fittingroom.training.recipe import Recipe

if TYPE_CHECKING:
    from fittingroom.runs.run import Run

__all__ = [
    "Comparison",
    "Contrast",
    "Failure",
    "Match",
    "ParetoPoint",
    "RecordedResult",
    "SettingResult",
    "StudyResults",
    "Verdict",
    "collect",
]

Key = tuple[str, int]  # a setting's name and a seed


@dataclass(frozen=True, eq=False)
class StudyResults:
    """The numbers of a study; each is computed when it is first asked for.

    Parameters
    ----------
    plan
        What was asked for.
    settings
        Those with a finished run, at least one, in the plan's order.
    missing
        The runs without a result, as (setting, seed): not done, failed, or damaged.
    problems
        Why runs that are there are left out, one line each.
    """

    plan: StudyPlan
    settings: tuple[SettingResult, ...]
    missing: tuple[Key, ...]
    problems: tuple[str, ...]

    @cached_property
    def ranking(self) -> tuple[SettingResult, ...]:
        """The settings by mean accuracy, the best first."""
        return tuple(sorted(self.settings, key=lambda setting: -setting.mean))

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Every pair, in the order of the ranking."""
        return compare_all(self.ranking)

    def setting(self, name: str) -> SettingResult:
        """Return one setting's result.

        Raises
        ------
        StudyError
            If it has no finished run, or there is no such setting.
        """
        for setting in self.settings:
            if setting.name == name:
                return setting
        wanted = self.plan.setting(name).name
        raise StudyError(f"study {self.plan.name}: setting {wanted!r} has no finished run yet")

    def compare(self, first: str, second: str) -> Comparison:
        """Return how two settings differ: first - second.

        Raises
        ------
        StudyError
            If one has no finished run, or they are the same.
        """
        names = self.setting(first).name, self.setting(second).name
        for found in self.comparisons:
            if (found.first, found.second) == names:
                return found
            if (found.second, found.first) == names:
                return found.turned()
        raise StudyError(f"expected two settings to compare, found {first!r} twice")

    @property
    def cost_unit(self) -> CostUnit:
        """FLOPs, or seconds where a network's size is not known."""
        return cost_unit(self.settings)

    @cached_property
    def pareto(self) -> tuple[ParetoPoint, ...]:
        """Cost and accuracy of each setting, the cheapest first."""
        return pareto(self.settings)

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """One for each of the plan's claims."""
        return judge_claims(self.plan.claims, self.settings)

    @cached_property
    def recorded(self) -> tuple[RecordedResult, ...]:
        """Each of the plan's recorded results, held against its settings."""
        return tuple(hold_against(result, self.settings) for result in self.plan.recorded)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values; there is no NaN or infinity in it."""
        return {
            "study": self.plan.name,
            "settings": [setting.to_dict() for setting in self.settings],
            "ranking": [setting.name for setting in self.ranking],
            "comparisons": [found.to_dict() for found in self.comparisons],
            "cost_unit": self.cost_unit,
            "pareto": [point.to_dict() for point in self.pareto],
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "recorded": [result.to_dict() for result in self.recorded],
            "missing": [list(key) for key in self.missing],
            "problems": list(self.problems),
        }


def collect(
    plan: StudyPlan,
    runs: Mapping[Key, Run],
    *,
    failures: Mapping[Key, str] | None = None,
    problems: Sequence[str] = (),
) -> StudyResults:
    """Read what the runs of a study came to; a damaged one is left out and named.

    Parameters
    ----------
    runs
        The finished ones, by setting and seed.
    failures
        Why a run has no result.
    problems
        Why others are left out, one line each.

    Raises
    ------
    StudyError
        If no run can be read.
    """
    marks: dict[Key, Marks] = {}
    found = list(problems)
    for setting, seed in plan.wanted:
        key = (setting.name, seed)
        if key in runs:
            try:
                marks[key] = mark(runs[key])
            except FittingroomError as error:
                found.append(str(error))
    if not marks:
        reason = found[0] if found else "none is finished"
        raise StudyError(f"study {plan.name}: no run to compare: {reason}")
    return StudyResults(
        plan=plan,
        settings=results_of(plan, runs, marks, failures or {}),
        missing=tuple((s.name, seed) for s, seed in plan.wanted if (s.name, seed) not in marks),
        problems=tuple(found),
    )


def results_of(
    plan: StudyPlan,
    runs: Mapping[Key, Run],
    marks: Mapping[Key, Marks],
    failures: Mapping[Key, str],
) -> tuple[SettingResult, ...]:
    """Put the runs of each setting together, by seed; settings without any are left out."""
    seeds = {s.name: [k for k in sorted(plan.seeds) if (s.name, k) in marks] for s in plan.settings}
    begun = [setting for setting in plan.settings if seeds[setting.name]]
    curves = {
        setting.name: curves_of(
            setting.recipe, [marks[setting.name, k] for k in seeds[setting.name]]
        )
        for setting in begun
    }
    networks = {setting.name: network_of(setting.recipe) for setting in begun}
    return tuple(
        SettingResult(
            setting=setting,
            runs=tuple(runs[setting.name, seed] for seed in seeds[setting.name]),
            marks=tuple(marks[setting.name, seed] for seed in seeds[setting.name]),
            diagnosis=diagnose_setting(
                curves[setting.name],
                {n: curves[n] for n in curves if networks[n] == networks[setting.name]},
            ),
            failures=tuple(
                Failure(seed, failures[setting.name, seed])
                for seed in sorted(plan.seeds)
                if (setting.name, seed) in failures
            ),
        )
        for setting in begun
    )


def curves_of(recipe: Recipe, marks: Sequence[Marks]) -> Curves:
    """Return the learning curves of a setting's runs, with what they came to."""
    return Curves(
        lr=recipe.lr,
        epochs=recipe.epochs,
        histories=[each.history for each in marks],
        held_out=[each.accuracy for each in marks],
    )


def network_of(recipe: Recipe) -> Recipe:
    """Return the recipe without what distinguishes settings of the same network."""
    return recipe.but(lr=1.0, epochs=1, seed=0)
