from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from fittingroom.studies.claims import Verdict, judge_claims
from fittingroom.studies.plan import Claim
from fittingroom.studies.reading import read_plan
from fittingroom.studies.setting_result import SettingResult
from fittingroom.training.diagnosis import Diagnosis

HIGH = (0.891, 0.888, 0.893, 0.890, 0.887)
LOW = (0.871, 0.867, 0.874, 0.869, 0.868)
LIKE_LOW = (0.870, 0.869, 0.872, 0.871, 0.866)


def claim(kind: str, **fields: Any) -> Claim:
    read: Claim = TypeAdapter(Claim).validate_python(
        {"kind": kind, "id": fields.pop("id", "it"), "text": "it is so", **fields}
    )
    return read


def verdict(settings: list[SettingResult], kind: str, **fields: Any) -> Verdict:
    (found,) = judge_claims([claim(kind, **fields)], settings)
    json.dumps(found.to_dict(), allow_nan=False)
    return found


@pytest.fixture
def three(plant: Any) -> list[SettingResult]:
    return [plant("high", HIGH), plant("low", LOW), plant("like", LIKE_LOW)]


@pytest.mark.parametrize(
    ("pairs", "outcome"),
    [
        ([("high", "low")], "holds"),
        ([("high", "low"), ("high", "like")], "holds"),
        ([("low", "high")], "does-not-hold"),
        ([("low", "like")], "undecided"),
        ([("high", "low"), ("low", "like")], "undecided"),
        ([("high", "low"), ("low", "high")], "does-not-hold"),
    ],
)
def test_better_needs_every_pair(
    three: list[SettingResult], pairs: list[tuple[str, str]], outcome: str
) -> None:
    found = verdict(three, "better", pairs=pairs)
    assert found.outcome == outcome
    assert found.n == 5
    assert [(c.better, c.worse) for c in found.contrasts] == pairs


def test_best_is_held_against_every_other_setting(three: list[SettingResult]) -> None:
    found = verdict(three, "best", setting="high")
    assert found.outcome == "holds"
    assert [c.worse for c in found.contrasts] == ["low", "like"]
    assert verdict(three, "best", setting="low").outcome == "does-not-hold"
    among = verdict(three, "best", setting="low", among=["like"])
    assert among.outcome == "undecided"


def test_the_differences_are_those_of_scipy(three: list[SettingResult]) -> None:
    (contrast,) = verdict(three, "better", pairs=[("low", "like")]).contrasts
    test = stats.ttest_rel(LOW, LIKE_LOW)
    assert contrast.difference is not None
    assert contrast.difference.p == pytest.approx(test.pvalue)
    assert contrast.adjusted_p == pytest.approx(test.pvalue)


def test_claims_are_adjusted_together_as_statsmodels_does(plant: Any) -> None:
    rng = np.random.default_rng(3)
    base = rng.normal(0.88, 0.002, 5)
    scores = {f"s{i}": base + 0.0015 * i + rng.normal(0, 0.002, 5) for i in range(6)}
    settings = [plant("base", base), *(plant(name, s) for name, s in scores.items())]
    claims = [claim("better", id=name, pairs=[(name, "base")]) for name in scores]
    tests = [stats.ttest_rel(s, base) for s in scores.values()]
    adjusted = multipletests([test.pvalue for test in tests], method="holm")[1]
    found = judge_claims(claims, settings)
    assert [v.contrasts[0].adjusted_p for v in found] == pytest.approx(adjusted)


def test_evidence_against_one_of_several_contrasts_has_to_be_stronger(plant: Any) -> None:
    # The same pair alone and as one of three, the others clearly in favour.
    up = np.add(LOW, (0.004, 0.001, 0.006, 0.001, 0.004))
    settings = [plant("low", LOW), plant("up", up), plant("a", [0.5] * 5), plant("b", [0.4] * 5)]
    alone = verdict(settings, "best", setting="low", among=["up"])
    among = verdict(settings, "best", setting="low", among=["up", "a", "b"])
    p = stats.ttest_rel(LOW, up).pvalue
    assert alone.contrasts[0].adjusted_p == pytest.approx(p)
    assert among.contrasts[0].adjusted_p == pytest.approx(3 * p)
    assert p < 0.05 < 3 * p
    assert (alone.outcome, among.outcome) == ("does-not-hold", "undecided")


def test_a_claim_holds_no_less_for_having_several_contrasts(three: list[SettingResult]) -> None:
    found = verdict(three, "best", setting="high")
    p_values = [stats.ttest_rel(HIGH, other).pvalue for other in (LOW, LIKE_LOW)]
    assert [c.adjusted_p for c in found.contrasts] == pytest.approx(p_values)


