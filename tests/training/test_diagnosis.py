from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fittingroom.training.diagnosis import Curves, diagnose, diagnose_setting
from fittingroom.training.history import Epoch

# Measured on Fashion-MNIST, three layers, protocol "notebook": means of five seeds.
GOOD_RATE = [0.527, 0.373, 0.337, 0.309, 0.292, 0.273, 0.261, 0.249, 0.237, 0.227, 0.218, 0.21]
TOO_HIGH = [0.536, 0.411, 0.39, 0.372, 0.358]
TOO_LOW = [0.824, 0.495, 0.443, 0.414, 0.396]


def history(
    losses: Sequence[float], accuracy: float = 0.89, validation: Sequence[float] = ()
) -> tuple[Epoch, ...]:
    """A curve that ends at this training accuracy, with 0.88 on validation pictures, if any."""
    unseen: list[float | None] = list(validation) or [None] * len(losses)
    return tuple(
        Epoch(number, loss, accuracy, held, None if held is None else 0.88, 0.001, 1.0)
        for number, (loss, held) in enumerate(zip(losses, unseen, strict=True), start=1)
    )


def curves(
    lr: float, losses: Sequence[float], accuracy: float, held_out: float, seeds: int = 3
) -> Curves:
    """A setting whose seeds differ a little, around these."""
    steps = [(seed - (seeds - 1) / 2) / 1000 for seed in range(seeds)]
    runs = [history([loss + step for loss in losses], accuracy - step) for step in steps]
    return Curves(lr, len(losses), runs, [held_out + step for step in steps])


def test_loss_that_climbs_again_is_overshooting() -> None:
    climbing = [0.5, 0.41, 0.38, 0.39, 0.36, 0.37, 0.35]
    assert diagnose(history(climbing), held_out_accuracy=0.87).kind == "overshooting"
    smooth = [0.5, 0.41, 0.38, 0.37, 0.365, 0.36, 0.355]
    assert diagnose(history(smooth), held_out_accuracy=0.87).kind == "fine"


def test_many_more_mistakes_on_unseen_pictures_are_overfitting() -> None:
    # 7% of the training pictures are mistaken: 10.5% are one and a half times as many.
    assert diagnose(history(GOOD_RATE, 0.93), held_out_accuracy=0.894).kind == "overfitting"
    assert diagnose(history(GOOD_RATE, 0.93), held_out_accuracy=0.896).kind == "fine"


def test_few_mistakes_left_are_not_overfitting() -> None:
    flat = [0.1, 0.02, 0.011, 0.0109]
    assert diagnose(history(flat, 0.998), held_out_accuracy=0.99).kind == "fine"
    assert diagnose(history(flat, 0.998), held_out_accuracy=0.97).kind == "overfitting"


def test_validation_loss_that_rises_is_overfitting() -> None:
    falling = [0.5, 0.4, 0.36, 0.34, 0.33, 0.325, 0.32]
    rising = [0.4, 0.35, 0.3, 0.3, 0.3, 0.33, 0.34]
    level = [0.4, 0.35, 0.3, 0.3, 0.3, 0.31, 0.3]
    assert diagnose(history(falling, validation=rising)).kind == "overfitting"
    assert diagnose(history(falling, validation=level)).kind == "fine"


def test_loss_that_still_falls_is_underfitting_while_the_accuracies_go_together() -> None:
    assert diagnose(history(TOO_LOW, 0.862), held_out_accuracy=0.851).kind == "underfitting"
    assert diagnose(history(TOO_LOW, 0.862), held_out_accuracy=0.82).kind == "fine"
    level = [0.5, 0.4, 0.39, 0.385]
    assert diagnose(history(level, 0.862), held_out_accuracy=0.851).kind == "fine"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_epochs_say_nothing(count: int) -> None:
    found = diagnose(history(GOOD_RATE[:count]), held_out_accuracy=0.8)
    assert found.kind == "too-short"
    assert found.evidence == {"epochs": count, "seeds": 1, "seeds_agreeing": 1}


def test_curve_without_unseen_pictures_is_refused() -> None:
    with pytest.raises(ValueError, match="neither"):
        diagnose(history(GOOD_RATE))


def test_lower_rate_that_gets_further_shows_overshooting_that_a_curve_hides() -> None:
    high, good = curves(0.01, TOO_HIGH, 0.87, 0.854), curves(0.001, GOOD_RATE[:5], 0.89, 0.875)
    found = diagnose_setting(high, {"good": good})
    assert (found.kind, found.rival) == ("overshooting", "good")
    assert found.evidence["seeds_agreeing"] == 0
    assert found.evidence["seeds"] == 3
    assert found.evidence["rival_lr"] == 0.001
    assert found.evidence["rival_train_loss"] == pytest.approx(0.292)
    assert found.evidence["loss_excess"] == pytest.approx(0.358 / 0.292 - 1)
    assert diagnose_setting(high).kind == "underfitting"


