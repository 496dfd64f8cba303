"""Cost against accuracy: the settings that none beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from fittingroom.studies.setting_result import SettingResult

CostUnit = Literal["FLOPs", "seconds"]

# Times within this factor count as equal: medians over five runs of one network and as many
# epochs differed by up to 1.23 on a machine of two cores that did other things as well. FLOPs are
# counted, not measured, and need no such allowance.
SAME_SECONDS = 1.25


@dataclass(frozen=True)
class ParetoPoint:
    """One setting's cost and accuracy.

    Parameters
    ----------
    name
        The setting.
    cost
        Training of one run, in the unit that `cost_unit` names.
    seconds
        The same in seconds, as measured: the median.
    mean, interval
        Accuracy, 0 to 1, and its 95% interval; None for a single run.
    on_front
        True if no setting costs at most as much and is more accurate on average.
    dominated_by
        The settings that do and are.
    """

    name: str
    cost: float
    seconds: float
    mean: float
    interval: tuple[float, float] | None
    on_front: bool
    dominated_by: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self) | {
            "interval": list(self.interval) if self.interval else None,
            "dominated_by": list(self.dominated_by),
        }


def cost_unit(settings: Sequence[SettingResult]) -> CostUnit:
    """Return FLOPs if they are known for every setting, else seconds."""
    return "seconds" if any(setting.cost is None for setting in settings) else "FLOPs"


def cost_in(unit: CostUnit, setting: SettingResult) -> float:
    """Return what one run of a setting costs."""
    if unit == "seconds" or setting.cost is None:
        return setting.seconds
    return setting.cost


def costs_at_most(unit: CostUnit, setting: SettingResult, other: SettingResult) -> bool:
    """Tell whether a setting costs no more than another, seconds that scatter taken as equal."""
    allowance = SAME_SECONDS if unit == "seconds" else 1
    return cost_in(unit, setting) <= cost_in(unit, other) * allowance


def pareto(settings: Sequence[SettingResult]) -> tuple[ParetoPoint, ...]:
    """Return every setting's place between cost and accuracy, the cheapest first.

    A setting is on Pareto's front (Pareto 1906, Manuale di economia politica) if no other
    dominates it: costs at most as much and has a higher mean, or costs less and has the same.
    This is about the means that were found; whether they differ by more than chance, the
    comparisons say.
    """
    unit = cost_unit(settings)
    points = []
    for setting in settings:
        better = tuple(other.name for other in settings if dominates(unit, other, setting))
        points.append(
            ParetoPoint(
                name=setting.name,
                cost=cost_in(unit, setting),
                seconds=setting.seconds,
                mean=setting.mean,
                interval=setting.interval,
                on_front=not better,
                dominated_by=better,
            )
        )
    return tuple(sorted(points, key=lambda point: (point.cost, -point.mean)))


def dominates(unit: CostUnit, setting: SettingResult, other: SettingResult) -> bool:
    """Tell whether a setting is better than another in cost or accuracy, and worse in neither."""
    if not costs_at_most(unit, setting, other) or setting.mean < other.mean:
        return False
    return setting.mean > other.mean or not costs_at_most(unit, other, setting)
