"""The tables of a study's report: rows of cells that are text, or a `Sentence` still to be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fittingroom.reports.charts.pareto import power_of_ten
from fittingroom.reports.formats import (
    DASH,
    MINUS,
    NOTHING,
    SMALLEST_P,
    count,
    duration,
    interval,
    percent,
    points,
    points_interval,
)
from fittingroom.reports.names import Listed
from fittingroom.reports.study_reasons import accuracy_of
from fittingroom.reports.texts import Sentence, say

if TYPE_CHECKING:
    from fittingroom.evaluation.significance import PairedDifference
    from fittingroom.studies.results import (
        Comparison,
        Contrast,
        Match,
        RecordedResult,
        SettingResult,
        StudyResults,
        Verdict,
    )

# A matrix of more settings does not fit beside their names on a sheet of A4.
MOST_IN_MATRIX = 16
MOST_BEATEN_BY = 2

RANKING_HEADS = (
    "setting",
    "n",
    "mean",
    "interval",
    "sd",
    "minimum",
    "maximum",
    "seconds",
    "diagnosis",
)
PAIR_HEADS = (
    "first",
    "second",
    "n",
    "difference",
    "interval",
    "effect",
    "p",
    "adjusted",
    "only",
    "images",
    "mcnemar",
)
RECORDED_HEADS = (
    "result",
    "setting",
    "mean",
    "prediction",
    "distance",
    "own",
    "accuracy-fits",
    "matrix-fits",
    "fits",
)
COST_HEADS = ("setting", "seconds", "mean", "on-front", "beaten")
CLAIM_HEADS = ("first", "second", "difference", "interval", "adjusted", "outcome")


def ranking_rows(results: StudyResults) -> list[list[Any]]:
    """Return a row for each setting, the best first; columns `RANKING_HEADS`."""
    return [
        [
            setting.label,
            count(setting.n),
            percent(setting.mean),
            interval(setting.interval),
            NOTHING if setting.sd is None else f"{100 * setting.sd:.2f}",
            percent(setting.minimum),
            percent(setting.maximum),
            duration(setting.seconds),
            say(f"study.diagnosis.short.{setting.diagnosis.kind}"),
        ]
        for setting in results.ranking
    ]


def kind_text(kind: str) -> Sentence:
    """Return a kind of diagnosis in words."""
    return say(f"study.diagnosis.{kind}")


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix of pairs: "higher", "lower", "open" (not decided) or "same"."""

    text: str
    kind: str


def pair_matrix(results: StudyResults) -> list[list[Cell]] | None:
    """Return row minus column for every pair in the ranking's order; None if it is too large."""
    ranked = results.ranking
    if not 2 <= len(ranked) <= MOST_IN_MATRIX:
        return None
    return [[pair_cell(row, column, results) for column in ranked] for row in ranked]


def pair_cell(row: SettingResult, column: SettingResult, results: StudyResults) -> Cell:
    """Return one cell of the matrix of pairs."""
    if row is column:
        return Cell("", "same")
    found = results.compare(row.name, column.name)
    if found.difference is None:
        return Cell(NOTHING, "open")
    mean = found.difference.mean
    kind = ("higher" if mean > 0 else "lower") if found.significant else "open"
    return Cell(points(mean), kind)


def pair_rows(results: StudyResults) -> list[list[Any]]:
    """Return a row for each pair; columns `PAIR_HEADS`."""
    labels = {setting.name: setting.label for setting in results.settings}
    return [
        [labels[pair.first], labels[pair.second], *over_seeds(pair), *on_pictures(pair)]
        for pair in results.comparisons
    ]


def over_seeds(pair: Comparison) -> list[str]:
    """Return seeds, difference, interval, effect, p and adjusted p."""
    found = pair.difference
    if found is None:
        return [count(len(pair.seeds)), *[NOTHING] * 5]
    effect = NOTHING if found.effect is None else f"{found.effect:.1f}".replace("-", MINUS)
    return [count(found.n), *in_points(found), effect, bare_p(found.p), bare_p(pair.adjusted_p)]