def test_lower_rate_is_compared_after_the_same_number_of_epochs() -> None:
    # After 12 epochs the lower rate is at 0.21, after 5 of them where the higher rate is.
    higher = curves(0.002, [0.52, 0.37, 0.34, 0.31, 0.29], 0.89, 0.875)
    longer = curves(0.001, GOOD_RATE, 0.92, 0.889)
    assert diagnose_setting(higher, {"longer": longer}).kind == "underfitting"
    high = curves(0.01, TOO_HIGH, 0.87, 0.854)
    found = diagnose_setting(high, {"longer": longer})
    assert found.kind == "overshooting"
    assert found.evidence["rival_train_loss"] == pytest.approx(0.292)


def test_rival_of_the_same_length_speaks_before_a_longer_one() -> None:
    high = curves(0.01, TOO_HIGH, 0.87, 0.854)
    longer = curves(0.0008, [loss - 0.01 for loss in GOOD_RATE], 0.92, 0.889)
    same = curves(0.001, GOOD_RATE[:5], 0.89, 0.875)
    assert diagnose_setting(high, {"longer": longer, "same": same}).rival == "same"


def test_lower_rate_that_is_worse_on_unseen_pictures_shows_nothing() -> None:
    high, low = curves(0.01, TOO_HIGH, 0.87, 0.88), curves(0.001, GOOD_RATE[:5], 0.89, 0.875)
    assert diagnose_setting(high, {"low": low}).kind != "overshooting"


def test_more_learning_that_gets_further_shows_underfitting_that_a_curve_hides() -> None:
    slow = [0.8, 0.5, 0.45, 0.42, 0.40, 0.385, 0.375, 0.367, 0.36, 0.353, 0.347, 0.341]
    low, good = curves(0.0001, slow, 0.9, 0.88), curves(0.001, GOOD_RATE, 0.92, 0.889)
    found = diagnose_setting(low, {"good": good})
    assert (found.kind, found.rival) == ("underfitting", "good")
    assert found.evidence["rival_held_out_accuracy"] == pytest.approx(0.889)
    assert diagnose_setting(low).kind == "fine"


def test_more_learning_that_does_not_help_is_no_sign_of_underfitting() -> None:
    short = curves(0.001, GOOD_RATE[:5], 0.89, 0.875)
    longer = curves(0.001, GOOD_RATE, 0.92, 0.877)
    assert diagnose_setting(short).kind == "underfitting"
    assert diagnose_setting(short, {"longer": longer}).kind == "fine"


def test_higher_rate_that_fails_does_not_refute_a_loss_that_still_falls() -> None:
    short, high = curves(0.001, GOOD_RATE[:5], 0.89, 0.875), curves(0.01, TOO_HIGH, 0.87, 0.854)
    assert diagnose_setting(short, {"high": high}).kind == "underfitting"


def test_overfitting_comes_before_what_more_learning_would_give() -> None:
    heart = curves(0.001, GOOD_RATE, 0.93, 0.885)
    more = curves(0.001, [*GOOD_RATE, 0.18, 0.15, 0.12], 0.96, 0.895)
    found = diagnose_setting(heart, {"more": more})
    assert (found.kind, found.rival, found.evidence["seeds_agreeing"]) == ("overfitting", None, 3)


def test_setting_is_no_rival_of_its_own() -> None:
    good = curves(0.001, GOOD_RATE, 0.91, 0.889)
    assert diagnose_setting(good, {"good": good}) == diagnose_setting(good)


def test_rivals_that_are_too_short_are_passed_over() -> None:
    high, blip = curves(0.01, TOO_HIGH, 0.87, 0.854), curves(0.001, [0.2, 0.1], 0.9, 0.9)
    assert diagnose_setting(high, {"blip": blip}).rival is None


def test_setting_of_short_runs_says_nothing() -> None:
    found = diagnose_setting(curves(0.001, [0.5, 0.4], 0.9, 0.88))
    assert found.kind == "too-short"
    assert found.evidence == {"epochs": 2, "seeds": 3, "seeds_agreeing": 3}


def test_one_seed_is_judged_as_a_run_by_itself() -> None:
    one = curves(0.001, GOOD_RATE, 0.93, 0.885, seeds=1)
    assert diagnose_setting(one) == diagnose(one.histories[0], held_out_accuracy=0.885)


FRACTION = st.floats(0, 1)
SEEDS = st.lists(
    st.tuples(st.lists(st.floats(0.001, 3), min_size=1, max_size=8), FRACTION, FRACTION),
    min_size=1,
    max_size=5,
)


def setting(lr: float, seeds: list[tuple[list[float], float, float]]) -> Curves:
    runs = [history(losses, accuracy) for losses, accuracy, _ in seeds]
    return Curves(lr, max(map(len, runs)), runs, [held_out for *_, held_out in seeds])


@given(own=SEEDS, other=SEEDS, order=st.permutations(range(5)))
def test_order_of_the_seeds_does_not_matter(
    own: list[tuple[list[float], float, float]],
    other: list[tuple[list[float], float, float]],
    order: list[int],
) -> None:
    shuffled = [own[place] for place in order if place < len(own)]
    rivals = {"higher": setting(0.01, other), "lower": setting(0.0001, other)}
    one = diagnose_setting(setting(0.001, own), rivals)
    two = diagnose_setting(setting(0.001, shuffled), rivals)
    assert (one.kind, one.rival) == (two.kind, two.rival)
    assert one.evidence == pytest.approx(two.evidence)
    json.dumps(dict(one.evidence), allow_nan=False)
