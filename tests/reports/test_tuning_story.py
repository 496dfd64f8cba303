from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.reports.planting_tuning import plant_tuning, searched, small_plan, trial_at

from fittingroom.reports.texts import Sentence, Texts
from fittingroom.reports.tuning_final import final_of
from fittingroom.reports.tuning_story import what_to_mind, what_was_done
from fittingroom.tuning.tuning import Tuning

PLAN = small_plan()


def keys(sentences: list[Sentence]) -> set[str]:
    return {sentence.key.rpartition(".")[2] for sentence in sentences}


def cautions(tuning: Tuning) -> set[str]:
    return keys(what_to_mind(tuning, final_of(tuning)))


def test_trials_and_epochs_are_counted(tmp_path: Path) -> None:
    trials = [
        trial_at(PLAN, 0, lr=0.001, accuracy=0.9),
        trial_at(PLAN, 1, "pruned", lr=0.002, accuracy=0.5, curve=(0.5,), epochs=1),
        trial_at(PLAN, 2, "failed", lr=0.09, epochs=1),
    ]
    tuning = plant_tuning(tmp_path / "t", trials, PLAN)
    told = " ".join(map(Texts().plain, what_was_done(tuning, None)))
    assert "1 parameter was varied in 3 trials: 1 complete, 1 pruned, 1 failed." in told
    # Trained 6 + 1 + 1; the pruned one of 6 epochs left out 5.
    assert "8 epochs were trained" in told
    assert "saved 5 epochs, 38% of" in told
    assert "the test set has not been opened" in told


@pytest.mark.parametrize(
    ("fields", "key"), [({}, "final-unopened"), ({"final_seeds": 0}, "never-final")]
)
def test_without_a_final_the_reason_is_said(
    tmp_path: Path, fields: dict[str, Any], key: str
) -> None:
    tuning = plant_tuning(tmp_path / "t", [], small_plan(**fields))
    assert key in keys(what_was_done(tuning, None))
    assert "unopened" in cautions(tuning)


def test_an_accuracy_that_was_chosen_by_is_called_flattering(tmp_path: Path) -> None:
    tuning = plant_tuning(tmp_path / "t", searched(PLAN, 20), PLAN, sketches=True)
    assert {"optimistic", "sketches", "one-seed", "one-set"} <= cautions(tuning)
    assert "few-trials" not in cautions(tuning)


def test_a_winner_at_the_end_of_its_range_is_noted(tmp_path: Path) -> None:
    for place, (lr, noted) in enumerate([(1e-4, True), (0.003, False), (0.099, True)]):
        trials = [trial_at(PLAN, 0, lr=lr, accuracy=0.9)]
        tuning = plant_tuning(tmp_path / str(place), trials, PLAN)
        assert ("edge" in cautions(tuning)) == noted


def test_a_test_set_that_was_opened_for_several_winners_is_no_secret(tmp_path: Path) -> None:
    trials = [trial_at(PLAN, 0, lr=0.002, accuracy=0.9)]
    scores = {"start": (0.8, 0.8, 0.81), "best": (0.9, 0.9, 0.91)}
    tuning = plant_tuning(tmp_path / "t", trials, PLAN, final=scores)
    assert "opened" in cautions(tuning)
    tuning.record["openings"] = [{"folder": "final-1"}, {"folder": "final"}]
    (told,) = [s for s in what_to_mind(tuning, final_of(tuning)) if s.key.endswith("opened-again")]
    assert (told.params["count"], told.params["folders"]) == ("2", "final-1/")
