"""What Jupyter shows of a study."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from fittingroom.data.display import headline, line, table, warning
from fittingroom.errors import FittingroomError
from fittingroom.evaluation.evaluate import SKETCHES_NOTE
from fittingroom.evaluation.summary import percent_interval

if TYPE_CHECKING:
    from fittingroom.studies.claims import Verdict
    from fittingroom.studies.results import SettingResult, StudyResults
    from fittingroom.studies.study import Study

NOTHING = "\N{EN DASH}"
RANKING_HEADS = ("setting", "n", "mean", "95% interval", "sd", "lowest", "highest", "seconds")


def show_study(study: Study) -> str:
    """Return the ranking of the settings, the verdicts on the claims, and what is missing."""
    data, done = study.record["data"], len(study.runs)
    said = [warning(SKETCHES_NOTE)] if data["sketches"] else []
    said += [
        headline(study.title.en, f"{done:,} of {len(study.plan.wanted):,} runs finished"),
        line(f"{data['name']}, test set, {data['test']:,} pictures"),
    ]
    try:
        results = study.results
        said += [ranking_table(results), verdict_table(results), missing_lines(study, results)]
    except FittingroomError as error:
        said.append(warning(str(error)))
    return "".join(said)


def ranking_table(results: StudyResults) -> str:
    """Return the settings by mean accuracy, the best first."""
    rows = [ranking_cells(result) for result in results.ranking]
    return table("Test accuracy", RANKING_HEADS, rows)


def ranking_cells(result: SettingResult, language: str = "en", nothing: str = NOTHING) -> list[str]:
    """Return one setting's numbers, as `RANKING_HEADS` names them.

    The standard deviation is in percentage points; `nothing` stands for what one run has not.
    """
    return [
        result.label.of(language),
        str(result.n),
        f"{result.mean:.2%}",
        percent_interval(result.interval) if result.interval else nothing,
        nothing if result.sd is None else f"{100 * result.sd:.2f}",
        f"{result.minimum:.2%}",
        f"{result.maximum:.2%}",
        f"{result.seconds:.1f}",
    ]


def verdict_table(results: StudyResults) -> str:
    """Return what the study says about each claim; nothing where there is none."""
    rows = [
        [verdict.claim.text.en, outcome_of(verdict), str(verdict.n)] for verdict in results.verdicts
    ]
    return table("Claims", ["claim", "verdict", "seeds"], rows, words=2) if rows else ""


def outcome_of(verdict: Verdict) -> str:
    """Return a verdict in words."""
    words = verdict.outcome.replace("-", " ")
    if verdict.seeds_needed is None:
        return words
    return f"{words}; about {verdict.seeds_needed:,} seeds would decide it"


def missing_lines(study: Study, results: StudyResults) -> str:
    """Say which runs have no result, a line for each setting, and what is known of the reasons."""
    seeds = defaultdict(list)
    for name, seed in results.missing:
        diverged = " (diverged)" if (name, seed) in study.failures else ""
        seeds[name].append(f"{seed}{diverged}")
    missing = [f"no result: {name}, seed {', '.join(which)}" for name, which in seeds.items()]
    return "".join(map(warning, [*missing, *(f"left out: {why}" for why in results.problems)]))