def in_points(found: PairedDifference | None) -> list[str]:
    """Return the mean of a difference and its interval, in percentage points."""
    if found is None:
        return [NOTHING, NOTHING]
    return [points(found.mean), points_interval((found.low, found.high))]


def on_pictures(pair: Comparison) -> list[str]:
    """Return the pictures that only one gets right, the bootstrap's interval, McNemar's p."""
    found = pair.images
    if found is None:
        return [NOTHING] * 3
    only = f"{count(found.only_first)} / {count(found.only_second)}"
    return [only, points_interval((found.low, found.high)), bare_p(pair.images_adjusted_p)]


def bare_p(p: float | None) -> str:
    """Write a p-value for a column of them: "0.012", "<0.001", a dash where there is none."""
    if p is None:
        return NOTHING
    if p < SMALLEST_P:
        return f"<{SMALLEST_P}"
    return f"{p:.2f}" if p >= 0.1 else f"{p:.3f}"


def claim_rows(verdict: Verdict, results: StudyResults) -> list[list[Any]]:
    """Return a row for each contrast of a claim; columns `CLAIM_HEADS`."""
    return [contrast_row(contrast, results) for contrast in verdict.contrasts]


def contrast_row(contrast: Contrast, results: StudyResults) -> list[Any]:
    """Return one contrast: both settings, difference, interval, adjusted p, outcome."""
    settings = (results.plan.setting(name).label for name in (contrast.better, contrast.worse))
    outcome = outcome_text(contrast.outcome)
    return [*settings, *in_points(contrast.difference), bare_p(contrast.adjusted_p), outcome]


def outcome_text(outcome: str) -> Sentence:
    """Return an outcome in words."""
    return say(f"study.claims.{'untested-outcome' if outcome == 'untested' else outcome}")


def recorded_groups(results: StudyResults) -> list[tuple[Sentence, list[list[Any]]]]:
    """Return each recorded result with a row for each of its settings; columns `RECORDED_HEADS`."""
    return [
        (recorded_text(result), [match_cells(match, results) for match in result.matches])
        for result in results.recorded
        if result.matches
    ]


def recorded_text(result: RecordedResult) -> Sentence:
    """Return a recorded result's label and accuracy."""
    recorded = result.recorded
    return say("study.recorded.named", label=recorded.label, accuracy=accuracy_of(recorded))


def match_cells(match: Match, results: StudyResults) -> list[Any]:
    """Return how a setting fits a recorded result."""
    own = match.own_distances
    return [
        results.plan.setting(match.setting).label,
        percent(match.mean),
        interval(match.prediction),
        NOTHING if match.distance is None else count(round(match.distance)),
        f"{count(round(min(own)))}{DASH}{count(round(max(own)))}" if own else NOTHING,
        yes_or_no(match.accuracy_fits),
        yes_or_no(match.matrix_fits),
        yes_or_no(match.fits),
    ]


def yes_or_no(answer: bool | None) -> Sentence | str:
    """Return an answer in words; a dash where there is none."""
    return NOTHING if answer is None else say(f"study.recorded.{'yes' if answer else 'no'}")


def cost_rows(results: StudyResults) -> list[list[Any]]:
    """Return a row for each setting, the cheapest first; FLOPs, where known, follow the name."""
    labels = {setting.name: setting.label for setting in results.settings}
    return [
        [
            labels[point.name],
            *([power_of_ten(point.cost)] if results.cost_unit == "FLOPs" else []),
            duration(point.seconds),
            percent(point.mean),
            say("study.cost.yes") if point.on_front else "",
            beaten_by([labels[name] for name in point.dominated_by]),
        ]
        for point in results.pareto
    ]


def beaten_by(labels: Sequence[Any]) -> Any:
    """Return the names of the settings that beat another, or their number if they are many."""
    if len(labels) > MOST_BEATEN_BY:
        return say("study.cost.others", count=count(len(labels)))
    return Listed(labels) if labels else ""
