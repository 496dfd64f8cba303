"""What a tuning's numbers say, as sentences chosen by rules.

The winner is called better than the start only where the paired test over the final seeds says so
at the 5% level. It is the only test, since nothing else is compared on the test set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.reports.charts.labels import Label
from fittingroom.reports.formats import count, percent, points, recipe_value
from fittingroom.reports.names import InARow
from fittingroom.reports.texts import Sentence, say
from fittingroom.reports.tuning_final import Final
from fittingroom.reports.tuning_rates import LOSS_FIELDS, RATE, Region, losses_compare
from fittingroom.reports.tuning_tables import name_of, names_of, start_trial
from fittingroom.training.diagnosis import CLEAR_GAIN, CLEAR_LOSS

if TYPE_CHECKING:
    from fittingroom.tuning.tuning import Tuning

# From this share on one parameter is said to decide most.
MOST = 0.5


def judge_tuning(tuning: Tuning, final: Final | None, regions: list[Region]) -> list[Sentence]:
    """Return what is worth saying about a tuning, the most important first."""
    return [
        *judge_winner(tuning),
        *judge_final(tuning, final),
        *judge_firm_regions(regions),
        *judge_importance(tuning),
    ]


def judge_winner(tuning: Tuning) -> list[Sentence]:
    """Say which trial won, beside the start."""
    best = tuning.best
    if best is None or best.accuracy is None:
        return [say("tuning.conclusions.none")]
    told = [
        say(
            f"tuning.conclusions.winner{'-again' if best.further else ''}",
            number=best.number,
            count=count(len(tuning.complete)),
            finalists=count(len(tuning.finalists)),
            seeds=count(len(best.all_accuracies)),
            accuracy=percent(best.mean),
            values=", ".join(f"{name} = {recipe_value(v)}" for name, v in best.values.items()),
        )
    ]
    start = start_trial(tuning)
    if start is best:
        told.append(say("tuning.conclusions.start-best"))
    elif start is not None and start.accuracy is not None:
        numbers = {"number": str(start.number), "accuracy": percent(start.mean)}
        told.append(say("tuning.conclusions.start", **numbers))
    return told


def judge_final(tuning: Tuning, final: Final | None) -> list[Sentence]:
    """Say what the winner came to on the test set, beside the start and its own validation."""
    best = tuning.best
    if final is None or best is None or best.accuracy is None:
        return []
    numbers = {"validation": percent(best.mean), "test": percent(final.best.mean)}
    return [*final.verdict, say("tuning.conclusions.optimism", **numbers)]


def judge_importance(tuning: Tuning) -> list[Sentence]:
    """Say which parameter decided most, if one did."""
    if len(tuning.importance) < 2:
        return []
    name, share = max(tuning.importance.items(), key=lambda pair: pair[1])
    if share < MOST:
        return []
    return [
        say("tuning.conclusions.important", name=names_of(tuning)[name], share=percent(share, 0))
    ]


def judge_firm_regions(regions: list[Region]) -> list[Sentence]:
    """Say in short where the learning rate was too low or too high."""
    firm = [region for region in regions if region.firm]
    return [say(f"tuning.conclusions.{key_of(one)}", rate=bound_of(one)) for one in firm]


def judge_rates(tuning: Tuning, regions: list[Region]) -> list[list[Sentence]]:
    """Say where the learning rate was too low or too high, and what that rests on."""
    if not regions:
        return [[say("tuning.rate.none")]]
    told = [judge_region(region) for region in regions]
    if not losses_compare(tuning) and any(region.firm for region in regions):
        told.append([say("tuning.rate.open", names=InARow(loss_names(tuning)))])
    return told


def judge_region(region: Region) -> list[Sentence]:
    """Say what the trials of a region have in common."""
    if not region.firm:
        return [say("tuning.rate.early", rate=bound_of(region), count=count(len(region.trials)))]
    told = [
        say(
            f"tuning.rate.{key_of(region)}",
            rate=bound_of(region),
            count=count(len(region.trials)),
            gain=points(CLEAR_GAIN, 1).removeprefix("+"),
            loss=percent(CLEAR_LOSS, 0),
        )
    ]
    if region.pruned:
        told.append(say(f"tuning.rate.pruned-{region.side}", count=count(region.pruned)))
    if region.diverged:
        told.append(say("tuning.rate.diverged", count=count(region.diverged)))
    return told


def key_of(region: Region) -> str:
    """Return the key of what a region shows: without a reason where the losses do not bear one."""
    return region.side if region.explained else f"{region.side}-open"


def bound_of(region: Region) -> str:
    """Return the rate up to which, or from which on, a region reaches."""
    return recipe_value(region.high if region.side == "too-low" else region.low)


def loss_names(tuning: Tuning) -> list[Label]:
    """Return what changes the meaning of a training loss."""
    return [name_of(p) for p in tuning.plan.space.parameters if p.name in LOSS_FIELDS]


def judge_company(tuning: Tuning) -> Sentence:
    """Say what else differs between the trials whose rates are shown."""
    names = names_of(tuning)
    others = [names[name] for name in names if name != RATE]
    if not others:
        return say("tuning.rate.alone")
    return say("tuning.rate.together", names=InARow(others))
