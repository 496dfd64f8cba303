"""Whether a study's claims hold, as far as its runs can tell.

A claim is made of contrasts, "this setting is more accurate than that one", each tested over the
common seeds (`paired_difference`). A contrast holds if its difference is significantly above 0,
does not hold if it is significantly below, and is undecided otherwise. Then a claim

- **better** (each pair) and **best** (against every other setting) holds if all of its contrasts
  hold, and does not hold if one of them does not;
- **diagnosed** (against each setting that is said to be better) holds if, besides, the learning
  curves of the setting show what is claimed, beside those of another setting or in most seeds by
  themselves (`diagnose_setting`); it does not hold if a contrast does not or they show something
  else;
- **bargain** is "best" among the settings that cost at most as much (`costs_at_most`).

Whatever is left is undecided; or untested, where a setting has no finished run.

What counts as significant takes into account how many tests there are, at two levels. A claim that
needs all of its contrasts is as sure as the least sure of them, and their number needs no
correction (intersection-union test: Berger 1982, doi:10.1080/00401706.1982.10487790). But any one
of k contrasts can speak against it, so the p-value of one that does is multiplied by k
(Bonferroni). That makes one p-value for each claim, and these are adjusted for the number of
claims (`holm`). Adjusting all contrasts of all claims together would ask more than is needed: a
"best of ten" would make every other claim ten times harder to decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from fittingroom.evaluation.significance import PairedDifference, holm, pairs_to_decide
from fittingroom.studies.comparisons import SIGNIFICANCE_LEVEL, common_seeds, difference_over
from fittingroom.studies.pareto import cost_unit, costs_at_most
from fittingroom.studies.plan import Bargain, Better, Claim, Diagnosed, settings_of
from fittingroom.studies.setting_result import SettingResult
from fittingroom.training.diagnosis import Diagnosis

# More than these nobody trains.
MOST_SEEDS = 1000

Outcome = Literal["holds", "does-not-hold", "undecided", "untested"]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Contrast:
    """One setting is said to be more accurate than another.

    Parameters
    ----------
    better, worse
        Their names, as the claim has it.
    seeds
        Those that both have a finished run of.
    difference
        better - worse over these seeds; None with fewer than two.
    adjusted_p
        Its two-sided p-value, adjusted for the number of tests: the adjusted p-value that the
        claim has if it rests on this contrast.
    outcome
        What these say.
    seeds_needed
        Where it is undecided: with how many seeds a difference like the observed one would be
        found (`pairs_to_decide` at a power of 0.8, and a level that suffices whatever the other
        claims come to); None if more than `MOST_SEEDS`, or none can be told.
    """

    better: str
    worse: str
    seeds: tuple[int, ...]
    difference: PairedDifference | None
    adjusted_p: float | None
    outcome: Outcome
    seeds_needed: int | None


@dataclass(frozen=True)
class Verdict:
    """What a study says about one claim.

    Parameters
    ----------
    claim
        What was claimed.
    outcome
        Whether it holds.
    n
        Over how many seeds: the fewest of any of its contrasts; 0 if untested.
    contrasts
        What it is made of; none for the cheapest setting said to be a bargain, which is one.
    seeds_needed
        Where it is undecided: with how many seeds it would be decided; None if more than
        `MOST_SEEDS`, or none can be told.
    diagnosis
        Of its setting, where the claim is about that.
    """

    claim: Claim
    outcome: Outcome
    n: int
    contrasts: tuple[Contrast, ...]
    seeds_needed: int | None
    diagnosis: Diagnosis | None

    def to_dict(self) -> dict[str, Any]:
        """Return the claim and what is said about it as JSON values."""
        contrasts = [asdict(found) | {"seeds": list(found.seeds)} for found in self.contrasts]
        return {
            "claim": self.claim.model_dump(mode="json"),
            "outcome": self.outcome,
            "n": self.n,
            "contrasts": contrasts,
            "seeds_needed": self.seeds_needed,
            "diagnosis": asdict(self.diagnosis) if self.diagnosis else None,
        }


def judge_claims(claims: Sequence[Claim], settings: Sequence[SettingResult]) -> tuple[Verdict, ...]:
    """Say of each claim whether it holds; the module's text has the rules."""
    known = {setting.name: setting for setting in settings}
    pairs = [pairs_of(claim, settings) for claim in claims]
    differences = {pair: observe(pair, known) for some in pairs for pair in some}
    p_values = [p_of_claim([differences[pair] for pair in some]) for some in pairs]
    verdicts = []
    for place, (claim, some) in enumerate(zip(claims, pairs, strict=True)):
        others = [p for p in p_values[:place] + p_values[place + 1 :] if p is not None]
        contrasts = [contrast(pair, differences[pair], len(some), others, known) for pair in some]
        verdicts.append(judge(claim, contrasts, known))
    return tuple(verdicts)


