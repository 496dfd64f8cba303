from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from matplotlib.figure import Figure

from fittingroom.errors import StudyError
from fittingroom.evaluation.evaluate import SKETCHES_NOTE
from fittingroom.studies.plan import StudyPlan
from fittingroom.studies.reading import plan_of
from fittingroom.studies.study import Study

RECORD: dict[str, Any] = {"data": {"name": "shapes", "sketches": False, "test": 1000}}
GOOD, BAD = (0.9, 0.91, 0.92), (0.8, 0.82, 0.81)


def parsed(html: str) -> ET.Element:
    """Read markup, which must be well-formed."""
    return ET.fromstring(f"<div>{html}</div>")  # noqa: S314 - our own


def root(study: Study) -> ET.Element:
    return parsed(study._repr_html_())


def rows(study: Study) -> list[list[str]]:
    return [["".join(cell.itertext()) for cell in row] for row in root(study).iter("tr")]


def words(study: Study) -> str:
    return " ".join(root(study).itertext())


def test_settings_are_ranked_with_their_numbers(plan: StudyPlan, plant_runs: Any) -> None:
    study = Study(plan, plant_runs(plan, {"bad": BAD, "good": GOOD}), RECORD)
    heads, first, second = rows(study)
    assert heads[:4] == ["setting", "n", "mean", "95% interval"]
    # 91 +- 4.3027 / sqrt(3), Student's t with 2 degrees of freedom.
    assert first[:7] == ["good", "3", "91.00%", "88.52-93.48%", "1.00", "90.00%", "92.00%"]
    assert second[:3] == ["bad", "3", "81.00%"]
    assert "6 of 6 runs finished" in words(study)
    assert "no result" not in words(study)


def test_what_is_missing_is_said(plan: StudyPlan, plant_runs: Any) -> None:
    runs = plant_runs(plan, {"good": (0.9, None, None), "bad": (None, None, None)})
    failures = {("bad", 1): "diverged"}
    study = Study(plan, runs, RECORD, failures=failures, problems=["one is <damaged>"])
    assert rows(study)[1][:5] == ["good", "1", "90.00%", "\N{EN DASH}", "\N{EN DASH}"]
    said = words(study)
    assert "no result: good, seed 1, 2" in said
    assert "no result: bad, seed 0, 1 (diverged), 2" in said
    assert "left out: one is <damaged>" in said


def test_a_study_without_any_run_says_so(plan: StudyPlan) -> None:
    study = Study(plan, {}, RECORD)
    assert "0 of 6 runs finished" in words(study)
    assert "no run of this study is finished yet" in words(study)
    with pytest.raises(StudyError, match="no run"):
        study.plot()


def test_each_claim_has_its_verdict(plant_runs: Any) -> None:
    claims = [
        {"id": "a", "kind": "better", "pairs": [["good", "bad"]], "text": "good <is> better"},
        {"id": "b", "kind": "better", "pairs": [["bad", "good"]], "text": "bad is better"},
        {"id": "c", "kind": "better", "pairs": [["good", "same"]], "text": "good beats same"},
    ]
    settings = {"good": {"lr": 0.001}, "bad": {"lr": 0.01}, "same": {"lr": 0.002}}
    plan = plan_of({"seeds": 3, "settings": settings, "claims": claims})
    study = Study(
        plan, plant_runs(plan, {"good": GOOD, "bad": BAD, "same": (0.89, 0.92, 0.91)}), RECORD
    )
    found = {row[0]: row[1:] for row in rows(study) if len(row) == 3}
    assert found["claim"] == ["verdict", "seeds"]
    assert found["good <is> better"] == ["holds", "3"]
    assert found["bad is better"] == ["does not hold", "3"]
    verdict, seeds = found["good beats same"]
    needed = study.results.verdicts[2].seeds_needed
    assert needed
    assert verdict == f"undecided; about {needed:,} seeds would decide it"
    assert seeds == "3"


def test_sketches_are_called_that_first_and_titles_are_text(
    plan: StudyPlan, plant_runs: Any
) -> None:
    hostile = plan_of(
        {"seeds": 1, "title": "<script>1</script>", "settings": {"<b>&": {"lr": 0.01}}}
    )
    record = {"data": RECORD["data"] | {"sketches": True}}
    study = Study(hostile, plant_runs(hostile, {"<b>&": (0.5,)}), record)
    assert words(study).startswith(SKETCHES_NOTE)
    assert "<script>1</script>" in words(study)
    assert rows(study)[1][0] == "<b>&"
    assert "<script" not in study._repr_html_()


def test_drawn_it_is_the_ranking(plan: StudyPlan, plant_runs: Any) -> None:
    figure = Study(plan, plant_runs(plan, {"bad": BAD, "good": GOOD}), RECORD).plot()
    assert isinstance(figure, Figure)
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["good", "bad"]
    assert "shapes, test set, 1,000 pictures" in figure.texts[1].get_text()
