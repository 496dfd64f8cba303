"""What a study's numbers say, as sentences chosen by rules.

A setting is called better than another only where the paired test over the seeds, adjusted for
the number of comparisons, says so at the 5% level (`Comparison.significant`). A difference that is
not significant is not decided by so many seeds; it is never called equality. With one seed no
setting is called better.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fittingroom.reports.formats import (
    count,
    interval,
    percent,
    points,
    points_interval,
)
from fittingroom.reports.names import Listed, quoted
from fittingroom.reports.study_reasons import is_question, judge_all_recorded, outcome_counts
from fittingroom.reports.texts import Sentence, say
from fittingroom.studies.comparisons import SIGNIFICANCE_LEVEL

if TYPE_CHECKING:
    from fittingroom.studies.results import (
        Comparison,
        SettingResult,
        StudyResults,
        Verdict,
    )

# So many names a sentence carries; beyond that it gives their number.
MOST_NAMES = 4


def judge_study(results: StudyResults) -> list[Sentence]:
    """Return what is worth saying about a study, the most important first."""
    return [
        *judge_leader(results),
        *judge_thrift(results),
        *judge_verdicts(results.verdicts),
        *judge_all_recorded([one for one in results.recorded if is_question(one)], results),
    ]


def judge_leader(results: StudyResults) -> list[Sentence]:
    """Say which setting leads, and over which others it really does."""
    leader, *others = results.ranking
    numbers = {"name": quoted(leader.label), "mean": percent(leader.mean)}
    if leader.interval is None:
        key = "leader-one-seed" if others else "single-one-seed"
        return [say(f"study.conclusions.{key}", **numbers)]
    numbers |= {"interval": interval(leader.interval), "n": count(leader.n)}
    if not others:
        return [say("study.conclusions.single", **numbers)]
    return [say("study.conclusions.leader", **numbers), judge_lead(results)]


def judge_lead(results: StudyResults) -> Sentence:
    """Say whom the leader really beats, and for whom that is not decided."""
    leader, *others = results.ranking
    tied = [other.label for other in rivals(results)]
    n = count(min(len(results.compare(leader.name, other.name).seeds) for other in others))
    if not tied:
        return say("study.conclusions.beats-all", n=n)
    if len(tied) == len(others):
        return say("study.conclusions.beats-none", n=n)
    beaten = count(len(others) - len(tied))
    if len(tied) > MOST_NAMES:
        return say("study.conclusions.tied-many", count=count(len(tied)), beaten=beaten, n=n)
    return say("study.conclusions.tied", names=Listed(tied), beaten=beaten, n=n)


def rivals(results: StudyResults) -> list[SettingResult]:
    """Return the settings over which the lead of the best mean is not decided."""
    leader, *others = results.ranking
    return [other for other in others if not leads(results.compare(leader.name, other.name))]


def leads(comparison: Comparison) -> bool:
    """Tell whether the first setting is significantly more accurate than the second."""
    difference = comparison.difference
    return comparison.significant and difference is not None and difference.mean > 0


def judge_thrift(results: StudyResults) -> list[Sentence]:
    """Say which setting costs least of those that no test at all sets apart from the leader.

    An adjustment for many pairs leaves large differences undecided. So these are the settings
    whose difference is not significant even before it.
    """
    leader = results.ranking[0]
    costs = {point.name: point.cost for point in results.pareto}
    found = [
        (other, difference)
        for other in rivals(results)
        if (difference := results.compare(other.name, leader.name).difference) is not None
        and difference.p >= SIGNIFICANCE_LEVEL
        and costs[other.name] < costs[leader.name]
    ]
    if not found:
        return []
    cheapest, difference = min(found, key=lambda pair: costs[pair[0].name])
    return [
        say(
            f"study.conclusions.thrift-{results.cost_unit}",
            name=quoted(cheapest.label),
            leader=quoted(leader.label),
            share=percent(costs[cheapest.name] / costs[leader.name], 0),
            points=points(difference.mean),
            interval=points_interval((difference.low, difference.high)),
        )
    ]


def judge_verdicts(verdicts: Sequence[Verdict]) -> list[Sentence]:
    """Say how many claims hold."""
    if not verdicts:
        return []
    found = [verdict.outcome for verdict in verdicts]
    numbers = outcome_counts(found)
    key = "claims-untested" if "untested" in found else "claims"
    return [say(f"study.conclusions.{key}", count=count(len(found)), **numbers)]
