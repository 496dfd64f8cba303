from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.reports.planting_tuning import (
    DIVERGED,
    VARY,
    plant_tuning,
    searched,
    small_plan,
    trial_at,
)

from fittingroom.reports.tuning_rates import find_regions, judge
from fittingroom.tuning.tuning import Trial

PLAN = small_plan()
GOOD: tuple[float, ...] = (0.80, 0.86, 0.88, 0.89)
LOSSES: tuple[float, ...] = (0.6, 0.4, 0.35, 0.3)


def trial(number: int, lr: float, *, down: float = 0.0, up: float = 1.0, **more: Any) -> Trial:
    """Return a trial whose accuracy lies `down` below the best one's, its loss `up` times that."""
    epochs = more.pop("epochs", 4)
    state = more.pop("state", "complete" if epochs == 4 else "pruned")
    curve = tuple(value - down for value in GOOD[:epochs])
    losses = tuple(value * up for value in LOSSES[:epochs])
    return trial_at(PLAN, number, state, lr=lr, curve=curve, train_curve=losses, **more)


BEST = trial(0, 0.002)


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        (trial(1, 0.0005, down=0.01, up=1.2), "too-low"),
        (trial(1, 0.02, down=0.01, up=1.2), "too-high"),
        (trial(1, 0.0005, down=0.01, up=1.05), "neither"),  # as accurate on training pictures
        (trial(1, 0.0005, down=0.004, up=1.5), "neither"),  # hardly less accurate
        (trial(1, 0.0005, down=0.01, up=1.2, epochs=2), "too-low"),  # at the same epoch
        (trial(1, 0.002, down=0.1, up=2.0), "neither"),  # the same rate
        (trial(1, 0.09, state="failed", reason=f"seed 1: {DIVERGED}"), "too-high"),
        (trial(1, 0.09, state="failed", reason="out of memory"), None),
        (trial(1, 0.0001, state="failed", reason=DIVERGED), None),
        (trial(1, 0.0001, state="running"), None),
        (trial(1, 0.0001, state="pruned", epochs=0, accuracy=None), None),
    ],
)
def test_a_trial_is_held_against_the_best_after_as_many_epochs(
    other: Trial, verdict: str | None
) -> None:
    assert judge(other, BEST) == verdict


def test_a_loss_that_climbs_again_is_a_sign_of_too_high_a_rate_only() -> None:
    climbing: dict[str, Any] = {
        "train_curve": (0.6, 0.3, 0.31, 0.3),
        "curve": (0.8, 0.86, 0.87, 0.88),
    }
    assert judge(trial_at(PLAN, 1, lr=0.02, **climbing), BEST) == "too-high"
    assert judge(trial_at(PLAN, 1, lr=0.0002, **climbing), BEST) == "neither"


def test_a_region_goes_on_as_long_as_every_trial_shows_the_same(tmp_path: Path) -> None:
    trials = [
        BEST,
        trial(1, 0.0002, down=0.03, up=2),
        trial(2, 0.0004, down=0.02, up=1.5),
        trial(3, 0.0006, down=0.001, up=1.5),
        trial(4, 0.0008, down=0.02, up=1.5),
        trial(5, 0.03, down=0.05, up=3),
        trial(6, 0.05, down=0.05, up=3, epochs=1),
        trial(7, 0.09, state="failed", reason=DIVERGED),
    ]
    low, high = find_regions(plant_tuning(tmp_path / "t", trials, PLAN))
    assert (low.side, low.low, low.high, len(low.trials)) == ("too-low", 0.0002, 0.0004, 2)
    assert (high.side, high.low, high.high) == ("too-high", 0.03, 0.09)
    assert (high.pruned, high.diverged) == (1, 1)


@pytest.mark.parametrize(
    "alone", [trial(1, 0.0002, down=0.03, up=2), trial(1, 0.09, state="failed", reason=DIVERGED)]
)
def test_one_trial_alone_makes_no_region(tmp_path: Path, alone: Trial) -> None:
    assert find_regions(plant_tuning(tmp_path / "t", [BEST, alone], PLAN)) == []


def test_a_low_rate_that_was_stopped_after_an_epoch_may_only_be_slow(tmp_path: Path) -> None:
    early = [trial(n, 0.0001 * n, down=0.03, up=2, epochs=1) for n in (1, 2, 3)]
    (found,) = find_regions(plant_tuning(tmp_path / "t", [BEST, *early], PLAN))
    assert (found.side, found.firm) == ("too-low", False)
    assert found.high == pytest.approx(0.0003)
    firm = [trial(4, 0.00015, down=0.03, up=2), trial(5, 0.00025, down=0.03, up=2, epochs=2)]
    (found,) = find_regions(plant_tuning(tmp_path / "u", [BEST, *early, *firm], PLAN))
    assert (found.firm, found.high) == (True, 0.00025)  # and no further than the last firm one


def test_a_high_rate_that_lags_has_no_such_excuse(tmp_path: Path) -> None:
    early = [trial(n, 0.02 * n, down=0.03, up=2, epochs=1) for n in (1, 2, 3)]
    (found,) = find_regions(plant_tuning(tmp_path / "t", [BEST, *early], PLAN))
    assert (found.side, found.firm, found.low) == ("too-high", True, 0.02)


def test_losses_that_mean_different_things_explain_nothing(tmp_path: Path) -> None:
    vary = {"lr": VARY["lr"], "label_smoothing": VARY["label_smoothing"]}
    plan = small_plan(vary=vary)
    regions = find_regions(plant_tuning(tmp_path / "t", searched(plan, 60), plan))
    assert [region.side for region in regions] == ["too-low", "too-high"]
    assert not any(region.explained for region in regions)


def test_without_a_rate_that_varies_there_are_no_regions(tmp_path: Path) -> None:
    plan = small_plan(vary={"batch_size": [64, 128]})
    trials = [trial_at(plan, n, batch_size=64, accuracy=0.8 + n / 100) for n in range(4)]
    assert find_regions(plant_tuning(tmp_path / "t", trials, plan)) == []