def pairs_of(claim: Claim, settings: Sequence[SettingResult]) -> list[Pair]:
    """Return (better, worse) for each contrast that a claim is made of."""
    if isinstance(claim, Better):
        return list(claim.pairs)
    if isinstance(claim, Diagnosed):
        return [(name, claim.setting) for name in claim.than]
    others = claim.among or tuple(setting.name for setting in settings)
    if isinstance(claim, Bargain):
        others = tuple(name for name in others if is_as_cheap(name, claim.setting, settings))
    return [(claim.setting, other) for other in others if other != claim.setting]


def is_as_cheap(name: str, than: str, settings: Sequence[SettingResult]) -> bool:
    """Tell whether a setting costs at most as much; a cost that is not known might."""
    known = {setting.name: setting for setting in settings}
    if name not in known or than not in known:
        return True
    return costs_at_most(cost_unit(settings), known[name], known[than])


def observe(pair: Pair, known: Mapping[str, SettingResult]) -> PairedDifference | None:
    """Return how the settings of a pair differ; None if that cannot be told."""
    if not known.keys() >= {*pair}:
        return None
    first, second = (known[name] for name in pair)
    return difference_over(common_seeds(first, second), first, second)


def p_of_claim(differences: Sequence[PairedDifference | None]) -> float | None:
    """Return the p-value of a claim; None if its differences cannot decide it."""
    found = [difference for difference in differences if difference]
    against = [p_within(one, len(differences)) for one in found if one.mean < 0]
    if against:
        return min(against)
    return max((one.p for one in found), default=None) if len(found) == len(differences) else None


def p_within(difference: PairedDifference, contrasts: int) -> float:
    """Return a contrast's p-value for a claim that is made of so many."""
    return min(1.0, difference.p * contrasts) if difference.mean < 0 else difference.p


def contrast(
    pair: Pair,
    found: PairedDifference | None,
    contrasts: int,
    other_claims: Sequence[float],
    known: Mapping[str, SettingResult],
) -> Contrast:
    """Say what one of a claim's contrasts comes to, beside the p-values of the other claims."""
    tested = known.keys() >= {*pair}
    seeds = common_seeds(known[pair[0]], known[pair[1]]) if tested else ()
    outcome: Outcome = "undecided" if tested else "untested"
    if found is None:
        return Contrast(*pair, seeds, None, None, outcome, None)
    adjusted_p = holm([p_within(found, contrasts), *other_claims])[0]
    if adjusted_p < SIGNIFICANCE_LEVEL:
        outcome = "holds" if found.mean > 0 else "does-not-hold"
        return Contrast(*pair, seeds, found, adjusted_p, outcome, None)
    tests = (1 + len(other_claims)) * (contrasts if found.mean < 0 else 1)
    needed = pairs_to_decide(found, alpha=SIGNIFICANCE_LEVEL / tests, limit=MOST_SEEDS)
    return Contrast(*pair, seeds, found, adjusted_p, outcome, needed)


def judge(
    claim: Claim, contrasts: Sequence[Contrast], known: Mapping[str, SettingResult]
) -> Verdict:
    """Put a claim's contrasts, and the diagnosis where it is about one, together."""
    outcomes = [found.outcome for found in contrasts]
    if not known.keys() >= {*settings_of(claim)}:
        outcomes.append("untested")
    diagnosis = None
    if isinstance(claim, Diagnosed) and claim.setting in known:
        diagnosis = known[claim.setting].diagnosis
        outcomes.append(judge_diagnosis(claim, diagnosis))
    outcome = all_of(outcomes)
    counts = [len(found.seeds) for found in contrasts] or [
        known[name].n for name in settings_of(claim) if name in known
    ]
    return Verdict(
        claim=claim,
        outcome=outcome,
        n=min(counts, default=0),
        contrasts=tuple(contrasts),
        seeds_needed=seeds_to_decide(contrasts) if outcome == "undecided" else None,
        diagnosis=diagnosis,
    )


def all_of(outcomes: Sequence[Outcome]) -> Outcome:
    """Return whether all of several things hold."""
    worst_first: tuple[Outcome, ...] = ("does-not-hold", "untested", "undecided")
    return next((outcome for outcome in worst_first if outcome in outcomes), "holds")


def judge_diagnosis(claim: Diagnosed, diagnosis: Diagnosis) -> Outcome:
    """Say whether a setting's learning curves show what is claimed."""
    if diagnosis.kind == "too-short":
        return "undecided"
    if diagnosis.kind != claim.diagnosis:
        return "does-not-hold"
    most_agree = 2 * diagnosis.evidence["seeds_agreeing"] > diagnosis.evidence["seeds"]
    return "holds" if diagnosis.rival or most_agree else "undecided"


def seeds_to_decide(contrasts: Sequence[Contrast]) -> int | None:
    """Return how many seeds would decide a claim: one contrast against it, or all for it."""
    undecided = [found for found in contrasts if found.outcome == "undecided"]
    against = [found for found in undecided if found.difference and found.difference.mean < 0]
    needed = [found.seeds_needed for found in against or undecided]
    counts = [count for count in needed if count is not None]
    if against:
        return min(counts, default=None)
    return max(counts, default=None) if len(counts) == len(needed) else None
