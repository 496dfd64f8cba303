from __future__ import annotations

from pathlib import Path

import pytest
from tests.reports.planting_tuning import plant_tuning, small_plan, trial_at

from fittingroom.reports.texts import Texts
from fittingroom.reports.tuning_final import Final, final_of, lack_of_final
from fittingroom.runs import folder as files
from fittingroom.tuning.tuning import Tuning, open_tuning, write_trials

PLAN = small_plan()
TRIALS = [
    trial_at(PLAN, n, lr=lr, accuracy=a) for n, (lr, a) in enumerate([(8e-4, 0.88), (2e-3, 0.9)])
]
LOW, HIGH = (0.880, 0.882, 0.881), (0.890, 0.893, 0.891)


def final(folder: Path, start: tuple[float, ...], best: tuple[float, ...]) -> Final:
    plan = small_plan(final_seeds=len(start))
    tuning = plant_tuning(folder / "t", TRIALS, plan, final={"start": start, "best": best})
    found = final_of(tuning)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("start", "best", "kind"),
    [
        (LOW, HIGH, "better"),
        (HIGH, LOW, "worse"),
        (LOW, (0.880, 0.890, 0.879), "undecided"),
        (LOW[:1], HIGH[:1], "one-seed"),
    ],
)
def test_the_winner_is_called_better_only_where_the_test_says_so(
    tmp_path: Path, start: tuple[float, ...], best: tuple[float, ...], kind: str
) -> None:
    (sentence,) = final(tmp_path, start, best).verdict
    assert sentence.key == f"tuning.conclusions.{kind}"


def test_the_difference_is_the_winner_minus_the_start_with_student_s_interval(
    tmp_path: Path,
) -> None:
    # Differences of 1.0, 1.1 and 1.0 points: mean 1.033, sd 0.0577, t with 2 degrees 4.3027.
    words = " ".join(map(Texts().plain, final(tmp_path, LOW, HIGH).against))
    assert "+1.03 percentage points" in words
    assert "+0.89…+1.18" in words
    assert "p = 0.001" in words


def test_where_the_start_has_won_there_is_nothing_to_compare(tmp_path: Path) -> None:
    start = trial_at(PLAN, 0, lr=8e-4, accuracy=0.9)
    found = final_of(plant_tuning(tmp_path / "t", [start], PLAN, final={"start": HIGH}))
    assert found is not None
    assert found.start is None
    assert found.best.accuracies == HIGH
    assert (found.against, found.verdict) == ([], [])


def test_the_final_of_an_earlier_winner_is_not_shown_as_this_one_s(tmp_path: Path) -> None:
    tuning = plant_tuning(tmp_path / "t", TRIALS, PLAN, final={"start": LOW, "best": HIGH})
    later: Tuning = open_tuning(tuning.folder)
    write_trials(
        later.folder / "trials.jsonl", [*TRIALS, trial_at(PLAN, 2, lr=3e-3, accuracy=0.95)]
    )
    assert final_of(tuning) is not None
    assert final_of(open_tuning(tuning.folder)) is None
    assert lack_of_final(open_tuning(tuning.folder)) == "stale"


def test_a_winner_without_a_result_in_its_final_is_called_that(tmp_path: Path) -> None:
    plan = small_plan(final_seeds=1)
    tuning = plant_tuning(tmp_path / "t", TRIALS, plan, final={"start": LOW[:1], "best": HIGH[:1]})
    assert lack_of_final(plant_tuning(tmp_path / "u", TRIALS, plan)) == "unopened"
    (run,) = (tuning.folder / "final" / "runs").glob("best-*/run.json")
    record = files.read_record(run.parent)
    failed = {"status": "failed", "error": "the loss became nan", "error_type": "DivergenceError"}
    files.write_record(run, record | failed)
    diverged = open_tuning(tuning.folder)
    assert final_of(diverged) is None
    assert lack_of_final(diverged) == "failed"
