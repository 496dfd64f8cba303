"""A whole tuning: chosen on validation pictures, judged once, the same each time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import shape_pictures
from tests.tuning.conftest import SMALL

import fittingroom as fr
from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.errors import FittingroomError, TuningError
from fittingroom.runs.folder import write_record
from fittingroom.tuning import conduct
from fittingroom.tuning.plan import plan_of
from fittingroom.tuning.record import is_searched
from fittingroom.tuning.tuning import TRIALS, Tuning, read_record

pytestmark = pytest.mark.usefixtures("isolated")


def shape_splits() -> DataSplits:
    """As the fixture `shapes`, for a tuning that several tests look at."""
    learning, test = shape_pictures(240, seed=0), shape_pictures(80, seed=1)
    return DataSplits("shapes", "made for a test", learning, test).with_validation(40)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Tuning:
    """A finished tuning from a start that leaves room."""
    folder = tmp_path_factory.mktemp("done")
    how = SMALL | {"final_seeds": 3}
    return fr.tune("two-layer", shape_splits(), lr=2e-4, seeds=2, trials=12, out=folder, **how)


def results(tuning: Tuning) -> list[Any]:
    """Return what must not depend on when or where trials are done."""
    return [(t.state, dict(t.values), t.accuracies, t.curve) for t in tuning.trials]


def test_the_winner_is_no_worse_than_the_start_which_is_tried_first(done: Tuning) -> None:
    first = done.trials[0]
    assert first.recipe == done.plan.start
    assert done.best is not None
    assert done.best.accuracy == max(trial.accuracy or 0 for trial in done.complete)
    assert done.best.accuracy >= (first.accuracy or 0)
    assert len(done.trials) == 12


def test_an_accuracy_is_what_training_alone_comes_to(done: Tuning, shapes: DataSplits) -> None:
    assert done.best is not None
    for seed, accuracy in enumerate(done.best.accuracies):
        run = fr.train(done.best.recipe.but(seed=seed), shapes, figures=False)
        assert run.record["results"]["validation"]["accuracy"] == accuracy
        assert run.history[-1].validation_accuracy == accuracy


def test_winner_and_start_are_compared_over_fresh_seeds(done: Tuning) -> None:
    assert done.final is not None
    assert done.final.plan.seeds == (4, 5, 6)
    assert {setting.name for setting in done.final.plan.settings} == {"start", "best"}
    assert done.final.plan.setting("start").recipe == done.plan.start
    assert done.final.plan.setting("best").recipe == done.best.recipe  # type: ignore[union-attr]
    (verdict,) = done.final.results.verdicts
    assert verdict.claim.id == "best-beats-start"
    (opening,) = done.record["openings"]
    assert (opening["winner"], opening["trials"]) == (done.best.number, 12)  # type: ignore[union-attr]


def test_a_tuning_is_read_back_as_it_was(done: Tuning) -> None:
    again = fr.open_tuning(done.folder)
    assert again.trials == done.trials
    assert again.plan == done.plan
    assert again.best == done.best
    assert again.data(shape_splits()).fingerprint == shape_splits().fingerprint


def test_the_same_command_does_nothing_again(
    done: Tuning, shapes: DataSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.stat().st_mtime_ns for path in done.folder.rglob("run.json")}
    record = (done.folder / "tuning.json").read_bytes()
    monkeypatch.setattr(conduct, "open_storage", None)  # not even opened
    how = SMALL | {"final_seeds": 3}
    again = fr.tune("two-layer", shapes, lr=2e-4, seeds=2, trials=12, out=done.folder.parent, **how)
    assert again.trials == done.trials
    assert {path: path.stat().st_mtime_ns for path in done.folder.rglob("run.json")} == before
    assert (done.folder / "tuning.json").read_bytes() == record


def test_one_process_does_the_same_trials_each_time(done: Tuning, shapes: DataSplits) -> None:
    how = SMALL | {"final_seeds": 0}
    again = fr.tune("two-layer", shapes, lr=2e-4, seeds=2, trials=12, **how)
    assert results(again) == results(done)
    other = fr.tune(
        "two-layer", shapes, lr=2e-4, seeds=2, trials=3, sampler_seed=1, name="other", **how
    )
    assert results(other)[0] == results(done)[0]
    assert results(other)[1:] != results(done)[1:3]


def test_a_larger_budget_goes_on_where_a_smaller_one_ended(
    done: Tuning, shapes: DataSplits
) -> None:
    how = SMALL | {"final_seeds": 0}
    for trials in (5, 12):
        tuning = fr.tune("two-layer", shapes, lr=2e-4, seeds=2, trials=trials, **how)
        assert len(tuning.trials) == trials
    assert results(tuning) == results(done)


def test_no_trial_looks_at_the_test_pictures(done: Tuning, monkeypatch: pytest.MonkeyPatch) -> None:
    splits = shape_splits()
    other = ImageDataset(splits.test.images[::-1].copy(), 3 - splits.test.labels, splits.classes)
    planted = replace(splits, test=other)
    opened = []
    monkeypatch.setattr(conduct, "compare", lambda tuning, *_, **__: opened.append(tuning))

    class Closed(np.ndarray[Any, Any]):
        """Pictures that complain when they are looked at."""

        def __array_finalize__(self, obj: object) -> None:
            if obj is not None and np.size(self) > 0 and type(obj) is Closed:
                raise AssertionError("the test set was opened")

    assert planted.fingerprint != splits.fingerprint  # computed before the pictures are closed
    vars(planted.test)["images"] = planted.test.images.view(Closed)
    tuning = fr.tune("two-layer", planted, lr=2e-4, seeds=2, trials=12, **SMALL)
    assert results(tuning) == results(done)
    assert len(opened) == 1


def test_another_winner_is_judged_anew_and_the_record_says_what_was_seen(
    shapes: DataSplits,
) -> None:
    how = SMALL | {"vary": {"lr": "1e-4..1e-1:log"}, "lr": 2e-4, "batch_size": 16}
    first = fr.tune("two-layer", shapes, trials=1, **how)
    assert first.final is not None
    assert [setting.name for setting in first.final.plan.settings] == ["start"]
    second = fr.tune("two-layer", shapes, trials=8, **how)
    assert second.best is not None
    assert second.best.number > 0
    before, now = second.record["openings"]
    assert (before["winner"], before["trials"], before["folder"]) == (0, 1, "final-1")
    assert (now["winner"], now["trials"], now["folder"]) == (second.best.number, 8, "final")
    assert fr.open_study(second.folder / "final-1").finished
    assert second.final is not None
    assert second.final.plan.setting("best").recipe == second.best.recipe


def test_more_final_seeds_judge_the_same_winner_further(shapes: DataSplits) -> None:
    how = SMALL | {"vary": {"lr": [0.001, 0.01]}}
    closed = fr.tune("two-layer", shapes, **how | {"final_seeds": 0})
    assert closed.final is None
    assert "openings" not in closed.record
    for seeds in (1, 2):
        tuning = fr.tune("two-layer", shapes, **how | {"final_seeds": seeds})
        assert tuning.final is not None
        assert tuning.final.plan.seeds == tuple(range(3, seeds + 3))
    assert [opening["seeds"] for opening in tuning.record["openings"]] == [[3], [3, 4]]


def test_networks_that_cannot_be_stacked_are_trained_seed_after_seed(shapes: DataSplits) -> None:
    how = SMALL | {"vary": {"shift": [0, 1]}, "final_seeds": 0}
    tuning = fr.tune("two-layer", shapes, seeds=2, **how)
    moved = next(trial for trial in tuning.trials if trial.values["shift"] == 1)
    assert len(moved.accuracies) == 2
    assert (moved.epochs, len(moved.curve)) == (6, 3)
    assert moved.accuracy == pytest.approx(np.mean(moved.accuracies))
    assert moved.curve[-1] == pytest.approx(moved.accuracy)


def test_two_objectives_have_a_front_that_a_study_takes(shapes: DataSplits) -> None:
    how = SMALL | {"vary": {"epochs": [1, 3], "batch_size": [16, 64]}, "lr": 0.01}
    tuning = fr.tune("two-layer", shapes, objective="accuracy-seconds", **how)
    assert {trial.state for trial in tuning.trials} == {"complete"}
    for trial in tuning.front:
        for other in tuning.trials:
            faster = (other.seconds or 0) < (trial.seconds or 0)
            assert not (faster and (other.accuracy or 0) >= (trial.accuracy or 0))
    assert tuning.best is not None
    assert tuning.front[-1].accuracy == tuning.best.accuracy
    study = fr.study(tuning.folder / "front.toml", shapes, seeds=1, jobs=1)
    recipes = [setting.recipe for setting in study.plan.settings]
    assert recipes == [trial.recipe for trial in tuning.front]


def test_a_budget_that_was_used_up_is_known_by_trials_and_by_time(shapes: DataSplits) -> None:
    how = SMALL | {"vary": {"lr": "1e-4..1e-1:log"}, "final_seeds": 0}
    folder = fr.tune("two-layer", shapes, trials=2, seconds=3600.0, **how).folder
    record = read_record(folder)
    assert record["ended"] == {"trials": 2, "seconds": None}

    def is_done(**budget: Any) -> bool:
        return is_searched(folder, plan_of("two-layer", how["vary"], **budget))

    assert is_done(trials=2)
    assert is_done(trials=1, seconds=9.0)
    assert not is_done(trials=3)
    assert not is_done(seconds=1.0)
    write_record(folder / "tuning.json", record | {"ended": {"trials": 2, "seconds": 5.0}})
    assert is_done(seconds=5.0)
    assert is_done(trials=3, seconds=4.0)
    assert not is_done(seconds=6.0)


def test_time_that_is_too_short_for_any_trial_is_one_line(shapes: DataSplits) -> None:
    with pytest.raises(TuningError, match="time was up before the first trial came to its end"):
        fr.tune("two-layer", shapes, seconds=1e-6, **SMALL)


def test_a_winner_trains_by_its_file(done: Tuning, shapes: DataSplits) -> None:
    assert done.best is not None
    recipe = fr.recipe(done.folder / "best.toml")
    assert recipe == done.best.recipe
    assert fr.train(recipe, shapes, figures=False).status == "finished"


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ({"validation_size": 0}, "validation_size must be greater than 0"),
        ({"protocol": "notebook"}, "tuning would choose on the test set"),
        ({"vary": {"batch_size": [16, 999]}}, "vary batch_size: batch_size must be at most the"),
        ({"vary": {"hidden": [[8], [8, 8]]}}, "two-layer"),
        ({"vary": {"hidden": [[8], "wide"]}}, "two-layer"),
        ({"vary": {"shift": "0..9"}}, "vary shift: shift must be less than the pictures' 8 pixels"),
        ({"jobs": 0}, "jobs must be 1 or more, found 0"),
        ({"threads": 0}, "threads must be 1 or more, found 0"),
        ({"device": "toaster"}, "unknown device 'toaster'"),
        ({"data": "nowhere"}, "nowhere"),
    ],
)
def test_what_cannot_be_tuned_is_one_line_before_anything_is_written(
    how: dict[str, Any], complaint: str, shapes: DataSplits
) -> None:
    with pytest.raises(FittingroomError) as caught:
        fr.tune("two-layer", **{"data": shapes, **SMALL, **how})
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not Path("tunings").exists()


def test_data_too_few_to_hold_any_back_are_refused() -> None:
    few = shape_pictures(8, seed=0)
    splits = DataSplits("few", "made for a test", few, few)
    with pytest.raises(TuningError, match="no validation pictures to choose on: of 8 training"):
        fr.tune("two-layer", splits, **SMALL)


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ({"epochs": 4}, "begun with other epochs: expected 3, found 4"),
        ({"vary": {"lr": [0.001, 0.02]}}, "other values to try: expected lr=0.001,0.01, found lr"),
        ({"seeds": 2}, "begun with other seeds: expected [0], found [0,1]"),
        ({"objective": "accuracy-seconds"}, "begun with other objective: expected accuracy, found"),
        ({"name": "two layer"}, "begun with other name"),
        ({"storage": "sqlite:///other.db", "trials": 1}, None),
        ({"storage": "sqlite:///other.db", "vary": {"lr": [0.001, 0.02]}}, "other values to try"),
    ],
)
def test_a_folder_of_another_tuning_is_left_as_it_is(
    how: dict[str, Any], complaint: str | None, shapes: DataSplits
) -> None:
    small = SMALL | {"vary": {"lr": [0.001, 0.01]}, "final_seeds": 0, "name": "two-layer"}
    tuning = fr.tune("two-layer", shapes, **small)
    before = (tuning.folder / TRIALS).read_bytes()
    if complaint is None:  # finished, and so the storage is not asked
        fr.tune("two-layer", shapes, **small | how)
    else:
        with pytest.raises(TuningError) as caught:
            fr.tune("two-layer", shapes, **small | how)
        assert complaint in str(caught.value)
    assert (tuning.folder / TRIALS).read_bytes() == before


def test_other_data_are_another_tuning(shapes: DataSplits) -> None:
    small = SMALL | {"vary": {"lr": [0.001, 0.01]}, "final_seeds": 0}
    fr.tune("two-layer", shapes, **small)
    other = replace(shapes, learning=shape_pictures(240, seed=5))
    with pytest.raises(TuningError, match="begun with other data"):
        fr.tune("two-layer", other, **small)


def test_trials_in_another_storage_are_asked_for(shapes: DataSplits) -> None:
    small = SMALL | {"final_seeds": 0}
    fr.tune("two-layer", shapes, trials=1, **small)
    with pytest.raises(TuningError, match=r"keeps its trials in trials.db, not in sqlite:///o"):
        fr.tune("two-layer", shapes, trials=2, storage="sqlite:///other.db", **small)
    assert not Path("other.db").exists()