def test_false_verdicts_on_equal_settings_are_as_rare_as_promised(
    plant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fittingroom.studies.claims.pairs_to_decide", lambda *_, **__: None)
    # Six claims about settings that are all the same: in at most 5% of studies is any decided.
    rng = np.random.default_rng(0)
    names = ["a", "b", "c", "d"]
    claims = [
        claim("better", id="1", pairs=[("a", "b")]),
        claim("better", id="2", pairs=[("c", "d"), ("a", "d")]),
        *(claim("best", id=name, setting=name) for name in names),
    ]
    wrong = 0
    for _ in range(400):
        settings = [plant(name, rng.normal(0.88, 0.003, 5)) for name in names]
        wrong += any(v.outcome != "undecided" for v in judge_claims(claims, settings))
    assert stats.binomtest(wrong, 400, 0.05, alternative="greater").pvalue > 0.001


@pytest.mark.parametrize(
    ("kind", "rival", "agreeing", "setting", "outcome"),
    [
        ("overshooting", None, 5, "low", "holds"),
        ("overshooting", None, 2, "low", "undecided"),
        ("overshooting", "high", 0, "low", "holds"),
        ("overshooting", None, 5, "like", "undecided"),
        ("fine", None, 5, "low", "does-not-hold"),
        ("too-short", None, 5, "low", "undecided"),
        ("overshooting", None, 5, "best", "does-not-hold"),
    ],
)
def test_a_diagnosis_holds_if_the_curves_show_it_and_the_accuracy_is_lower(
    plant: Any, kind: Any, rival: str | None, agreeing: int, setting: str, outcome: str
) -> None:
    diagnosis = Diagnosis(kind, {"seeds": 5.0, "seeds_agreeing": agreeing}, rival)
    accuracies = {"low": LOW, "like": np.add(HIGH, (0.001, -0.001, 0.002, -0.002, 0))}
    own = accuracies.get(setting, np.add(HIGH, (0.021, 0.02, 0.019, 0.02, 0.02)))
    settings = [plant("high", HIGH), plant(setting, own, diagnosis=diagnosis)]
    found = verdict(settings, "diagnosed", setting=setting, diagnosis="overshooting", than=["high"])
    assert found.outcome == outcome
    assert found.diagnosis is diagnosis


def test_a_bargain_is_held_against_what_costs_at_most_as_much(plant: Any) -> None:
    settings = [
        plant("cheap", LOW, multiply_adds=50),
        plant("same", LIKE_LOW, multiply_adds=100),
        plant("it", HIGH, multiply_adds=100),
        plant("dear", np.array(HIGH) + 0.05, multiply_adds=101),
    ]
    found = verdict(settings, "bargain", setting="it")
    assert [c.worse for c in found.contrasts] == ["cheap", "same"]
    assert found.outcome == "holds"
    assert verdict(settings, "bargain", setting="same").outcome == "does-not-hold"
    assert verdict(settings, "bargain", setting="same", among=["cheap"]).outcome == "undecided"
    cheapest = verdict(settings, "bargain", setting="cheap")
    assert (cheapest.outcome, cheapest.contrasts, cheapest.n) == ("holds", (), 5)


def test_with_one_seed_nothing_is_decided(plant: Any) -> None:
    settings = [plant("a", [0.9]), plant("b", [0.5])]
    for fields in ({"kind": "better", "pairs": [("a", "b")]}, {"kind": "best", "setting": "a"}):
        found = verdict(settings, **fields)
        assert (found.outcome, found.n, found.seeds_needed) == ("undecided", 1, None)
        assert found.contrasts[0].difference is None


def test_a_setting_without_runs_leaves_a_claim_untested(plant: Any) -> None:
    settings = [plant("a", HIGH), plant("b", LOW)]
    one = verdict(settings, "better", pairs=[("a", "b"), ("a", "gone")])
    assert (one.outcome, one.n) == ("untested", 0)
    assert [c.outcome for c in one.contrasts] == ["holds", "untested"]
    other = verdict(settings, "better", pairs=[("b", "a"), ("a", "gone")])
    assert other.outcome == "does-not-hold"
    for kind in ("best", "bargain"):
        assert verdict(settings, kind, setting="gone").outcome == "untested"
    fields = {"setting": "gone", "diagnosis": "fine"}
    assert verdict(settings, "diagnosed", **fields).outcome == "untested"


def test_the_seeds_needed_are_those_of_statsmodels(three: list[SettingResult]) -> None:
    found = verdict(three, "better", pairs=[("like", "low")])
    differences = np.subtract(LIKE_LOW, LOW)
    size = abs(differences.mean()) / differences.std(ddof=1)
    assert differences.mean() < 0
    n = TTestPower().solve_power(size, power=0.8, alpha=0.05, alternative="two-sided")
    assert found.seeds_needed == found.contrasts[0].seeds_needed == int(np.ceil(n))


def test_more_seeds_are_needed_than_there_were(plant: Any) -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        settings = [plant(name, rng.normal(0.88, 0.003, 5)) for name in "abc"]
        found = verdict(settings, "best", setting="a")
        if found.outcome == "undecided" and found.seeds_needed:
            assert found.seeds_needed > 5


def test_one_contrast_against_a_claim_would_decide_it(three: list[SettingResult]) -> None:
    against = verdict(three, "better", pairs=[("low", "high"), ("like", "low")])
    assert against.outcome == "does-not-hold"
    assert against.seeds_needed is None
    both = verdict(three, "better", pairs=[("low", "like"), ("like", "low")])
    one, other = both.contrasts
    assert both.outcome == "undecided"
    assert both.seeds_needed == other.seeds_needed
    assert one.difference is not None
    assert one.difference.mean > 0


def test_a_claim_about_a_setting_and_itself_stays_open(three: list[SettingResult]) -> None:
    assert verdict(three, "better", pairs=[("low", "low")]).outcome == "undecided"
    assert verdict(three, "best", setting="low", among=["low", "like"]).outcome == "undecided"


def test_the_claims_of_the_notebook_speak_both_languages() -> None:
    plan = read_plan("notebook")
    for text in (plan.title, plan.about, *(c.text for c in plan.claims)):
        assert text is not None
        assert text.en.isascii()
        assert any("가" <= letter <= "힣" for letter in text.ko)
    assert {c.kind for c in plan.claims} == {"better", "best", "diagnosed", "bargain"}
